# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# web [OPTIONS]: the web interface, in the foreground. Its options are those of
# the program web_server; --no-browser and --yes are ours.

# Ends in `exec`, as run does: SIGTERM and Ctrl-C reach the server itself.
command_web() {
  local open=1 left=$# word
  # Everything but --no-browser and --yes, in its order.
  while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case "$word" in
      --no-browser) open=0 ;;
      --yes | -y) take_common_option "$word" ;;
      *) set -- "$@" "$word" ;;
    esac
  done
  # Who serves other machines opens the page there, with the token that the
  # server prints.
  if ! has_terminal || [ -n "$(option_value --host "$@")" ]; then open=0; fi
  serve_page $open "$@"
}

# serve_page OPEN OPTIONS... : OPEN 1 opens the browser when the server answers.
serve_page() {
  local open="$1" port
  shift
  program_path web_server
  ensure_vendor may
  if [ "$open" = 1 ]; then
    port=$(option_value --port "$@")
    open_page "http://127.0.0.1:${port:-8080}" </dev/null >/dev/null 2>&1 &
  fi
  exec "$PROGRAM" "$@"
}

# option_value NAME WORDS... : of "--name value" or "--name=value"; the last.
option_value() {
  local name="$1" value=""
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      "$name") value=${2:-} ;;
      "$name"=*) value=${1#*=} ;;
    esac
    shift
  done
  printf '%s' "$value"
}

# open_page ADDRESS : waits until the server answers, as long as it lives ($$ is
# its process after `exec`), then hands the address to the browser.
open_page() {
  local page="$1/app/"
  until curl -fsS --noproxy '*' --max-time 2 "$1/api/health"; do
    kill -0 $$ 2>/dev/null || return 0
    sleep 0.2
  done
  if [ "$PLATFORM" = macos ]; then
    open "$page"
  elif [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && has xdg-open; then
    xdg-open "$page"
  fi
}
