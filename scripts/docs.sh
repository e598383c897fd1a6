# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# docs check|run|write [PAGE...]: the pages against the code, the results and
# what their blocks print. docs build [NOTEBOOK...]: the site, and the notebooks
# with their outputs, in build/docs. The work is done by scripts/docs.

command_docs() {
  local what="${1:-}" left word runs=1
  [ $# -gt 0 ] && shift
  # Our own options, wherever they stand; the others keep their order.
  left=$#
  while [ "$left" -gt 0 ]; do
    take_common_option "$@"
    if [ "$TAKEN" -gt 0 ]; then
      shift "$TAKEN"
      left=$((left - TAKEN))
    else
      word=$1
      if [ "$word" = --no-run ]; then runs=0; fi
      shift
      set -- "$@" "$word"
      left=$((left - 1))
    fi
  done
  case "$what" in
    check) prepare build ;;
    write | run)
      if [ $runs = 1 ]; then build_notebook_kernel; else prepare build; fi
      ;;
    build)
      build_site "$@"
      return
      ;;
    *)
      usage_error "expected check, run, write or build but received" \
        "'${what:-nothing}'; write ./tutorial docs check [PAGE...] or" \
        "./tutorial docs build [NOTEBOOK...]"
      ;;
  esac
  exec "$PYTHON" "$ROOT/scripts/docs" "$what" "$@"
}

build_site() {
  local out=notebooks name
  for name in "$@"; do need_notebook "$name"; done
  if [ "${FAST:-}" = 1 ]; then out=notebooks-fast; fi # never for the whole ones
  build_notebook_kernel
  ensure_vendor may
  "$PYTHON" "$ROOT/scripts/docs" build || exit $?
  exec "$PYTHON" "$ROOT/scripts/docs/notebooks.py" "$ROOT/build/docs/$out" "$@"
}
