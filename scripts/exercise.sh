# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# exercise [N[.M]]: builds and runs the tests of a topic or of one exercise.
# The learner writes in exercises/mine, copies of exercises/student that git
# ignores: so `git pull` has nothing to overwrite. exercises/list.txt says what
# there is: a line for each topic and each exercise, fields between bars.

EXERCISES=$ROOT/exercises

command_exercise() {
  local number="" action=run
  while [ $# -gt 0 ]; do
    case "$1" in
      --hint | --solution | --reset)
        [ "$action" = run ] || usage_error "expected one of --hint, --solution" \
          "and --reset but received two; write one of them."
        action=${1#--}
        ;;
      -*)
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || usage_error "expected an option of exercise but" \
          "received '$1'; see ./tutorial help."
        shift $((TAKEN - 1))
        ;;
      *)
        [ -z "$number" ] || usage_error "expected one number but received" \
          "'$number' and '$1'; write one of them."
        number=$1
        ;;
    esac
    shift
  done
  need_exercise "$number" "$action"
  case "$action" in
    hint) show_hints "$number" ;;
    solution) show_solutions "$number" ;;
    reset) reset_exercise "$number" ;;
    run) run_exercises "$number" ;;
  esac
}

# --- exercises/list.txt ------------------------------------------------------

# entries NUMBER : the lines of the exercises of a topic, or of one; without a
# number all.
entries() {
  awk -F'|' -v wanted="$1" '/^[0-9]+\.[0-9]/ && (wanted == "" ||
    $1 "" == wanted "" || index($1, wanted ".") == 1)' "$EXERCISES/list.txt"
}

# topic_of NUMBER : the line of the topic that an exercise belongs to.
topic_of() {
  grep "^${1%%.*}|" "$EXERCISES/list.txt"
}

# field N LINE
field() {
  printf '%s\n' "$2" | cut -d'|' -f"$1"
}

# file_of LINE : norm/softmax.cpp
file_of() {
  echo "$(field 2 "$(topic_of "${1%%|*}")")/$(field 3 "$1").cpp"
}

# need_exercise NUMBER ACTION : stop if there is no such thing, before anything
# is made.
need_exercise() {
  local wanted
  case "$2:$1" in
    run: | reset:*.*) ;;
    *:) usage_error "expected a number with --$2 but received nothing; write," \
      "for example, ./tutorial exercise 3.1 --$2." ;;
    reset:*) usage_error "expected one exercise with --reset but received" \
      "'$1'; write, for example, ./tutorial exercise 3.1 --reset." ;;
  esac
  case "$1" in
    *[!0-9.]* | .* | *. | *..* | *.*.*) ;;
    *) [ -z "$(entries "$1")" ] || return 0 ;;
  esac
  wanted="a topic from 1 to $(grep -c '^[0-9]*|' "$EXERCISES/list.txt")"
  wanted="$wanted or an exercise such as 3.1"
  if [ -n "${1%%.*}" ] && [ -n "$(entries "${1%%.*}")" ]; then
    wanted="one of $(entries "${1%%.*}" | cut -d'|' -f1 | tr '\n' ' ')"
  fi
  usage_error "expected ${wanted% } but received '$1'; ./tutorial exercise" \
    "lists them."
}

# --- --hint, --solution, --reset ---------------------------------------------

show_hints() {
  entries "$1" | awk -F'|' '{ print $1 " " $4 ": " $5 }'
}

show_solutions() {
  local line
  entries "$1" | while IFS= read -r line; do
    say "exercises/solution/$(file_of "$line")"
    cat "$EXERCISES/solution/$(file_of "$line")"
  done
}

reset_exercise() {
  local file own
  file=$(file_of "$(entries "$1")")
  own=$EXERCISES/mine/$file
  if cmp -s "$EXERCISES/student/$file" "$own"; then
    say "exercises/mine/$file is the empty task already."
    return 0
  fi
  if [ -e "$own" ]; then
    ask_or_stop "Lose what you wrote in exercises/mine/$file?"
    rm -f "$own" || own_error "$file"
  fi
  make_own_files
  say "exercises/mine/$file is the empty task again."
}

