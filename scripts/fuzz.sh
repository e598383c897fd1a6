# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The libFuzzer targets: each for some seconds with every test, for longer with
# test --deep. They link no MLX, compiled by clang with AddressSanitizer
# and UBSan. What a run learns stays in cache/fuzz, where the next one begins;
# seeds are in tests/fuzz/corpus.

# run_fuzzers FILTER SECONDS [REPORT] : those that match; REPORT gets JSON.
run_fuzzers() {
  local names name report="${3:-/dev/null}" comma="" units status ok
  names=$(fuzz_names "$1")
  [ -n "$names" ] || return 0
  if [ "$PLATFORM" = macos ]; then
    say "The fuzz targets are left out: Apple's clang has no libFuzzer."
    return 0
  fi
  if ! has apt-get && ! has clang++-19; then
    say "The fuzz targets are left out: they need clang++-19."
    return 0
  fi
  build fuzz release all -DLLM_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-19
  mkdir -p "$CACHE/fuzz"
  step "fuzzing, $2 s each: $(printf '%s' "$names" | tr '\n' ' ')"
  # Two at a time: every second name.
  # shellcheck disable=SC2046
  fuzz_each "$2" $(printf '%s\n' "$names" | sed -n 'p;n') &
  # shellcheck disable=SC2046
  fuzz_each "$2" $(printf '%s\n' "$names" | sed -n 'n;p') &
  wait
  printf '[' >"$report"
  for name in $names; do
    status=$(cat "$CACHE/fuzz/$name.status")
    if [ "$status" = 0 ]; then ok=true; else ok=false; fi
    count_result "$status" "$name" "$CACHE/logs/$name.log"
    units=$(sed -n 's/^stat::number_of_executed_units: *//p' \
      "$CACHE/logs/$name.log")
    printf '%s\n  {"target": "%s", "inputs": %d, "seconds": %d, "ok": %s}' \
      "$comma" "$name" "${units:-0}" "$2" "$ok" >>"$report"
    comma=,
  done
  printf '\n]\n' >>"$report"
}

# fuzz_names FILTER
fuzz_names() {
  local file name
  for file in "$ROOT"/tests/fuzz/*_fuzz.cpp; do
    [ -f "$file" ] || continue
    name=$(basename "$file" .cpp)
    if matches "$name" "$1"; then echo "$name"; fi
  done
}

# fuzz_each SECONDS NAME... : one after the other; exit status in NAME.status.
fuzz_each() {
  local seconds="$1" name seeds
  shift
  for name in "$@"; do
    mkdir -p "$CACHE/fuzz/$name"
    seeds=$ROOT/tests/fuzz/corpus/${name%_fuzz}
    echo 1 >"$CACHE/fuzz/$name.status"
    [ -d "$seeds" ] || seeds=
    "$BUILD/bin/$name" -max_total_time="$seconds" -print_final_stats=1 \
      -artifact_prefix="$CACHE/fuzz/$name-" "$CACHE/fuzz/$name" \
      ${seeds:+"$seeds"} >"$CACHE/logs/$name.log" 2>&1
    echo $? >"$CACHE/fuzz/$name.status"
  done
}
