# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# notebook [NAME]: builds the Python package and starts `jupyter notebook` with
# a kernel that finds it. --build stops after building.

command_notebook() {
  local name="" only_build=0 count=0
  while [ $# -gt 0 ]; do
    case "$1" in
      --build) only_build=1 ;;
      --)
        shift
        break # what follows is jupyter's
        ;;
      -*)
        take_common_option "$@"
        [ "$TAKEN" -gt 0 ] || usage_error "expected an option of notebook" \
          "but received '$1'; what follows -- goes to jupyter: ./tutorial" \
          "notebook -- --no-browser"
        shift $((TAKEN - 1))
        ;;
      *)
        count=$((count + 1))
        name=${1%.ipynb}
        name=${name##*/}
        ;;
    esac
    shift
  done
  [ $count -le 1 ] || usage_error "expected one notebook but received $count;" \
    "choose from: $(notebook_names | tr '\n' ' ')"
  [ -z "$name" ] || need_notebook "$name"
  build_notebook_kernel
  [ $only_build = 0 ] || return 0
  cd "$ROOT/notebooks" || exit "$EXIT_IO"
  exec "$PYTHON" -m jupyter notebook ${name:+"$name.ipynb"} "$@"
}

# need_notebook NAME : stop with the list if there is none of that name.
need_notebook() {
  notebook_names | grep -qxF -- "$1" ||
    usage_error "expected the name of a notebook but received '$1'; choose" \
      "from: $(notebook_names | tr '\n' ' ')"
}

# The package, the programs that cells start, and the kernel.
build_notebook_kernel() {
  prepare build
  build release release "mlx_llm_tutorial doctor simple_llm finetune_llm"
  write_kernelspec
}

notebook_names() {
  local file
  for file in "$ROOT"/notebooks/*.ipynb; do
    if [ -f "$file" ]; then basename "$file" .ipynb; fi
  done
}

# The kernel: this Python, with the package that was built. In our cache, so
# that nobody's Jupyter changes. Sets JUPYTER_PATH.
write_kernelspec() {
  export PYTHONPATH="$BUILD/python" LLM_PROGRAMS="$BUILD/bin"
  "$PYTHON" -m mlx_llm_tutorial.kernel --write "$CACHE/jupyter" || home_error
  export JUPYTER_PATH="$CACHE/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}"
}