# The learner's files: made where they are missing, never overwritten.
make_own_files() {
  local file own
  for file in "$EXERCISES"/student/*/*.cpp; do
    own=${file#"$EXERCISES/student/"}
    if [ ! -e "$EXERCISES/mine/$own" ]; then
      { mkdir -p "$EXERCISES/mine/${own%/*}" &&
        cp "$file" "$EXERCISES/mine/$own"; } 2>/dev/null || own_error "$own"
    fi
  done
}

own_error() {
  die "$EXIT_IO" "[exercise] expected to write exercises/mine/$1 but could" \
    "not; check the rights of that folder."
}

# --- running -----------------------------------------------------------------

# run_exercises NUMBER : the table, and of a topic or an exercise what the first
# one lacks that is not right yet; then exit 1.
run_exercises() {
  local line topic="" right=0 count=0 next="" words=""
  make_own_files
  prepare build
  build_exercises "$1"
  while IFS= read -r line; do
    if [ "$topic" != "${line%%.*}" ]; then
      topic=${line%%.*}
      print_topic "$topic"
    fi
    try_exercise "$line"
    print_state "$line"
    count=$((count + 1))
    if [ "$STATE" = right ]; then
      right=$((right + 1))
    elif [ -z "$next" ]; then
      next=$line
      words=$(explain "$line")
    fi
  done <<LINES
$(entries "$1")
LINES
  printf '\n%s of %s right\n' "$right" "$count"
  [ -n "$next" ] || return 0
  if [ -z "$1" ]; then
    echo "Next: ./tutorial exercise ${next%%|*}, in" \
      "exercises/mine/$(file_of "$next")"
    return 0
  fi
  printf '\n%s\n' "$words"
  exit 1
}

# build_exercises NUMBER : as far as it goes; sets BROKEN to the files that did
# not compile and the programs that could not be linked.
# shellcheck disable=SC2086
build_exercises() {
  local topic="${1%%.*}" targets status
  targets=$(grep "^${topic:-[0-9]*}|" "$EXERCISES/list.txt" |
    cut -d'|' -f2 | sed 's/^/exercise_/' | tr '\n' ' ')
  BUILD_LOG=$CACHE/logs/exercise-build.log
  lock_build
  configure release release
  if [ ! -x "$BUILD/exercises/${targets%% *}" ]; then
    step "Building the tests (the first time takes a minute)"
  fi
  ninja -C "$BUILD" -j "$(job_count)" -k 0 $targets </dev/null 2>&1 |
    tee "$BUILD_LOG" | show_last_line
  status=${PIPESTATUS[0]}
  drop_lock
  BROKEN=$(broken_files "$BUILD_LOG")
  case "$status:$BROKEN" in
    0:* | *mine/* | *exercise_*) ;;
    *)
      tail -n 20 "$BUILD_LOG" >&2
      die 1 "[exercise] expected the tests to compile but they did not; the" \
        "whole message is in $BUILD_LOG"
      ;;
  esac
}

# try_exercise LINE : sets STATE; and TEST and FOUND, if a test failed.
try_exercise() {
  local file topic program result="$CACHE/logs/exercise.txt" status
  file=$(file_of "$1")
  topic=${file%/*}
  TEST="" FOUND=""
  case "$BROKEN" in
    *"mine/$file"*) STATE="does not compile" && return ;;
    *"mine/$topic/"* | *"exercise_$topic"*) STATE="not built" && return ;;
  esac
  program=$BUILD/exercises/exercise_$topic
  OUTPUT=$CACHE/logs/exercise-output.log
  rm -f "$result"
  # In a group: what the shell itself says of a crash is left out.
  {
    "$program" -r=plain -o="$result" -tc="${1%%|*} *" </dev/null >"$OUTPUT" 2>&1
    status=$?
  } 2>/dev/null
  STATE=$(sed -n 1p "$result" 2>/dev/null)
  [ "$status:$STATE" != 0:right ] || return 0
  STATE="not yet"
  TEST=$(sed -n 2p "$result" 2>/dev/null)
  FOUND=$(sed -n 3p "$result" 2>/dev/null)
  if [ $status = 142 ]; then # SIGALRM, see exercises/tests/main.cpp
    FOUND="no end within ${EXERCISE_SECONDS:-20} seconds: does every loop end?"
  elif [ -z "$FOUND" ]; then
    FOUND="it ended with status $status"
  fi
}

print_topic() {
  local line
  line=$(topic_of "$1")
  printf '\n%s %s (%s, about %s minutes; read %s first)\n' "$1" \
    "$(field 3 "$line")" "$(field 4 "$line")" "$(field 5 "$line")" \
    "$(field 6 "$line")"
}

# print_state LINE : a star is three bytes, so they are padded by hand.
print_state() {
  local stars
  stars=$(field 2 "$1")
  case "$stars" in ★) stars="★  " ;; ★★) stars="★★ " ;; esac
  printf '  %s %s  %-28s %s\n' "${1%%|*}" "$stars" "$(field 4 "$1")" "$STATE"
}

# explain LINE : why it is not right, after try_exercise.
explain() {
  if [ "$STATE" != "not yet" ]; then
    explain_build "$1"
    return
  fi
  echo "${1%%|*} $(field 4 "$1"), in exercises/mine/$(file_of "$1")"
  if [ "$FOUND" = "not written yet" ]; then
    echo "  Not written yet: the task is at the top of that file."
  else
    # "3.1 softmax: each row by itself" without what stands above.
    if [ -n "$TEST" ]; then paragraph "Test:  ${TEST#*: }"; fi
    paragraph "Found: $FOUND"
  fi
  paragraph "Hint:  $(field 5 "$1")"
  if [ -s "$OUTPUT" ]; then
    echo "  It printed:"
    head -n 40 "$OUTPUT" | sed 's/^/    /'
  fi
}

# paragraph "Word:  text" : in lines that fit.
paragraph() {
  printf '%s\n' "$1" | fold -s -w 70 |
    sed '1s/^/  /; 2,$s/^/         /; s/ *$//'
}

# explain_build LINE : the compiler's first error, with the line of the code and
# the mark below it; or what the linker misses.
explain_build() {
  local text
  text=$(awk -v root="$ROOT/" '
    { while ((at = index($0, root)) > 0)
        $0 = substr($0, 1, at - 1) substr($0, at + length(root)) }
    /:[0-9]+: (fatal )?error: / && !left { left = 3 }
    left > 0 { print; if (--left == 0) exit }' "$BUILD_LOG" |
    sed 's|^[./]*/exercises/|exercises/|') # ccache writes ../../exercises
  if [ -z "$text" ]; then text=$(grep -i undefined "$BUILD_LOG" | head -n 3); fi
  printf '%s\n' "$text"
  case "$text" in
    *"declared inside"* | *"out-of-line"* | *ndefined*)
      echo "Name and arguments of a function must stay as they are in" \
        "exercises/include."
      ;;
  esac
  echo "The whole message is in $BUILD_LOG"
}
