# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# docs build [NAME...]: the notebooks with their outputs, in build/docs.

command_docs() {
  local what="${1:-}" out=notebooks name
  [ $# -gt 0 ] && shift
  [ "$what" = build ] || usage_error "expected build but received" \
    "'${what:-nothing}'; write ./tutorial docs build [NOTEBOOK...]"
  for name in "$@"; do need_notebook "$name"; done
  if [ "${FAST:-}" = 1 ]; then out=notebooks-fast; fi # never for the whole ones
  build_notebook_kernel
  exec "$PYTHON" "$ROOT/scripts/docs/notebooks.py" "$ROOT/build/docs/$out" "$@"
}
