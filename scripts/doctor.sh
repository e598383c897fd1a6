# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# doctor [--json]: what is installed, what is missing, and the line that
# installs it. Changes nothing. Exit 0 if all is there, else 3.

CHECKS= # lines "name|ok|found|fix"; no field holds a bar

command_doctor() {
  local json=0
  while [ $# -gt 0 ]; do
    case "$1" in
      --json) json=1 ;;
      *)
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || usage_error "expected --json but received" \
          "'$1'; see ./tutorial help."
        shift $((TAKEN - 1))
        ;;
    esac
    shift
  done
  PLATFORM=$(platform)
  find_home
  find_device
  check_system
  check_gpu
  check_tools
  check_python
  check_browser
  check_models
  check_vendor
  measure_mlx
  if [ $json = 1 ]; then print_checks_json; else print_checks; fi
  case "$CHECKS" in *"|missing|"*) exit "$EXIT_ENVIRONMENT" ;; esac
}

# note NAME ok|missing|info FOUND [FIX]
note() {
  CHECKS="$CHECKS$1|$2|$(printf '%s' "$3" | tr '|\n' '/ ')|${4:-}
"
}

check_system() {
  local version free
  case "$PLATFORM" in
    macos)
      version=$(sw_vers -productVersion)
      if [ "${version%%.*}" -ge 14 ] 2>/dev/null; then
        note system ok "macOS $version"
      else
        note system missing "macOS $version" "update to macOS 14 or later"
      fi
      if [ "$(mac_processor)" = arm64 ]; then
        note processor ok arm64
      else
        note processor missing "$(mac_processor)" "use a Mac with Apple silicon"
      fi
      ;;
    linux)
      version=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release \
        2>/dev/null)
      if has apt-get; then
        note system ok "${version:-Linux}"
      else
        note system missing "${version:-Linux}" "use Debian 12 or Ubuntu 24.04"
      fi
      note processor ok "$(uname -m)"
      ;;
    *) note system missing "$PLATFORM" "use macOS 14, Debian 12 or later" ;;
  esac
  note processors info "$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
  note memory info "$(memory_mb) MB"
  note home info "$TUTORIAL_HOME"
  version=$TUTORIAL_HOME
  while [ ! -d "$version" ]; do version=$(dirname "$version"); done
  free=$(df -Pk "$version" | awk 'NR == 2 { print int($4 / 1024) }')
  if [ "${free:-0}" -ge 3000 ]; then
    note disk ok "$free MB free"
  else
    note disk missing "$free MB free" "free 3000 MB, or use --home DIR"
  fi
}

# An NVIDIA GPU: which, its driver, and whether this installation uses it. Never
# counted as missing, unless it was chosen.
check_gpu() {
  local state=info fix="./tutorial start --device cuda"
  [ "$PLATFORM" = linux ] || return 0
  if [ "$DEVICE" = cuda ]; then state=missing; fi
  if ! ask_nvidia; then
    note gpu "$state" "none: $NVIDIA_SAYS" \
      "NVIDIA's driver $LEAST_DRIVER or later, or ./tutorial start --device cpu"
    return 0
  fi
  if ! driver_fits; then
    note gpu "$state" "$NVIDIA_NAME, driver $NVIDIA_DRIVER: MLX needs \
$LEAST_DRIVER or later" "NVIDIA's driver $LEAST_DRIVER or later"
  elif ! driver_loads; then
    note gpu "$state" "$NVIDIA_NAME, driver $NVIDIA_DRIVER: libcuda.so.1 \
cannot be loaded" "$WHOLE_DRIVER"
  else
    note gpu ok "$NVIDIA_NAME, $NVIDIA_MEMORY, driver $NVIDIA_DRIVER"
  fi
  if [ "$DEVICE" = cuda ]; then
    note device ok "cuda ($CACHE/venv-cuda, build/cuda)"
  else
    note device info "cpu, though there is an NVIDIA GPU" "$fix"
  fi
}

