#!/usr/bin/env bash
# clang-tidy over every source of the product that a build compiles (the tests would double its time). A file that was
# found clean is not looked at again until it, a header of ours that it includes, or the checks change.
# usage: packaging/tidy.sh [BUILD_FOLDER], build/debug unless given
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build_dir=${1:-build/debug}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rdpmend/clang-tidy
[[ -f $build_dir/compile_commands.json ]] || fail "build first: cmake --preset debug && cmake --build --preset debug"
mkdir -p "$cache"
root=$PWD

# "SOURCE HEADER..." per object, of our own files only, as the last build saw them.
dependencies() {
  ninja -C "$build_dir" -t deps | awk -v root="$root/" -v base="$build_dir/" '
    function ours(path) {
      gsub(/\/[^\/]+\/\.\.\//, "/", path)
      if (path ~ "^\\.\\./\\.\\./") path = substr(path, 7)
      else if (index(path, root) == 1) path = substr(path, length(root) + 1)
      else if (path !~ "^/") path = base path
      return path ~ /^\// ? "" : path
    }
    /^[^ ].*: #deps/ { if (line != "") print line; line = ""; next }
    /^ / { path = ours($1); if (path != "") line = line (line == "" ? "" : " ") path }
    END { if (line != "") print line }' | grep -v '^[^ ]*_test.cpp' | grep -E '^(agent-lib|service|cli)/[^ ]*\.cpp( |$)' | sort -u
}

fingerprint() {  # SOURCE HEADER...
  { cat .clang-tidy "$@"; clang-tidy-14 --version; } | sha256sum | cut -d ' ' -f 1
}

todo=()
total=0
while read -ra files; do
  total=$((total + 1))
  key=$(fingerprint "${files[@]}")
  [[ -e $cache/$key ]] || todo+=("${files[0]}" "$key")
done < <(dependencies)
((total > 0)) || fail "$build_dir is not built yet"
say "$((${#todo[@]} / 2)) of $total files to look at"
((${#todo[@]} > 0)) || exit 0

check_one() {  # SOURCE KEY
  # The last option only keeps clang silent about warnings that GCC alone knows.
  if output=$(clang-tidy-14 --quiet -p "$build_dir" --extra-arg=-Wno-unknown-warning-option "$1" 2>/dev/null); then
    touch "$cache/$2"
    echo "clean: $1"
  else
    printf '%s\n' "$output"
    echo "NOT CLEAN: $1"
    return 1
  fi
}
export -f check_one
export build_dir cache
printf '%s\0' "${todo[@]}" | xargs -0 -n 2 -P "$(nproc)" bash -c 'check_one "$@" || exit 1' check_one
