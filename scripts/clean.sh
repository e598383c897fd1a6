# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# clean [--all]: lists, then removes. Only folders that this script made, by
# name, below a home that it marked; `rm -r` removes a symbolic link itself and
# never what it points at.

command_clean() {
  local all=0 list=0 item found=0
  while [ $# -gt 0 ]; do
    case "$1" in
      --all) all=1 ;;
      --list) list=1 ;;
      *)
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || usage_error "expected --all or --list but" \
          "received '$1'; see ./tutorial help."
        shift $((TAKEN - 1))
        ;;
    esac
    shift
  done
  find_home
  set -- "$ROOT/build" "$ROOT/public/vendor"
  if [ -f "$TUTORIAL_HOME/.mlx-tutorial-home" ]; then
    set -- "$@" "$CACHE"
    if [ $all = 1 ]; then
      set -- "$@" "$TUTORIAL_HOME/models" "$TUTORIAL_HOME/data"
    fi
  elif [ -d "$TUTORIAL_HOME" ]; then
    say "$TUTORIAL_HOME was not made by ./tutorial: it is left alone."
  fi
  for item in "$@"; do
    if [ -e "$item" ] || [ -L "$item" ]; then
      found=1
      list_item "$item"
    fi
  done
  if [ $found = 0 ]; then
    echo "Nothing to remove."
    return 0
  fi
  [ $list = 1 ] && return 0
  if [ $all = 1 ]; then
    ask_or_stop "Remove all of this, models and data included?"
  fi
  remove_items "$@"
}

list_item() {
  if [ -L "$1" ]; then
    printf '%9s  %s (a link; what it points at stays)\n' link "$1"
  else
    printf '%6s MB  %s\n' \
      "$(du -sk "$1" 2>/dev/null | awk '{ print int($1 / 1024) }')" "$1"
  fi
}

remove_items() {
  local item
  for item in "$@"; do
    if [ -e "$item" ] || [ -L "$item" ]; then
      rm -rf "$item" || die "$EXIT_IO" "[clean] expected to remove $item but" \
        "could not; check its rights."
    fi
  done
  echo "Removed."
  if [ "$(uname -s)" = Darwin ]; then
    say "The conda environment stays; to remove it:" \
      "conda env remove -n ai-training"
  fi
}
