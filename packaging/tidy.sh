#!/usr/bin/env bash
# clang-tidy over every source of the product that Linux compiles (the tests would double its time), each file alone, which
# the builds do not do. A file that was found clean is not looked at again until it, a header of ours that it includes, or
# the checks change.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build_dir=build/tidy
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rdpmend/clang-tidy
mkdir -p "$cache"
root=$PWD

# Configured and not built: all that is needed are the commands and the generated headers.
quietly build/logs/tidy-configure.log cmake --preset debug -B "$build_dir" -DCMAKE_UNITY_BUILD=OFF -DCMAKE_CXX_COMPILER_LAUNCHER= \
  -DBUILD_TESTING=OFF
mapfile -t headers < <(ninja -C "$build_dir" -t targets all | sed -n 's/^\(.*\.pb\.h\): .*/\1/p')
quietly build/logs/tidy-generate.log ninja -C "$build_dir" "${headers[@]}"

# "SOURCE HEADER..." per object, of our own files only. The scanner writes rules for make: OBJECT: SOURCE HEADER...
dependencies() {
  clang-scan-deps-14 -compilation-database "$build_dir/compile_commands.json" -j "$(nproc)" | sed 's/\\$//' | tr -s ' \n' '\n' |
    awk -v root="$root/" -v build="$root/$build_dir/" '
      /:$/ { if (line != "") print line; line = ""; next }
      index($0, root) == 1 && index($0, build) != 1 { line = line (line == "" ? "" : " ") substr($0, length(root) + 1) }
      END { if (line != "") print line }' | grep -E '^(agent-lib|service|cli)/[^ ]*\.cpp( |$)' | sort -u
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
compiled=$(grep -cE "\"file\": \"$root/(agent-lib|service|cli)/" "$build_dir/compile_commands.json")
((total == compiled)) || fail "the includes of $total of $compiled sources could be read"
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
