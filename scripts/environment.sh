# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The Python environment, which also brings MLX's headers and library: conda's
# on a Mac, else conda if it is there, else a venv in cache/venv; for an NVIDIA
# GPU always a venv of its own. A stamp says that it fits requirements.txt (or
# requirements-cuda.txt), so that the second start does not look again.

PYTHON=

# prepare build|test : everything that a build needs. Sets PYTHON. The tests are
# those of the CPU.
prepare() {
  unset PYTHONHOME PYTHONPATH
  check_platform
  make_home
  find_device
  [ "$1" = build ] || DEVICE=cpu
  [ "$DEVICE" = cpu ] || need_driver_library
  PYTHON=
  if [ "$PLATFORM" = macos ]; then
    ensure_mac
  elif [ -n "$(apt_needed "$1")" ]; then
    take_lock "$CACHE/setup.lock" "installing packages"
    ensure_apt "$1"
    drop_lock
  fi
  ensure_python
  use_environment
}

# The stamp holds if it was written for the same files and the same conda.
stamp_key() {
  echo "$(cksum <"$(requirements_file)")" \
    "$(cksum <"$ROOT/environment.yml") ${CONDA_EXE:-}"
}

stamp_file() {
  case "$DEVICE" in
    cpu) echo "$CACHE/stamps/python" ;;
    *) echo "$CACHE/stamps/python-$DEVICE" ;;
  esac
}

stamp_holds() {
  local file
  file=$(stamp_file)
  [ -f "$file" ] || return 1
  [ "$(sed -n 1p "$file")" = "$(stamp_key)" ] || return 1
  PYTHON=$(sed -n 2p "$file")
  [ -x "$PYTHON" ]
}

# Whole or not at all.
write_stamp() {
  local file
  file=$(stamp_file)
  { printf '%s\n%s\n' "$(stamp_key)" "$PYTHON" >"$file.$$" &&
    mv "$file.$$" "$file"; } || home_error
}

ensure_python() {
  local conda
  # Somebody else's interpreter: used as it is, never changed.
  if [ -n "${MLX_TUTORIAL_PYTHON:-}" ]; then
    PYTHON=$MLX_TUTORIAL_PYTHON
    [ -x "$PYTHON" ] ||
      die "$EXIT_ENVIRONMENT" "[tutorial] expected MLX_TUTORIAL_PYTHON to" \
        "name a Python but found $PYTHON; unset it or correct it."
    python_fits || die "$EXIT_ENVIRONMENT" "[tutorial] expected the" \
      "packages of $(basename "$(requirements_file)") in $PYTHON but" \
      "$(wrong_packages); run: $PYTHON -m pip install -r" \
      "$(basename "$(requirements_file)")"
    return 0
  fi
  stamp_holds && return 0
  take_lock "$CACHE/setup.lock" "setting up Python"
  if ! stamp_holds; then
    conda=
    if [ "$DEVICE" = cpu ]; then conda=$(find_conda); fi
    if [ "$PLATFORM" = macos ] && [ -z "$conda" ]; then
      install_miniconda
      conda=$(find_conda) || die "$EXIT_ENVIRONMENT" \
        "[conda] expected conda in $HOME/miniconda3 but found none; see" \
        "$CACHE/logs/miniconda.log"
    fi
    if [ -n "$conda" ]; then
      PYTHON=$(conda_python "$conda")
      { [ -x "$PYTHON" ] && python_fits; } || ensure_conda_environment "$conda"
    else
      ensure_venv "$(venv_folder)" "$(requirements_file)"
    fi
    write_stamp
  fi
  drop_lock
}

# The environment's own tools come first (a Mac has cmake and ninja there), and
# its settings are the ones that this project expects. The programs fetch models
# with $PYTHON (llm/io/model_source.h).
use_environment() {
  ENV_PREFIX=$(cd "$(dirname "$PYTHON")/.." && pwd -P)
  if [ "$PLATFORM" = macos ]; then PATH="$ENV_PREFIX/bin:$PATH"; fi
  export PATH PYTHON
  export CCACHE_DIR="$CACHE/ccache" CCACHE_BASEDIR="$ROOT"
}

# ensure_venv FOLDER REQUIREMENTS : sets PYTHON.
ensure_venv() {
  local base size="about 270 MB to download, 1.2 GB on disk, 1 to 2 minutes"
  local megabytes=1100
  if [ "$2" = "$ROOT/requirements-cuda.txt" ]; then
    size="$CUDA_SIZE"
    megabytes=$CUDA_MEGABYTES
  fi
  PYTHON=$1/bin/python
  if [ -x "$PYTHON" ] && python_fits "$2"; then return 0; fi
  need_network "the Python packages ($(wrong_packages "$2"))"
  ask_or_stop "Install Python packages to $1 ($size)?"
  need_disk "$megabytes" "$CACHE"
  if ! "$PYTHON" -m pip --version >/dev/null 2>&1; then
    base=$(base_python) || die "$EXIT_ENVIRONMENT" "[Python] expected Python" \
      "3.11 to 3.14 with venv but found $(python3 --version 2>&1 || true);" \
      "install one, or Miniconda, or set MLX_TUTORIAL_PYTHON."
    make_venv "$1" "$base"
  fi
  install_packages pip "$2"
}

# make_venv FOLDER BASE : an empty one, made by the interpreter BASE.
make_venv() {
  run_logged venv "$2" -m venv --clear "$1" ||
    die "$EXIT_ENVIRONMENT" "[Python] expected to make $1 but $2 failed;" \
      "run: apt-get install python3-venv"
}

# install_packages LOG REQUIREMENTS : into the environment of $PYTHON.
install_packages() {
  step "pip install"
  run_logged "$1" "$PYTHON" -m pip install --disable-pip-version-check \
    --no-input --progress-bar off -r "$2" ||
    die "$EXIT_ENVIRONMENT" "[pip] expected the packages of $2 but could not" \
      "install them; check the network and the proxy (https_proxy)."
}

# The system's Python before any other: its headers come from apt.
base_python() {
  local candidate
  for candidate in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
    candidate=$(type -P "$candidate") || continue
    if "$candidate" -c 'import sys, venv, ensurepip
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# Are the pinned packages in $PYTHON? wrong_packages says which are not.
python_fits() {
  "$PYTHON" "$ROOT/scripts/check_pins.py" --installed \
    "${1:-$(requirements_file)}" >/dev/null 2>&1
}

wrong_packages() {
  local answer
  answer=$("$PYTHON" "$ROOT/scripts/check_pins.py" --installed \
    "${1:-$(requirements_file)}" 2>/dev/null | tr '\n' ',' |
    sed 's/,$//; s/,/, /g')
  echo "${answer:-no environment yet}"
}
