# What the scripts of this folder share. Sourcing it makes the repository's root the working directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  k_bold=$'\e[1m' k_dim=$'\e[2m' k_red=$'\e[31m' k_green=$'\e[32m' k_plain=$'\e[0m'
else
  k_bold='' k_dim='' k_red='' k_green='' k_plain=''
fi

# A heading, with the time since the script began.
heading() {
  printf '\n%s== %s%s %s[%d:%02d]%s\n' "$k_bold" "$*" "$k_plain" "$k_dim" $((SECONDS / 60)) $((SECONDS % 60)) "$k_plain"
}
say() { printf '   %s\n' "$*"; }
fail() {
  printf '%s!! %s%s\n' "$k_red" "$*" "$k_plain" >&2
  exit 1
}

# Runs a long command quietly: now and then a line on how far it is, and the end of its output if it fails.
# usage: quietly LOG COMMAND...
quietly() {
  local log=$1 began=$SECONDS pid seconds status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    seconds=$((SECONDS - began))
    if ((seconds > 0 && seconds % 20 == 0)); then
      say "$k_dim$seconds s: $(tail -n 1 "$log" | cut -c 1-100)$k_plain"
      sleep 1
    fi
  done
  wait "$pid" || status=$?
  if ((status != 0)); then
    tail -n 60 "$log" >&2
    printf '%s!! failed with %d: %s (all of it: %s)%s\n' "$k_red" "$status" "$*" "$log" "$k_plain" >&2
  fi
  return "$status"
}

# usage: build PRESET [CONFIGURE_ARGUMENT...] [-- TARGET...]
build() {
  local preset=$1 configure=()
  shift
  while (($#)) && [[ $1 != -- ]]; do
    configure+=("$1")
    shift
  done
  (($#)) && shift
  quietly "build/logs/$preset-configure.log" cmake --preset "$preset" "${configure[@]}" &&
    quietly "build/logs/$preset-build.log" cmake --build --preset "$preset" ${1:+--target "$@"}
}
