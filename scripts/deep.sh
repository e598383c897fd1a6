# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# test --deep: what takes too long for every change. All tests with MLX's own
# CPU operations, the C++ tests under AddressSanitizer and UBSan, the fuzz
# targets for longer, the benchmarks. Each leaves its JSON in
# benchmarks/results.

RESULTS=${BENCHMARK_RESULTS:-$ROOT/benchmarks/results}

# run_deep FILTER
run_deep() {
  mkdir -p "$RESULTS"
  prepare test
  export LLM_PROGRAMS="$ROOT/build/release/bin"
  export LLM_TEST_TOOLS="$ROOT/build/release/tools"
  run_plain "$1"
  run_sanitizers "$1"
  run_fuzzers "$1" "${FUZZ_SECONDS:-60}" "$RESULTS/fuzz.json"
  run_benchmarks "$1"
}

# run_plain FILTER : everything without our CPU operations, which a Mac has not.
# What the script does is the same with them and without.
run_plain() {
  local began=$SECONDS passed=$PASSED failed=$FAILED
  [ "$PLATFORM" != macos ] || return 0
  step "all tests with LLM_FAST_CPU=0"
  build release release all
  LLM_FAST_CPU=0 run_tests "$1" "--ignore-glob=*/test_tutorial_*" \
    "--ignore-glob=*/test_repository.py"
  write_counts plain "$began" "$passed" "$failed"
}

# write_counts NAME BEGAN PASSED FAILED : what has been counted since then.
write_counts() {
  printf '{"passed": %d, "failed": %d, "seconds": %d}\n' \
    $((PASSED - $3)) $((FAILED - $4)) $((SECONDS - $2)) >"$RESULTS/$1.json"
}

run_sanitizers() {
  local began=$SECONDS passed=$PASSED failed=$FAILED
  build asan asan all
  run_doctest test_core "$1"
  # MLX's checkpoint() leaves a few kilobytes of an abandoned graph behind, the
  # same with our kernels and without: no search for leaks there.
  ASAN_OPTIONS=detect_leaks=0 run_doctest test_llm "$1"
  write_counts sanitizers "$began" "$passed" "$failed"
}

# run_benchmarks FILTER : those that match. They write their own JSON to
# $BENCHMARK_RESULTS and exit with 0 if what they claim holds.
run_benchmarks() {
  local file name log
  export BENCHMARK_RESULTS="$RESULTS"
  while IFS= read -r file; do
    name=$(basename "$file")
    matches "$name" "$1" || continue
    step "benchmark $name"
    log=$CACHE/logs/$name.log
    (run_bench "${name%.*}" >"$log" 2>&1 </dev/null)
    count_result $? "benchmark $name" "$log"
  done <<EOF
$(bench_files)
EOF
}

matches() {
  case "$1" in *"$2"*) return 0 ;; esac
  return 1
}

# count_result STATUS NAME LOG
count_result() {
  if [ "$1" = 0 ]; then
    PASSED=$((PASSED + 1))
    tail -n 3 "$3"
  else
    FAILED=$((FAILED + 1))
    tail -n 30 "$3"
    add_failure "$2: exit status $1, log $3"
  fi
}
