# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# test [FILTER]: builds everything, runs the C++ tests (doctest programs), the
# Python tests (pytest) and the fuzz targets, and ends with the sum of all.

PASSED=0
FAILED=0
SKIPPED=0
FAILURES= # one line for each failed test

command_test() {
  local filter="" deep=0 mlx=""
  while [ $# -gt 0 ]; do
    case "$1" in
      --deep) deep=1 ;;
      --mlx)
        [ $# -ge 2 ] || usage_error "expected a version after --mlx but" \
          "received nothing; write, for example, --mlx 0.32.1."
        mlx=$2
        shift
        ;;
      -*)
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || usage_error "expected an option of test but" \
          "received '$1'; see ./tutorial help."
        shift $((TAKEN - 1))
        ;;
      *)
        [ -z "$filter" ] || usage_error "expected one filter but received" \
          "'$filter' and '$1'; put words into quotes."
        filter=$1
        ;;
    esac
    shift
  done
  if [ -n "$mlx" ]; then
    test_other_mlx "$mlx" "$filter"
  else
    prepare test
    build release release all
    run_tests "$filter"
  fi
  if [ $deep = 1 ]; then
    run_deep "$filter"
  elif [ -z "$mlx" ]; then
    run_fuzzers "$filter" "${FUZZ_SECONDS:-20}"
  fi
  finish_tests "$filter"
}

# The closing lines; the exit status says the same.
finish_tests() {
  if [ -n "$FAILURES" ]; then
    echo
    echo "Failed:"
    printf '%s' "$FAILURES" | sed 's/^/  /'
  fi
  if [ $((PASSED + FAILED)) = 0 ]; then
    usage_error "expected a test that matches '$1' but found none; run" \
      "./tutorial test without a filter to see the names."
  fi
  echo
  if [ "$SKIPPED" != 0 ]; then echo "$SKIPPED skipped"; fi
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" = 0 ] || exit 1
}

add_failure() {
  FAILURES="$FAILURES$1
"
}

# run_tests FILTER [PYTEST OPTION...] : the tests of the build in $BUILD.
run_tests() {
  local name
  ensure_vendor must
  export LLM_PROGRAMS="$BUILD/bin" LLM_TEST_TOOLS="$BUILD/tools"
  export PYTHONPATH="$BUILD/python"
  for name in test_core test_llm; do
    run_doctest "$name" "$1"
  done
  run_pytest "$@"
}

