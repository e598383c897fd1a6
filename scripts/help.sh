# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# help, and the table of commands.

print_help() {
  cat <<'TEXT'
Build, train and look inside language models in C++20 on MLX.

  ./tutorial start                 from nothing to a trained model, a story and
                                   the page that shows how the model thinks
      --device cuda                on an NVIDIA GPU, from now on; --device cpu
                                   goes back
  ./tutorial web [OPTIONS]         that page, until Ctrl-C; opens the browser
      --port N                     in place of 8080
      --models DIR                 the models in this folder
      --model ID                   the one that is chosen at first
      --no-browser                 only print the address
      --cors-origin URL            let the pages of this origin in; repeatable
      --host ADDRESS --allow-host NAME --token T
                                   for other machines; without --token one is
                                   made and printed
  ./tutorial notebook [NAME]       Jupyter with the course's notebooks, where C++
                                   cells run; --build only builds what they use
  ./tutorial exercise [N[.M]]      write it yourself: the tests of topic N or of
                                   exercise N.M; without a number the list
      --hint                       a hint
      --solution                   our solution
      --reset                      the empty task again, after a yes
  ./tutorial docs check [PAGE]     compare the pages with the code, the results
                                   and each other, without running anything
      --links, --mac, --skipped, --numbers
                                   only list: addresses, blocks for a Mac, blocks
                                   that are not run, numbers without a source
  ./tutorial docs run [PAGE]       run the blocks and compare what they print
  ./tutorial docs write [PAGE]     refresh code, values and outputs in the pages;
                                   --no-run leaves outputs alone
  ./tutorial docs build [NAME]     the site with the notebooks' outputs, in
                                   build/docs
  ./tutorial test [FILTER]         build and run the tests
      --deep                       also what takes long: without our CPU
                                   operations, sanitizers, fuzzing for longer,
                                   benchmarks
      --mlx VERSION                against another MLX, in a folder of its own
  ./tutorial train ARGS            train (the same as: run simple_llm train)
  ./tutorial run PROGRAM ARGS      build PROGRAM if needed, then run it
  ./tutorial bench [NAME ARGS]     measure one benchmark; without a name: list
      report                       a short measurement of this machine, as a
                                   table to keep or to send
      --all                        all of them
      --peers                      install what they compare with (PyTorch,
                                   llama.cpp, ...), after a yes
  ./tutorial vendor                fetch what lays out the pages of the course in
                                   a browser (start and web offer it)
  ./tutorial doctor [--json]       what is installed, what is missing
  ./tutorial clean                 remove build and cache
      --all                        models and data too, after a yes
      --list                       only list
  ./tutorial help                  this text

Options, before or right after the command:
  --yes        answer yes to every question
  --offline    use no network
  --home DIR   where data, models and cache live (~/ai-training)

Options of start: --preset P, --data D, --steps N, --no-browser (ends after the
story, as it does without a terminal); what follows -- goes to the training:
  ./tutorial start --yes --steps 200 -- --seed 7

Examples:
  ./tutorial train --data my-text.txt --steps 500
  ./tutorial run simple_llm sample --prompt "Once" --max-tokens 300
  ./tutorial run simple_llm --help

Environment: MLX_TUTORIAL_HOME (the same as --home), MLX_TUTORIAL_DATA (take
corpora from this folder), MLX_TUTORIAL_PYTHON (use this Python as it is),
LLM_FAST_CPU=0 (MLX's own CPU operations in place of ours), LLM_SIMD=sse4, avx2
or avx512 (ours with no newer instructions than these), LLM_ACTIVATION_BITS=16
or 8 (with packed weights: faster, less exact), CHROMIUM (the browser of the
tests), HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE (models of the Hub),
http_proxy, https_proxy, no_proxy.
Exit codes: 0 well, 1 a test or the build failed, 2 usage, 3 bad input or
environment, 4 input or output, 5 numbers; `run` gives the program's own.
TEXT
}

main() {
  local command
  while [ $# -gt 0 ]; do
    take_common_option "$@"
    [ "$TAKEN" -gt 0 ] || break
    shift "$TAKEN"
  done
  command="${1:-help}"
  [ $# -gt 0 ] && shift
  # Right after these, none of ours is an option of the program as well.
  case "$command" in
    run | train | web)
      while [ $# -gt 0 ]; do
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || break
        shift "$TAKEN"
      done
      ;;
  esac
  case "$command" in
    start) command_start "$@" ;;
    run) command_run "$@" ;;
    train)
      if [ "$OPT_OFFLINE" = 1 ]; then set -- --offline "$@"; fi
      command_run simple_llm train "$@"
      ;;
    web) command_web "$@" ;;
    notebook) command_notebook "$@" ;;
    exercise) command_exercise "$@" ;;
    docs) command_docs "$@" ;;
    test) command_test "$@" ;;
    bench) command_bench "$@" ;;
    vendor) command_vendor "$@" ;;
    doctor) command_doctor "$@" ;;
    clean) command_clean "$@" ;;
    help | --help | -h) print_help ;;
    *)
      usage_error "expected a command but received '$command'; choose from:" \
        "start, web, notebook, exercise, docs, test, train, run, bench, vendor," \
        "doctor, clean, help."
      ;;
  esac
}
