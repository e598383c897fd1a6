# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What comes from the system: on Debian and Ubuntu packages through apt-get, on
# a Mac Apple's Command Line Tools. Nothing is installed without a yes.

# A compiler, the C++ libraries, Python with its headers.
APT_BUILD="build-essential cmake ninja-build pkg-config ccache curl
  ca-certificates git python3 python3-venv python3-dev libopenblas-dev
  libpcre2-dev libutf8proc-dev nlohmann-json3-dev libcli11-dev doctest-dev
  librapidcheck-dev libhwy-dev"
# For the tests: clang with libc++, which is what a Mac compiles with, and the
# run-time library of libFuzzer.
APT_TEST="clang-19 libc++-19-dev libc++abi-19-dev libclang-rt-19-dev"
OS_RELEASE=/etc/os-release

# apt_wanted build|test : the names, on one line.
apt_wanted() {
  local names
  names="$APT_BUILD $(boost_package)"
  case "$1" in test) names="$names $APT_TEST $(browser_package)" ;; esac
  # shellcheck disable=SC2086
  echo $names
}

# The web server wants Boost 1.81. Debian 12's libboost-dev is 1.74, and it has
# 1.81 beside it; later systems have a newer one under the plain name.
boost_package() {
  if grep -qs 'CODENAME="*bookworm' "$OS_RELEASE"; then
    echo libboost1.81-dev
  else
    echo libboost-dev
  fi
}

# A browser for the tests, unless there is one. Ubuntu's is a snap, which no
# apt-get can bring into a container: there it is left to people.
browser_package() {
  if [ -z "$(find_browser)" ] && ! grep -qsi ubuntu "$OS_RELEASE"; then
    echo chromium
  fi
}

# The path of Chromium or Chrome; nothing if there is none. CHROMIUM names
# another one.
find_browser() {
  local name
  for name in "${CHROMIUM:-}" chromium google-chrome chromium-browser \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    if [ -n "$name" ] && type -P "$name"; then return 0; fi
  done
  return 1
}

# apt_missing NAME... : those that are not installed, on one line.
apt_missing() {
  local installed name missing=
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" \
    2>/dev/null | sed -n 's/^installed //p')
  for name in "$@"; do
    case "
$installed
" in
      *"
$name
"*) ;;
      *) missing="$missing $name" ;;
    esac
  done
  echo "${missing# }"
}

# as_root COMMAND... : directly, or with sudo. sudo drops the environment, so
# the proxy settings are handed over by name.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive \
      ${http_proxy+"http_proxy=$http_proxy"} \
      ${https_proxy+"https_proxy=$https_proxy"} \
      ${no_proxy+"no_proxy=$no_proxy"} \
      ${HTTP_PROXY+"HTTP_PROXY=$HTTP_PROXY"} \
      ${HTTPS_PROXY+"HTTPS_PROXY=$HTTPS_PROXY"} \
      ${NO_PROXY+"NO_PROXY=$NO_PROXY"} "$@"
  fi
}

# Can we become root, now, here? If not, say what root has to type.
check_root() {
  [ "$(id -u)" = 0 ] && return 0
  if has sudo; then
    sudo -n true 2>/dev/null && return 0
    if has_terminal; then
      say "sudo will ask for your password."
      sudo -v && return 0
    fi
  fi
  die "$EXIT_ENVIRONMENT" "[tutorial] expected to be root or to have sudo" \
    "without a password here; ask an administrator to run:" \
    "apt-get install -y --no-install-recommends $*"
}

# apt_needed build|test : what of it is missing; nothing without apt-get.
apt_needed() {
  has apt-get || return 0
  # shellcheck disable=SC2046
  apt_missing $(apt_wanted "$1")
}

# ensure_apt build|test
ensure_apt() {
  local missing plan size
  missing=$(apt_needed "$1")
  [ -z "$missing" ] && return 0
  need_network "the system packages $missing"
  say "Missing system packages: $missing"
  # An image without package lists knows no sizes: fetch the lists first.
  # shellcheck disable=SC2086
  if ! plan=$(apt_plan $missing); then
    ask_or_stop "Fetch the package lists with apt-get (10 to 30 MB, seconds)?"
    check_root "$missing"
    step "apt-get update"
    run_logged apt-update as_root apt-get update -q ||
      die "$EXIT_ENVIRONMENT" "[apt] expected the package lists but could" \
        "not fetch them; check the network and the proxy (http_proxy)."
    # shellcheck disable=SC2086
    plan=$(apt_plan $missing) ||
      die "$EXIT_ENVIRONMENT" "[apt] expected packages named $missing but" \
        "this system lacks some; use Debian 12, Ubuntu 24.04 or later."
  fi
  size=$(printf '%s\n' "$plan" |
    awk '/^\047/ { s += $3 } END { print int(s / 1e6) + 1 }')
  ask_or_stop "Install them with apt-get ($size MB to download, about\
 $((size * 9 / 2)) MB on disk, 1 to 4 minutes)?"
  check_root "$missing"
  need_disk $((size * 6)) /usr
  step "apt-get install"
  # shellcheck disable=SC2086
  run_logged apt-install as_root apt-get install -y -q \
    --no-install-recommends -o Dpkg::Use-Pty=0 $missing ||
    die "$EXIT_ENVIRONMENT" "[apt] expected to install $missing but apt-get" \
      "failed; run: apt-get install --no-install-recommends $missing"
}

# What would be downloaded: one line for each file, with its size.
apt_plan() {
  apt-get install --no-install-recommends --print-uris -y -q "$@" 2>/dev/null
}

# Apple's side: the version of macOS, the processor, the compiler.
ensure_mac() {
  local version
  version=$(sw_vers -productVersion)
  [ "${version%%.*}" -ge 14 ] 2>/dev/null ||
    die "$EXIT_ENVIRONMENT" "[macOS] expected macOS 14 or later but found" \
      "$version; MLX is published for 14 and later: update macOS."
  [ "$(mac_processor)" = arm64 ] ||
    die "$EXIT_ENVIRONMENT" "[macOS] expected Apple silicon (arm64) but found" \
      "$(mac_processor); MLX has no wheel for Intel Macs: use Linux there."
  xcode-select -p >/dev/null 2>&1 ||
    die "$EXIT_ENVIRONMENT" "[macOS] expected Apple's Command Line Tools (the" \
      "C++ compiler) but found none; run: xcode-select --install"
}

# arm64 also in a shell that runs translated (Rosetta), where uname says x86_64
# and no wheel would be found.
mac_processor() {
  if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then
    echo "x86_64 under Rosetta (open a native terminal)"
  else
    uname -m
  fi
}