# run_doctest NAME FILTER
run_doctest() {
  local program="$BUILD/bin/$1" log="$CACHE/logs/$1.log" status line failed
  if [ ! -x "$program" ]; then
    FAILED=$((FAILED + 1))
    add_failure "$1: not built"
    return
  fi
  step "$1"
  set -- "$1" "$program" ${2:+"--test-case=*$2*"}
  (cd "$ROOT" && shift && "$@" 2>&1) | tee "$log"
  status=${PIPESTATUS[0]}
  # [doctest] test cases:  12 |  11 passed | 1 failed | 3 skipped
  line=$(sed -n 's/^\[doctest\] test cases: *//p' "$log" | tail -n 1)
  PASSED=$((PASSED + $(number_before passed "$line")))
  failed=$(number_before failed "$line")
  if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    failed=1 # it crashed: no summary
    add_failure "$1: exit status $status"
  fi
  FAILED=$((FAILED + failed))
  # A test case is also named above a message: only an error counts.
  line=$(awk -v program="$1" '
    /^TEST CASE:/ { name = $0; sub(/^TEST CASE: */, "", name) }
    / (ERROR|FATAL ERROR): / { print program ": " name }' "$log" | sort -u)
  if [ -n "$line" ]; then add_failure "$line"; fi
}

# number_before passed "12 | 11 passed | 1 failed"
number_before() {
  local number
  number=$(printf '%s\n' "$2" | sed -n "s/.*[^0-9]\([0-9][0-9]*\) $1.*/\1/p")
  echo "${number:-0}"
}

# run_pytest FILTER [OPTION...] : words of the filter are all wanted.
run_pytest() {
  local xml="$CACHE/logs/pytest.xml" log="$CACHE/logs/pytest.log"
  local status tests failures errors skipped words browser
  words=$(printf '%s' "$1" | tr -cs 'A-Za-z0-9_.\n' ' ' |
    sed 's/^ *//; s/ *$//; s/  */ and /g')
  shift
  set -- "$@" tests/python
  if [ -d "$ROOT/tests/docs" ]; then set -- "$@" tests/docs; fi
  if [ -d "$ROOT/tests/web" ]; then
    if browser=$(find_browser); then
      export CHROMIUM="$browser"
      set -- "$@" tests/web
    else
      say "The tests of the page are left out: they need Chromium or Chrome" \
        "(CHROMIUM=/path/browser)."
    fi
  fi
  # Two files of tests at a time: most tests compute on one core, or wait.
  if [ -z "$words" ]; then set -- -n 2 --dist loadfile "$@"; fi
  step "pytest"
  rm -f "$xml"
  (cd "$ROOT" && PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m pytest -q -rfE \
    -p no:cacheprovider --junitxml "$xml" ${words:+-k "$words"} "$@" \
    </dev/null 2>&1) | tee "$log"
  status=${PIPESTATUS[0]}
  [ "$status" = 5 ] && return 0 # nothing matched
  tests=$(xml_count tests "$xml")
  failures=$(xml_count failures "$xml")
  errors=$(xml_count errors "$xml")
  skipped=$(xml_count skipped "$xml")
  if [ "$status" != 0 ] && [ $((failures + errors)) = 0 ]; then
    errors=1
    tests=$((tests + 1))
    add_failure "pytest: exit status $status"
  fi
  PASSED=$((PASSED + tests - failures - errors - skipped))
  FAILED=$((FAILED + failures + errors))
  SKIPPED=$((SKIPPED + skipped))
  if [ $((failures + errors)) != 0 ]; then
    add_failure "$(sed -n 's/^FAILED //p; s/^ERROR //p' "$log" | sort -u)"
  fi
}

xml_count() {
  local number
  number=$(sed -n "s/.*<testsuite [^>]*$1=\"\([0-9]*\)\".*/\1/p" "$2" \
    2>/dev/null | head -n 1)
  echo "${number:-0}"
}

# test_other_mlx VERSION FILTER : another MLX in an environment and a build
# folder of its own; lists the files that do not compile.
test_other_mlx() {
  local version="$1" wanted folder="mlx-$1" broken name
  case "$version" in
    [0-9]*.[0-9]*.[0-9]*) ;;
    *) usage_error "expected a version such as 0.32.1 but received" \
      "'$version'; write --mlx 0.32.1." ;;
  esac
  prepare test
  wanted=$CACHE/requirements-$folder.txt
  # mlx and mlx[cpu], not mlx-lm.
  sed "s/^\(mlx\)\(\[[a-z]*\]\)\{0,1\}==[^;]*/\1\2==$version/" \
    "$ROOT/requirements.txt" >"$wanted"
  take_lock "$CACHE/setup.lock" "setting up MLX $version"
  ensure_venv "$CACHE/$folder" "$wanted"
  drop_lock
  use_environment
  lock_build
  configure "$folder" release "-DLLM_MLX_VERSION=$version"
  run_ninja -k 0
  drop_lock
  broken=$(broken_files "$CACHE/logs/build.log")
  if [ -n "$broken" ]; then
    echo "Files that do not compile with MLX $version:"
    printf '%s\n' "$broken" | sed 's/^/  /'
    FAILED=$((FAILED + $(printf '%s\n' "$broken" | wc -l)))
    add_failure "$broken"
  fi
  # A program of an earlier run that could not be linked again must not count.
  for name in test_core test_llm; do
    ninja -C "$BUILD" "$name" >/dev/null 2>&1 || rm -f "$BUILD/bin/$name"
  done
  # What the script does and what the pins say is the same with every MLX, and
  # pages show the one that is pinned.
  run_tests "$2" "--ignore-glob=*/test_tutorial_*" \
    "--ignore-glob=*/test_repository.py" "--ignore-glob=*/tests/docs/*"
}

# Ninja says "FAILED: a/CMakeFiles/llm.dir/llm/nn/linear.cpp.o".
broken_files() {
  sed -n 's/^FAILED: *\(\[[^]]*\] *\)\{0,1\}//p' "$1" |
    sed 's| .*||; s|.*CMakeFiles/[^/]*\.dir/||; s|\.o$||' | sort -u
}
