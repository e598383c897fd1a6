# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# bench [NAME [OPTIONS]]: the benchmarks, each a program benchmarks/NAME.py that
# measures this project beside others and writes its JSON. Those others that the
# course does not need are in an environment of their own, cache/peers-venv.
# bench report: a short measurement of this machine, for its owner and for us.

PEERS=$ROOT/benchmarks/peers.txt

# Some five minutes on two cores.
REPORT="roofline --rounds 1
step_parts --rounds 1
step_time --rounds 1 --steps 40
decode --rounds 1 --precisions q4 --contexts 256
writing --rounds 1 --contexts 64 512
training_memory --steps 8"

command_bench() {
  local all=0 peers=0
  while [ $# -gt 0 ]; do
    case "$1" in
      --all) all=1 ;;
      --peers) peers=1 ;;
      -*)
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || usage_error "expected the name of a benchmark," \
          "--all or --peers but received '$1'; see ./tutorial help."
        shift $((TAKEN - 1))
        ;;
      *) break ;;
    esac
    shift
  done
  if [ "${1:-}" = report ] && [ $# = 1 ] && [ $all = 0 ]; then
    prepare build
    build_for_bench
    bench_report "$TUTORIAL_HOME/bench-report"
    return 0
  fi
  if [ $# -gt 0 ]; then
    need_bench "$1"
    [ $all = 0 ] || usage_error "expected --all or a name but received both" \
      "--all and '$1'; write one of them."
  elif [ $all = 0 ] && [ $peers = 0 ]; then
    list_benches
    return 0
  fi
  prepare build
  if [ $peers = 1 ]; then ensure_peers; fi
  if [ $all = 1 ]; then
    build_for_bench
    run_benchmarks ""
    finish_tests ""
  elif [ $# -gt 0 ]; then
    build_for_bench
    run_bench "$@"
  fi
}

# bench_report FOLDER : measures what REPORT lists into it, and writes one table.
# That a claim does not hold here is something to report, not a failure.
bench_report() {
  local name options
  mkdir -p "$1" || exit "$EXIT_IO"
  export BENCHMARK_RESULTS="$1"
  while read -r name options; do
    [ -f "$ROOT/benchmarks/$name.py" ] || continue
    step "benchmark $name"
    # shellcheck disable=SC2086
    "$PYTHON" "$ROOT/benchmarks/$name.py" $options </dev/null ||
      say "$name: not all that it claims holds on this machine."
  done <<LIST
$REPORT
LIST
  "$PYTHON" "$ROOT/benchmarks/report.py" --from "$1" >"$1/report.md" ||
    exit "$EXIT_IO"
  say ""
  say "The table is $1/report.md. No Mac has been measured yet: please send it in" \
    "an issue, with the .json files beside it."
}

# Files of the cases; report.py writes the table of all.
bench_files() {
  local file
  for file in "$ROOT"/benchmarks/*.sh "$ROOT"/benchmarks/*.py; do
    case "$file" in */report.py) continue ;; esac
    if [ -f "$file" ]; then echo "$file"; fi
  done
}

bench_names() {
  bench_files | sed 's|.*/||; s|\.[a-z]*$||'
}

# need_bench NAME : stop with the list if there is none. Before anything is
# built, as with programs.
need_bench() {
  local names
  names=$(bench_names)
  case "
$names
" in
    *"
$1
"*) ;;
    *)
      usage_error "expected the name of a benchmark but received '$1'; choose" \
        "from: $(printf '%s' "$names" | tr '\n' ' ')"
      ;;
  esac
}

# Name, and the first clause of what the file says of itself.
list_benches() {
  local file
  echo "Benchmarks (./tutorial bench NAME; NAME --help shows its options):"
  bench_files | while IFS= read -r file; do
    printf '  %-15s %s\n' "$(basename "${file%.*}")" "$(awk '
      text == "" && /^"""/ { text = substr($0, 4); next }
      text != "" { text = text " " $0 }
      /"""$/ || /^$/ { if (text != "") exit }
      END { sub(/("""|[,:.;] | \(|\.$).*/, "", text); print text }' "$file")"
  done
}

build_for_bench() {
  local file targets=""
  for file in "$ROOT"/code/*.cpp "$ROOT"/benchmarks/*.cpp; do
    if [ -f "$file" ]; then targets="$targets $(basename "$file" .cpp)"; fi
  done
  if [ -f "$ROOT/code/web_interface/server.cpp" ]; then
    targets="$targets web_server"
  fi
  build release release "$targets"
  export LLM_PROGRAMS="$BUILD/bin"
}

# run_bench NAME OPTIONS : ends in `exec`, as run does.
run_bench() {
  local name="$1"
  shift
  cd "$ROOT" || exit "$EXIT_IO"
  if [ -f "benchmarks/$name.py" ]; then
    exec "$PYTHON" "benchmarks/$name.py" "$@"
  fi
  exec bash "benchmarks/$name.sh" "$@"
}

# PyTorch, llama.cpp (compiled for this processor), tiktoken: never into the
# course's own environment.
ensure_peers() {
  local base="$PYTHON" venv="$CACHE/peers-venv" size="5.5 GB on disk, PyTorch\
 with its CUDA libraries most of it; llama.cpp is compiled, about 10 minutes"
  local megabytes=6000
  if [ "$PLATFORM" = macos ]; then
    size="1 GB on disk; llama.cpp is compiled, about 5 minutes"
    megabytes=1500
  fi
  PYTHON=$venv/bin/python
  if [ -x "$PYTHON" ] && python_fits "$PEERS"; then
    say "The peers are in $venv."
  else
    need_network "the peers ($(wrong_packages "$PEERS"))"
    ask_or_stop "Install PyTorch, llama.cpp and tiktoken to $venv ($size)?"
    need_disk "$megabytes" "$CACHE"
    take_lock "$CACHE/setup.lock" "installing the peers"
    # ggml's own switches for the fastest build on this processor.
    export CMAKE_ARGS="-DGGML_NATIVE=ON -DGGML_OPENMP=ON -DGGML_LLAMAFILE=ON\
 -DLLAVA_BUILD=OFF"
    CMAKE_BUILD_PARALLEL_LEVEL=$(job_count)
    export CMAKE_BUILD_PARALLEL_LEVEL
    if ! "$PYTHON" -m pip --version >/dev/null 2>&1; then
      make_venv "$venv" "$base"
    fi
    install_packages peers "$PEERS"
    unset CMAKE_ARGS CMAKE_BUILD_PARALLEL_LEVEL
    drop_lock
  fi
  PYTHON=$base
}
