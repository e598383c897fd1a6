# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Conda: required on macOS, used on Linux if it is there. The environment is
# `ai-training`, made from environment.yml.

CONDA_ENV_NAME=ai-training
# Miniconda's own address; a mirror can be named instead.
MINICONDA_URL="${MLX_TUTORIAL_MINICONDA_URL:-\
https://repo.anaconda.com/miniconda/Miniconda3-latest-MacOSX-arm64.sh}"

# Prints the conda program, if there is one. On a Mac also where installers put
# it, because a new Miniconda is not on PATH yet.
find_conda() {
  local folder
  if [ -n "${CONDA_EXE:-}" ] && [ -x "$CONDA_EXE" ]; then
    echo "$CONDA_EXE"
    return 0
  fi
  # `type -P`, not `command -v`: conda is often a shell function as well.
  type -P conda && return 0
  [ "$PLATFORM" = macos ] || return 1
  for folder in miniconda3 miniforge3 anaconda3; do
    if [ -x "$HOME/$folder/bin/conda" ]; then
      echo "$HOME/$folder/bin/conda"
      return 0
    fi
  done
  return 1
}

miniconda_lines() {
  say "  curl -fLO $MINICONDA_URL"
  say "  bash $(basename "$MINICONDA_URL") -b -p \"\$HOME/miniconda3\""
  say "(-b accepts Anaconda's licence: https://www.anaconda.com/legal)"
}

# No conda on a Mac: install it after a yes, or stop with the lines to type.
install_miniconda() {
  local target="$HOME/miniconda3" file
  say "Miniconda is needed on macOS. By hand it is installed with"
  miniconda_lines
  need_network "Miniconda"
  ask "Install Miniconda to $target (about 120 MB to download, 600 MB on disk,\
 2 minutes; a yes accepts its licence)?" ||
    die "$EXIT_ENVIRONMENT" "[conda] expected Miniconda but found none;" \
      "install it with the two lines above, then run ./tutorial again."
  need_disk 3000 "$HOME"
  file="$CACHE/downloads/$(basename "$MINICONDA_URL")"
  mkdir -p "$CACHE/downloads"
  step "Downloading Miniconda"
  fetch "$MINICONDA_URL" "$file" ||
    die "$EXIT_ENVIRONMENT" "[conda] expected $MINICONDA_URL but could not" \
      "download it; check the network and the proxy (https_proxy)."
  # A web page in place of the installer (a hotel's login) must not be run.
  head -n 1 "$file" | grep -q '^#!' || {
    rm -f "$file"
    die "$EXIT_ENVIRONMENT" "[conda] expected an installer from" \
      "$MINICONDA_URL but received something else; check the network."
  }
  step "Installing Miniconda to $target"
  run_logged miniconda bash "$file" -b -p "$target" || {
    rm -f "$file" # perhaps damaged: fetch it again next time
    die "$EXIT_ENVIRONMENT" "[conda] expected to install Miniconda but its" \
      "installer failed; move $target away if it is there, and try again."
  }
  rm -f "$file"
}

# fetch URL FILE : resumes what an earlier try left; complete files only.
fetch() {
  local bar=-sS
  if [ -t 2 ]; then bar=--progress-bar; fi
  curl -fL $bar --retry 3 -C - -o "$2.part" "$1" && mv "$2.part" "$2"
}

# The folder of the environment, if it exists. Asking conda takes a second, so
# the usual place is tried first.
conda_env_folder() {
  local conda="$1" base
  base=$(cd "$(dirname "$conda")/.." 2>/dev/null && pwd -P)
  if [ -x "$base/envs/$CONDA_ENV_NAME/bin/python" ]; then
    echo "$base/envs/$CONDA_ENV_NAME"
    return 0
  fi
  "$conda" env list 2>/dev/null |
    sed -n "s|^${CONDA_ENV_NAME}[ *]*\(/.*\)\$|\1|p" | head -n 1
}

# Its interpreter; an empty line if there is no environment.
conda_python() {
  local folder
  folder=$(conda_env_folder "$1")
  echo "${folder:+$folder/bin/python}"
}

# Makes or brings up to date the environment; sets PYTHON.
ensure_conda_environment() {
  local conda="$1" verb=create
  if [ -n "$(conda_python "$conda")" ]; then verb=update; fi
  need_network "the conda environment $CONDA_ENV_NAME as environment.yml says"
  ask_or_stop "Let conda $verb the environment '$CONDA_ENV_NAME' (about 420 MB\
 to download, 1.9 GB on disk, 2 to 5 minutes)?"
  step "conda env $verb"
  # conda takes paths inside environment.yml from that file's folder.
  CONDA_ALWAYS_YES=true run_logged conda "$conda" env "$verb" \
    -n "$CONDA_ENV_NAME" -f "$ROOT/environment.yml" ||
    die "$EXIT_ENVIRONMENT" "[conda] expected to $verb $CONDA_ENV_NAME but" \
      "conda failed; its log is $CACHE/logs/conda.log"
  PYTHON=$(conda_python "$conda")
  [ -x "$PYTHON" ] ||
    die "$EXIT_ENVIRONMENT" "[conda] expected Python in it but found none;" \
      "run: $conda env remove -n $CONDA_ENV_NAME, then ./tutorial again."
}
