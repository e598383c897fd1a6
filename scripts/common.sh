# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT
#
# Shared by the other parts: messages, questions, options, the home folder,
# locks, the platform. Progress goes to standard error; standard output belongs
# to the programs and to what was asked for.

# Exit codes, the same as the programs': 2 usage, 3 bad input or environment,
# 4 input/output.
EXIT_USAGE=2
EXIT_ENVIRONMENT=3
EXIT_IO=4

OPT_YES=0
OPT_OFFLINE=0
OPT_HOME=

say() { printf '%s\n' "$*" >&2; }
step() { printf '==> %s\n' "$*" >&2; }

# die CODE "[Where] expected X but received Y; do Z."
die() {
  local code="$1"
  shift
  printf '%s\n' "$*" >&2
  exit "$code"
}

usage_error() { die "$EXIT_USAGE" "[tutorial] $*"; }

has() { command -v "$1" >/dev/null 2>&1; }

# True if a person can see a question and answer it.
has_terminal() { [ -t 0 ] && [ -t 2 ]; }

# ask "What is about to happen?" : true for yes. --yes answers, and the question
# is still shown; without a terminal nobody can answer, so we stop and say what
# to run.
ask() {
  local answer
  if [ "$OPT_YES" = 1 ]; then
    say "$1 yes"
    return 0
  fi
  if ! has_terminal; then
    die "$EXIT_ENVIRONMENT" "[tutorial] expected a yes to '$1' but there is" \
      "no terminal to ask on; run it again with --yes."
  fi
  printf '%s [y/N] ' "$1" >&2
  read -r answer || answer=
  case "$answer" in y | Y | yes | Yes | YES) return 0 ;; esac
  return 1
}

# ask_or_stop "What is about to happen?"
ask_or_stop() {
  ask "$1" || die "$EXIT_ENVIRONMENT" "[tutorial] stopped: nothing was changed."
}

# need_network WHAT : with --offline, stop and name what is missing.
need_network() {
  [ "$OPT_OFFLINE" = 0 ] ||
    die "$EXIT_ENVIRONMENT" "[tutorial] expected $1 to be there already" \
      "(--offline) but it is missing; run it once without --offline."
}

# Options that every command takes, before or right after its name.
# Sets TAKEN to the number of words used, 0 if $1 is none of them.
take_common_option() {
  TAKEN=1
  case "$1" in
    --yes | -y) OPT_YES=1 ;;
    --offline) OPT_OFFLINE=1 ;;
    --home=*) OPT_HOME=${1#--home=} ;;
    --home)
      [ $# -ge 2 ] || usage_error "expected a folder after --home but" \
        "received nothing; write --home DIR."
      OPT_HOME=$2
      TAKEN=2
      ;;
    *)
      TAKEN=0
      return 0
      ;;
  esac
  if [ "${1%%=*}" = --home ] && [ -z "$OPT_HOME" ]; then
    usage_error "expected a folder after --home but received an empty" \
      "string; write --home DIR."
  fi
}

platform() {
  case "$(uname -s)" in
    Darwin) echo macos ;;
    Linux) echo linux ;;
    *) uname -s ;;
  esac
}

# The one line for a system that we do not know.
check_platform() {
  PLATFORM=$(platform)
  case "$PLATFORM" in
    macos) ;;
    linux)
      has apt-get || [ -n "${MLX_TUTORIAL_PYTHON:-}" ] ||
        die "$EXIT_ENVIRONMENT" "[tutorial] expected Debian, Ubuntu (apt-get)" \
          "or macOS but found another Linux; install the packages that" \
          "./tutorial doctor lists and set MLX_TUTORIAL_PYTHON=/path/python."
      ;;
    *)
      die "$EXIT_ENVIRONMENT" "[tutorial] expected macOS 14 or later on Apple" \
        "silicon, Debian or Ubuntu but found $PLATFORM; use one of those."
      ;;
  esac
}

