# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT
#
# The CPU or an NVIDIA GPU: `start --device cuda` chooses, and all commands after
# it build and run for the same, until `start --device cpu`. Each has its own
# packages (cache/venv, cache/venv-cuda) and its own build (build/release,
# build/cuda). MLX_TUTORIAL_DEVICE=cpu or cuda is for one command. On a Mac the
# one MLX has both devices: there is nothing to choose.

DEVICE=cpu
LEAST_DRIVER=580 # of CUDA 13
WHOLE_DRIVER="all of NVIDIA's driver (in a container: start that with --gpus \
all)"
CUDA_SIZE="about 2.4 GB to download, 4.3 GB on disk: MLX with NVIDIA's \
libraries"
CUDA_MEGABYTES=5000

# find_device : sets DEVICE; after find_home.
find_device() {
  DEVICE=cpu
  if [ "$PLATFORM" = linux ]; then
    DEVICE=${MLX_TUTORIAL_DEVICE:-$(cat "$CACHE/device" 2>/dev/null)}
  fi
  case "${DEVICE:-cpu}" in
    cpu) DEVICE=cpu ;;
    cuda | gpu) DEVICE=cuda ;;
    *)
      usage_error "expected MLX_TUTORIAL_DEVICE to be cpu or cuda but received" \
        "'$DEVICE'; unset it or correct it."
      ;;
  esac
}

# choose_device NAME : remembers what `start --device NAME` asks for; for an
# NVIDIA GPU only where there is one.
choose_device() {
  case "$1" in
    cpu | gpu | cuda) ;;
    *)
      usage_error "expected --device cpu, gpu or cuda (the same as gpu, on" \
        "NVIDIA) but received '$1'; write one of them."
      ;;
  esac
  check_platform
  if [ "$PLATFORM" = macos ]; then
    [ "$1" != cuda ] || die "$EXIT_ENVIRONMENT" "[gpu] expected an NVIDIA GPU" \
      "but this is a Mac; write --device gpu."
    return 0
  fi
  if [ "$1" != cpu ]; then
    need_nvidia
    say "For $NVIDIA_NAME (driver $NVIDIA_DRIVER); './tutorial start" \
      "--device cpu' goes back."
  fi
  make_home
  case "$1" in
    cpu) rm -f "$CACHE/device" ;;
    *) echo cuda >"$CACHE/device" || home_error ;;
  esac
  unset MLX_TUTORIAL_DEVICE
}

# ask_nvidia : sets NVIDIA_NAME, _DRIVER, _MEMORY; false if nobody answers, and
# NVIDIA_SAYS is why.
ask_nvidia() {
  local said
  NVIDIA_NAME='' NVIDIA_DRIVER='' NVIDIA_MEMORY=''
  if ! has nvidia-smi; then
    NVIDIA_SAYS="there is no nvidia-smi, which comes with NVIDIA's driver"
    return 1
  fi
  if ! said=$(nvidia-smi --query-gpu=name,driver_version,memory.total \
    --format=csv,noheader 2>&1) || [ -z "$said" ]; then
    NVIDIA_SAYS="nvidia-smi says: $(printf '%s' "$said" | head -n 1)"
    return 1
  fi
  said=$(printf '%s\n' "$said" | head -n 1)
  NVIDIA_MEMORY=${said##*, }
  said=${said%, *}
  NVIDIA_DRIVER=${said##*, }
  NVIDIA_NAME=${said%, *}
}

# need_nvidia : one line and exit 3 unless a GPU answers with a driver that MLX's
# wheel can use and load.
need_nvidia() {
  ask_nvidia || die "$EXIT_ENVIRONMENT" "[gpu] expected an NVIDIA GPU but" \
    "$NVIDIA_SAYS; install the driver ($LEAST_DRIVER or later), or leave out" \
    "--device cuda."
  driver_fits || die "$EXIT_ENVIRONMENT" "[gpu] expected NVIDIA's driver" \
    "$LEAST_DRIVER or later (CUDA 13) but found $NVIDIA_DRIVER; update it, or" \
    "choose --device cpu."
  need_driver_library
}

driver_fits() { [ "${NVIDIA_DRIVER%%.*}" -ge "$LEAST_DRIVER" ] 2>/dev/null; }

# need_driver_library : without it each program would end in the loader (127),
# before its first line.
need_driver_library() {
  driver_loads || die "$EXIT_ENVIRONMENT" "[gpu] expected the library of" \
    "NVIDIA's driver, libcuda.so.1, but it cannot be loaded; install" \
    "$WHOLE_DRIVER, or go back with: ./tutorial start --device cpu"
}

# The loader itself is asked, with a program that needs nothing: it says what it
# could not load, and goes on.
driver_loads() { [ -z "$(LD_PRELOAD=libcuda.so.1 env true 2>&1)" ]; }

# What DEVICE needs: the file of its packages, its environment, its build of a
# folder that for the CPU is FOLDER.
requirements_file() {
  case "$DEVICE" in
    cuda) echo "$ROOT/requirements-cuda.txt" ;;
    *) echo "$ROOT/requirements.txt" ;;
  esac
}

venv_folder() {
  case "$DEVICE" in
    cuda) echo "$CACHE/venv-cuda" ;;
    *) echo "$CACHE/venv" ;;
  esac
}

# build_folder FOLDER
build_folder() {
  case "$DEVICE/$1" in
    cuda/release) echo cuda ;;
    cuda/*) echo "cuda-$1" ;;
    *) echo "$1" ;;
  esac
}