# A real model that programs fetch by themselves; never counted as missing.
check_models() {
  set -- "$TUTORIAL_HOME"/models/smollm2/*.gguf
  if [ -f "$1" ]; then
    note smollm2 ok "$(du -sk "$1" | awk '{ print int($1 * 1.024 / 1000) }') \
MB in $TUTORIAL_HOME/models/smollm2"
  else
    note smollm2 info "not fetched yet (98 MB; a program that needs it does it)"
  fi
}

# Without them the pages of the course are text.
check_vendor() {
  [ -f "$ROOT/public/package-lock.json" ] || return 0
  if vendor_holds; then
    note pages ok "public/vendor lays them out"
  else
    note pages info "shown as text" "./tutorial vendor"
  fi
}

# Only the tests of the web page need one.
check_browser() {
  local browser
  if browser=$(find_browser); then
    note browser ok "$("$browser" --version 2>/dev/null | head -n 1)"
  else
    note browser info "none: ./tutorial test leaves the page's tests out" \
      "install Chromium or Chrome, or set CHROMIUM=/path/browser"
  fi
}

check_tools() {
  local name conda
  if [ "$PLATFORM" = macos ]; then
    if xcode-select -p >/dev/null 2>&1; then
      note compiler ok "$(xcrun clang++ --version 2>/dev/null | head -n 1)"
    else
      note compiler missing none "xcode-select --install"
    fi
    if conda=$(find_conda); then
      note conda ok "$("$conda" --version 2>/dev/null) ($conda)"
    else
      note conda missing none "curl -fLO $MINICONDA_URL && bash \
$(basename "$MINICONDA_URL") -b -p \"\$HOME/miniconda3\""
    fi
    return 0
  fi
  for name in "g++" cmake ninja ccache "clang++-19"; do
    if has "$name"; then
      note "$name" ok "$("$name" --version 2>/dev/null | head -n 1)"
    fi
  done
  note_packages "system packages" missing build
  # People who only train need no clang.
  if [ -z "$(apt_needed build)" ]; then
    note_packages "for ./tutorial test" info test
  fi
  if conda=$(find_conda); then
    note conda info "$("$conda" --version 2>/dev/null) ($conda)"
  fi
}

# note_packages NAME STATE build|test : STATE if some are not installed.
note_packages() {
  local missing
  missing=$(apt_needed "$3")
  if [ -z "$missing" ]; then
    note "$1" ok "all $(apt_wanted "$3" | wc -w | tr -d ' ')"
  else
    note "$1" "$2" "without $missing" \
      "apt-get install -y --no-install-recommends $missing"
  fi
}

# The interpreter that start would use, if it exists already.
check_python() {
  local conda wrong
  PYTHON=${MLX_TUTORIAL_PYTHON:-}
  if [ -z "$PYTHON" ] && ! stamp_holds; then
    PYTHON=$(venv_folder)/bin/python
    if [ "$DEVICE" = cpu ] && conda=$(find_conda); then
      PYTHON=$(conda_python "$conda")
    fi
  fi
  if [ ! -x "$PYTHON" ]; then
    note python missing "no environment yet" "./tutorial start"
    PYTHON=
    return 0
  fi
  note python ok "$("$PYTHON" --version 2>&1) ($PYTHON)"
  if python_fits; then
    note "python packages" ok "as $(basename "$(requirements_file)") says"
  else
    wrong=$(wrong_packages)
    note "python packages" missing "$wrong" \
      "$PYTHON -m pip install -r $(basename "$(requirements_file)")"
  fi
}

# What runs: the program `doctor` measures inside a process that is linked as
# all programs are; before it is built, Python with the same BLAS in front.
measure_mlx() {
  local program answer
  program=$ROOT/build/$(build_folder release)/bin/doctor
  MEASURED=
  if [ "$DEVICE" = cuda ] && ! driver_loads; then
    note programs info "not tried: without the driver's library none runs"
    return 0
  fi
  if [ -x "$program" ]; then
    if answer=$(MLX_TUTORIAL_HOME=$TUTORIAL_HOME "$program" 2>&1); then
      note programs ok "built"
      MEASURED=$(printf '%s\n' "$answer" | tail -n 1)
      return 0
    fi
    note programs missing "do not run: $(printf '%s\n' "$answer" |
      tail -n 1)" "./tutorial clean && ./tutorial start"
  else
    note programs info "not built yet (./tutorial start builds them)"
  fi
  if [ -n "$PYTHON" ]; then
    MEASURED=$("$PYTHON" "$ROOT/scripts/measure_blas.py" 2>/dev/null |
      tail -n 1)
  fi
}

print_checks() {
  local name state found fix
  printf '%s' "$CHECKS" | while IFS='|' read -r name state found fix; do
    printf '%-8s %-19s %s\n' "$state" "$name" "$found"
    if [ -n "$fix" ]; then printf '%28s install: %s\n' '' "$fix"; fi
  done
  if [ -n "$MEASURED" ]; then
    echo "MLX:"
    printf '%s\n' "$MEASURED" | awk '{
      gsub(/[{}]/, ""); gsub(/, *"/, "\n  "); gsub(/" *: */, ": ")
      gsub(/"/, ""); print "  " $0 }'
  fi
}

print_checks_json() {
  local name state found fix comma="" ok=true
  case "$CHECKS" in *"|missing|"*) ok=false ;; esac
  printf '{"ok": %s, "platform": %s, "home": %s, "checks": [' "$ok" \
    "$(json_string "$PLATFORM")" "$(json_string "$TUTORIAL_HOME")"
  printf '%s' "$CHECKS" | while IFS='|' read -r name state found fix; do
    printf '%s{"name": %s, "state": "%s", "found": %s, "fix": %s}' "$comma" \
      "$(json_string "$name")" "$state" "$(json_string "$found")" \
      "$(json_string "$fix")"
    comma=', '
  done
  printf '], "mlx": %s}\n' "${MEASURED:-null}"
}

json_string() {
  printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' |
    sed 's/\\/\\\\/g; s/"/\\"/g')"
}
