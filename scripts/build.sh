# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Configure and build with CMake and Ninja, and run what was built.

BUILD=

# configure FOLDER PRESET [CMAKE OPTION...] : sets BUILD; does nothing if the
# folder was configured the same way before (Ninja itself sees changed files).
configure() {
  local key folder preset="$2"
  folder=$(build_folder "$1")
  shift 2
  BUILD=$ROOT/build/$folder
  set -- "-DPython3_EXECUTABLE=$PYTHON" "$@"
  if [ "$PLATFORM" = macos ]; then
    # Apple's compiler, whatever conda may have put into CXX.
    set -- "-DCMAKE_CXX_COMPILER=$(xcrun -f clang++)" \
      "-DCMAKE_PREFIX_PATH=$ENV_PREFIX" "$@"
  fi
  key="$ROOT $preset $* $(cksum <"$(requirements_file)")"
  if [ "$OPT_OFFLINE" = 1 ]; then
    set -- "-DFETCHCONTENT_FULLY_DISCONNECTED=ON" "$@"
  fi
  if [ -f "$BUILD/build.ninja" ] &&
    [ "$(cat "$BUILD/.configured" 2>/dev/null)" = "$key" ]; then
    return 0
  fi
  step "Configuring build/$folder"
  rm -f "$BUILD/.configured"
  (cd "$ROOT" && run_logged "configure-$folder" cmake --fresh \
    --preset "$preset" -B "$BUILD" "$@") ||
    die "$EXIT_ENVIRONMENT" "[cmake] expected to configure build/$folder but" \
      "CMake failed; the first 'CMake Error' above says why."
  echo "$key" >"$BUILD/.configured"
}

# build FOLDER PRESET "TARGET..." [CMAKE OPTION...] : quiet if nothing is to do.
# shellcheck disable=SC2086
build() {
  local folder="$1" preset="$2" target="$3"
  shift 3
  lock_build
  configure "$folder" "$preset" "$@"
  run_ninja $target ||
    die 1 "[build] expected $target to compile but it did not; the first" \
      "'error:' above says why."
  drop_lock
}

lock_build() {
  mkdir -p "$ROOT/build" 2>/dev/null
  take_lock "$ROOT/build/.lock" "building"
}

# run_ninja ARGUMENTS : shows the build, if there is something to build.
run_ninja() {
  local log="$CACHE/logs/build.log"
  # %f/%t: how many of how many are finished.
  NINJA_STATUS='[%f/%t] ' ninja -C "$BUILD" -j "$(job_count)" "$@" \
    </dev/null 2>&1 | tee "$log" | show_build
  return "${PIPESTATUS[0]}"
}

# On a terminal the lines of progress overwrite each other.
show_build() {
  local line begun=0
  while IFS= read -r line; do
    case "$line" in
      "ninja: Entering"* | "ninja: no work to do." | *"] Re-checking globbed"*)
        continue
        ;;
    esac
    if [ $begun = 0 ]; then
      step "Building (the first time takes minutes)"
      begun=1
    fi
    if [ ! -t 2 ]; then
      say "$line"
    elif [ "${line#\[}" != "$line" ]; then
      printf '\r\033[K%.78s' "$line" >&2
    else
      printf '\r\033[K%s\n' "$line" >&2
    fi
  done
  if [ $begun = 1 ] && [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

# Names of programs: what is built, and what has its source in code/.
program_names() {
  local file
  {
    for file in "$ROOT"/code/*.cpp "$ROOT"/build/release/bin/*; do
      if [ -f "$file" ]; then basename "$file" .cpp; fi
    done
    if [ -f "$ROOT/code/web_interface/server.cpp" ]; then echo web_server; fi
  } | sed '/^test_/d; /_fuzz$/d' | sort -u
}

# need_program NAME : stop with the list if there is no such program. Before
# anything is built, so that a typing mistake costs nothing.
need_program() {
  local names
  names=$(program_names)
  case "
$names
" in
    *"
$1
"*) ;;
    *)
      usage_error "expected the name of a program but received '$1'; choose" \
        "from: $(printf '%s' "$names" | tr '\n' ' ')"
      ;;
  esac
}

# program_path NAME [TARGET...] : prepares and builds them; sets PROGRAM to the
# first one's path.
program_path() {
  local targets="$*"
  need_program "$1"
  prepare build
  # What ./tutorial doctor measures with; small.
  if [ -f "$ROOT/code/doctor.cpp" ]; then targets="$targets doctor"; fi
  build release release "$targets"
  PROGRAM=$BUILD/bin/$1
  [ -x "$PROGRAM" ] ||
    die "$EXIT_ENVIRONMENT" "[build] expected $PROGRAM but it was not built;" \
      "run: ./tutorial clean, then this again."
}
