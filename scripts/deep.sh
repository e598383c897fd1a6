# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# test --deep: what takes too long for every change. The C++ tests under
# AddressSanitizer and UBSan, the fuzz targets, the benchmarks. Each leaves its
# JSON in benchmarks/results.

RESULTS=$ROOT/benchmarks/results
# Seconds for each fuzz target.
FUZZ_SECONDS="${FUZZ_SECONDS:-60}"

# run_deep FILTER
run_deep() {
  mkdir -p "$RESULTS"
  prepare deep
  export LLM_PROGRAMS="$ROOT/build/release/bin"
  export LLM_TEST_TOOLS="$ROOT/build/release/tools"
  run_sanitizers "$1"
  run_fuzzers "$1"
  run_benchmarks "$1"
}

run_sanitizers() {
  local passed=$PASSED failed=$FAILED
  build asan asan all
  run_doctest test_core "$1"
  # MLX's checkpoint() leaves a few kilobytes of an abandoned graph behind, the
  # same with our kernels and without: no search for leaks there.
  ASAN_OPTIONS=detect_leaks=0 run_doctest test_llm "$1"
  printf '{"passed": %d, "failed": %d, "seconds": %d}\n' \
    $((PASSED - passed)) $((FAILED - failed)) "$SECONDS" \
    >"$RESULTS/sanitizers.json"
}

run_fuzzers() {
  local program name log units comma="" report="$RESULTS/fuzz.json"
  if [ "$PLATFORM" = macos ]; then
    say "The fuzz targets are left out: Apple's clang has no libFuzzer."
    return 0
  fi
  build fuzz release all -DLLM_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-19
  printf '[' >"$report.new"
  for program in "$BUILD"/bin/*_fuzz; do
    name=$(basename "$program")
    matches "$name" "$1" || continue
    step "$name: $FUZZ_SECONDS s"
    log=$CACHE/logs/$name.log
    mkdir -p "$CACHE/fuzz/$name"
    "$program" -max_total_time="$FUZZ_SECONDS" -print_final_stats=1 \
      -artifact_prefix="$CACHE/fuzz/$name-" "$CACHE/fuzz/$name" \
      "$ROOT/tests/fuzz/corpus/${name%_fuzz}" >"$log" 2>&1
    count_result $? "$name" "$log"
    units=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%s\n  {"target": "%s", "inputs": %d, "seconds": %d, "ok": %s}' \
      "$comma" "$name" "${units:-0}" "$FUZZ_SECONDS" "$LAST_OK" >>"$report.new"
    comma=,
  done
  printf '\n]\n' >>"$report.new"
  mv "$report.new" "$report"
}

# Programs benchmarks/*.sh and *.py: they write their own JSON to
# $BENCHMARK_RESULTS and exit with 0 if what they claim holds.
run_benchmarks() {
  local file name log
  export BENCHMARK_RESULTS="$RESULTS"
  for file in "$ROOT"/benchmarks/*.sh "$ROOT"/benchmarks/*.py; do
    [ -f "$file" ] || continue
    name=$(basename "$file")
    matches "$name" "$1" || continue
    step "benchmark $name"
    log=$CACHE/logs/$name.log
    case "$name" in
      *.py) (cd "$ROOT" && "$PYTHON" "$file" >"$log" 2>&1) ;;
      *) (cd "$ROOT" && bash "$file" >"$log" 2>&1) ;;
    esac
    count_result $? "benchmark $name" "$log"
  done
}

matches() {
  case "$1" in *"$2"*) return 0 ;; esac
  return 1
}

# count_result STATUS NAME LOG
count_result() {
  LAST_OK=true
  if [ "$1" = 0 ]; then
    PASSED=$((PASSED + 1))
    tail -n 3 "$3"
  else
    LAST_OK=false
    FAILED=$((FAILED + 1))
    tail -n 30 "$3"
    add_failure "$2: exit status $1, log $3"
  fi
}
