# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# start, run, train.

# run PROGRAM ARGS : ends in `exec`, so that signals, standard input and output
# and the exit status are the program's own.
command_run() {
  [ $# -ge 1 ] ||
    usage_error "expected the name of a program but received nothing; choose" \
      "from: $(program_names | tr '\n' ' ')"
  case "$1" in -*) usage_error "expected the name of a program but received" \
    "the option '$1'; write ./tutorial run [--yes] PROGRAM ARGS." ;; esac
  program_path "$1"
  shift
  exec "$PROGRAM" "$@"
}

# start [OPTIONS] [-- OPTIONS OF TRAIN] : from nothing to a story, and to the
# page that shows how the model thinks.
command_start() {
  local preset=tiny data=tiny-tales steps="" page=1 model="" device=""
  while [ $# -gt 0 ]; do
    case "$1" in
      --no-browser) page=0 ;;
      --preset | --data | --steps | --device)
        [ $# -ge 2 ] || usage_error "expected a value after $1 but received" \
          "nothing; see ./tutorial help."
        case "$1" in
          --preset) preset=$2 ;;
          --data) data=$2 ;;
          --steps) steps=$2 ;;
          --device) device=$2 ;;
        esac
        shift
        ;;
      --)
        shift
        break
        ;;
      *)
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || usage_error "expected an option of start but" \
          "received '$1'; options of train come after --, see ./tutorial help."
        shift $((TAKEN - 1))
        ;;
    esac
    shift
  done
  if [ -n "$device" ]; then
    choose_device "$device"
    set -- --device "$device" "$@"
  fi
  if [ -n "$steps" ]; then set -- --steps "$steps" "$@"; fi
  if [ "$OPT_OFFLINE" = 1 ]; then set -- --offline "$@"; fi
  has_terminal || page=0
  if [ $page = 1 ]; then
    program_path simple_llm web_server
    ensure_vendor may # the question now, not after the training
  else
    program_path simple_llm
  fi
  step "Training (Ctrl-C stops early and keeps what was learned)"
  run_child "$PROGRAM" train --preset "$preset" --data "$data" "$@" ||
    exit "$CHILD_STATUS"
  if [ "$CHILD_SIGNALLED" = 1 ]; then
    say "Stopped early; the model so far is saved."
  else
    step "A story from your model"
    # The stories of tiny-tales are separated by an empty line.
    "$PROGRAM" sample --temperature 0.8 --max-tokens 800 --stop "

" || exit $?
  fi
  model=$(readlink "$TUTORIAL_HOME/models/latest")
  say_what_next "$model"
  # Who pressed Ctrl-C wants the terminal back.
  if [ $page = 1 ] && [ "$CHILD_SIGNALLED" = 0 ]; then
    say ""
    step "The page of your model (Ctrl-C ends it)"
    case "$model" in "" | */*) set -- ;; *) set -- --model "$model" ;; esac
    serve_page 1 "$@"
  fi
}

# say_what_next MODEL : where the link models/latest points.
say_what_next() {
  local folder="$1"
  case "$folder" in
    "") return 0 ;;
    /*) ;;
    *) folder=$TUTORIAL_HOME/models/$folder ;;
  esac
  say ""
  say "Your model is in $folder. What next:"
  say "  ./tutorial web                                       watch it think"
  say "  ./tutorial run simple_llm sample --temperature 0.7   another story"
  say "  ./tutorial run simple_llm eval                       how good is it?"
  say "  ./tutorial run simple_llm describe                   look inside"
  say "  ./tutorial notebook simple-llm                       write one yourself"
  if [ "$CHILD_SIGNALLED" = 1 ]; then
    say "  ./tutorial train --resume --out \"$folder\"   go on"
  fi
  say "  ./tutorial train --data my-text.txt                  your own text"
  say "  ./tutorial help                                      all commands"
}

# run_child COMMAND... : like a foreground command, but a signal to this script
# reaches the command too, and exactly once (a second one would make it stop
# without saving). Job control gives the child its own process group: Ctrl-C
# reaches this script alone, which passes it on.
CHILD=
CHILD_STATUS=0
CHILD_SIGNALLED=0
run_child() {
  local last_signal=-9 early=
  CHILD=
  CHILD_SIGNALLED=0
  trap 'pass_on INT' INT
  trap 'pass_on TERM' TERM
  trap 'pass_on TERM' HUP
  trap 'kill -STOP -$CHILD; kill -STOP $$; kill -CONT -$CHILD' TSTP
  set -m
  "$@" </dev/null &
  CHILD=$!
  set +m
  if [ -n "$early" ]; then pass_on "$early"; fi
  while :; do
    wait "$CHILD"
    CHILD_STATUS=$?
    kill -0 "$CHILD" 2>/dev/null || break
  done
  trap - INT TERM HUP TSTP
  return "$CHILD_STATUS"
}

# `timeout` and some terminals send the same signal twice within a moment.
# SECONDS counts whole seconds: 2 is at least one.
pass_on() {
  if [ -z "$CHILD" ]; then
    early=$1
  elif [ $((SECONDS - last_signal)) -ge 2 ]; then
    last_signal=$SECONDS
    CHILD_SIGNALLED=1
    kill -"$1" "$CHILD" 2>/dev/null
  fi
}
