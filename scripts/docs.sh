# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# docs build [NAME...]: the notebooks with their outputs, in build/docs.

command_docs() {
  local what="${1:-}"
  [ $# -gt 0 ] && shift
  [ "$what" = build ] || usage_error "expected build but received" \
    "'${what:-nothing}'; write ./tutorial docs build [NOTEBOOK...]"
  build_notebook_kernel
  exec "$PYTHON" "$ROOT/scripts/docs/notebooks.py" \
    "$ROOT/build/docs/notebooks" "$@"
}