# Where everything that is downloaded or produced lives. Sets TUTORIAL_HOME to
# an absolute path; creates nothing.
find_home() {
  local home="${OPT_HOME:-${MLX_TUTORIAL_HOME:-}}"
  if [ -z "$home" ]; then
    [ -n "${HOME:-}" ] ||
      die "$EXIT_ENVIRONMENT" "[tutorial] expected HOME or MLX_TUTORIAL_HOME" \
        "to be set but both are empty; run it with --home DIR."
    home="$HOME/ai-training"
  fi
  case "$home" in
    \~) home="$HOME" ;;
    \~/*) home="$HOME/${home#\~/}" ;;
  esac
  case "$home" in /*) ;; *) home="$PWD/$home" ;; esac
  # One spelling for one folder: stamps compare it.
  if [ -d "$home" ]; then home=$(cd "$home" && pwd -P); fi
  case "$home" in
    / | "$(cd "${HOME:-/}" 2>/dev/null && pwd -P)")
      usage_error "expected a folder of its own as home but received $home;" \
        "choose one below it, such as --home ${HOME:-}/ai-training."
      ;;
  esac
  TUTORIAL_HOME=$home
  CACHE=$TUTORIAL_HOME/cache
}

# Creates the home. The marker tells `clean` that the folder is ours.
make_home() {
  find_home
  mkdir -p "$TUTORIAL_HOME" 2>/dev/null || home_error
  find_home
  mkdir -p "$TUTORIAL_HOME/data" "$TUTORIAL_HOME/models" "$CACHE/logs" \
    "$CACHE/stamps" 2>/dev/null || home_error
  if [ ! -f "$TUTORIAL_HOME/.mlx-tutorial-home" ]; then
    echo "Made by ./tutorial; './tutorial clean' may empty it." \
      2>/dev/null >"$TUTORIAL_HOME/.mlx-tutorial-home" || home_error
  fi
  export MLX_TUTORIAL_HOME="$TUTORIAL_HOME"
  if [ "$OPT_OFFLINE" = 1 ]; then
    export MLX_TUTORIAL_OFFLINE=1 HF_HUB_OFFLINE=1
  fi
}

home_error() {
  die "$EXIT_IO" "[tutorial] expected to write in $TUTORIAL_HOME but could" \
    "not; choose another folder with --home DIR."
}

# need_disk MEGABYTES FOLDER
need_disk() {
  local free
  free=$(df -Pk "$2" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
  if [ -n "$free" ] && [ "$free" -lt "$1" ]; then
    die "$EXIT_IO" "[tutorial] expected $1 MB free in $2 but found $free MB;" \
      "free some space or choose another folder with --home DIR."
  fi
}

# take_lock FOLDER WHAT : one at a time; waits for the other, and takes over
# from one that died. Released by drop_lock and at exit.
LOCK=
take_lock() {
  local pid said=0 empty=0
  while ! mkdir "$1" 2>/dev/null; do
    [ -d "$1" ] || die "$EXIT_IO" "[tutorial] expected to write $1 but could" \
      "not; check the rights of the folder above it."
    pid=$(cat "$1/pid" 2>/dev/null)
    if [ -z "$pid" ]; then empty=$((empty + 1)); fi
    if [ $empty -gt 5 ] || { [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; }
    then
      mv "$1" "$1.stale.$$" 2>/dev/null && rm -rf "$1.stale.$$"
      continue
    fi
    if [ $said = 0 ]; then
      say "Another ./tutorial (process ${pid:-?}) is $2; waiting for it."
      said=1
    fi
    sleep 1
  done
  LOCK=$1
  echo $$ >"$LOCK/pid"
  trap drop_lock EXIT
}

drop_lock() {
  if [ -n "$LOCK" ]; then rm -rf "$LOCK"; fi
  LOCK=
}

# run_logged NAME COMMAND... : output into cache/logs/NAME.log, its last line
# live on a terminal; on failure the end of the log, and the command's status.
run_logged() {
  local log="$CACHE/logs/$1.log" status
  shift
  "$@" </dev/null 2>&1 | tee "$log" | show_last_line
  status=${PIPESTATUS[0]}
  if [ "$status" != 0 ]; then
    tail -n 20 "$log" >&2
    say "The whole log is in $log"
  fi
  return "$status"
}

show_last_line() {
  local line
  if [ ! -t 2 ]; then
    cat >/dev/null
    return
  fi
  while IFS= read -r line; do
    printf '\r\033[K    %.70s' "$line" >&2
  done
  printf '\r\033[K' >&2
}

# Processors to compile with: a file with MLX's headers takes about 1 GB.
job_count() {
  local cpus memory
  cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
  memory=$(memory_mb)
  if [ -n "$memory" ] && [ "$cpus" -gt $((memory / 1000 + 1)) ]; then
    cpus=$((memory / 1000 + 1))
  fi
  echo "$cpus"
}

memory_mb() {
  if [ -r /proc/meminfo ]; then
    awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo
  else
    sysctl -n hw.memsize 2>/dev/null | awk '{ print int($1 / 1048576) }'
  fi
}
