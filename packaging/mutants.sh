#!/usr/bin/env bash
# Plants mistakes (packaging/mutants.table) into a copy of the sources, one at a time, and asks whether the tests find them.
# Fails if one is not found, or if a place is not there any more. After the first build a mistake takes the compilation of
# one file, a link, and its tests up to the first that fails; no part of test.sh.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage='usage: packaging/mutants.sh [--check] [WORD]
  --check  only whether each place is still there
  WORD     only mistakes that say this word'
check=false word=
for argument in "$@"; do
  case $argument in
    --check) check=true ;;
    --help | -h) echo "$usage" && exit 0 ;;
    -*) fail "$usage" ;;
    *) word=$argument ;;
  esac
done
# For each test program of a mistake. What hangs is found, too.
k_seconds=${RDPMEND_MUTANT_SECONDS:-180}
# The same worlds with and without a mistake.
export RDPMEND_SEED=${RDPMEND_SEED:-1} RDPMEND_WORLD_SECONDS=${RDPMEND_WORLD_SECONDS:-60}
table=$PWD/packaging/mutants.table
# Laid out like the tree itself, so that ccache knows what is the same.
copy=$PWD/build/mutants
build=$copy/build/debug

value() { sed -n "s/^$1  *//p" <<<"$2"; }
# Those that are asked for, each with a separator behind it.
blocks() {
  awk -v RS= -v ORS='\x1e' -v word="$word" \
    '{ title = $0; sub(/\n.*/, "", title) } title ~ /^mistake / && index(title, word)' "$table"
}

# True: one of the tests fails, or hangs; `finder` is its program then. The pairs are: suite, filter.
found() {  # SUITE FILTER...
  local targets=() i words=("$@")
  for ((i = 0; i < ${#words[@]}; i += 2)); do targets+=("rdpmend_${words[i]}_test"); done
  if ! nice cmake --build "$build" --target "${targets[@]}" >"$copy/build/build.log" 2>&1; then
    grep -m3 'error:' "$copy/build/build.log" >&2 || true
    return 2
  fi
  for ((i = 0; i < ${#words[@]}; i += 2)); do
    finder=${words[i]}
    nice timeout "$k_seconds" "$build/bin/rdpmend_${words[i]}_test" --gtest_brief=1 --gtest_fail_fast \
      --gtest_filter="${words[i + 1]}" >"$copy/build/test.log" 2>&1 || return 0
  done
  return 1
}

$check || {
  heading 'A copy of the sources, and its first build'
  mkdir -p "$copy"
  git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$copy"
  # A file with a mistake is compiled alone, and not with those beside it.
  sed -n 's/^file  *agent-lib\///p' "$table" | sort -u | tr '\n' ' ' |
    sed 's/.*/set_source_files_properties(& PROPERTIES SKIP_UNITY_BUILD_INCLUSION TRUE)/' >>"$copy/agent-lib/CMakeLists.txt"
  quietly "$copy/build/configure.log" cmake -S "$copy" --preset debug
}

# Whoever fails without a mistake finds none.
$check || {
  set -f
  read -ra all <<<"$(blocks | tr '\036' '\n' | sed -n 's/^tests  *//p' | xargs -n2 | sort -u | tr '\n' ' ')"
  status=0
  found "${all[@]}" || status=$?
  set +f
  ((status == 1)) || fail "without a mistake they fail, or do not build: see $copy/build/build.log and $copy/build/test.log"
}

survivors=0 stale=0 planted=0
heading 'Mistakes'
while IFS= read -r -d $'\x1e' block; do
  mistake=$(value mistake "$block")
  file=$(value file "$block") was=$(value was "$block") is=$(value is "$block")
  read -ra tests <<<"$(value tests "$block")"
  if [[ $(grep -cF -- "$was" "$file") != 1 ]]; then
    say "gone      $mistake: '$was' is not there once in $file"
    stale=$((stale + 1))
    continue
  fi
  planted=$((planted + 1))
  $check && continue
  original=$(<"$file")
  printf '%s\n' "${original/"$was"/"$is"}" >"$copy/$file"
  began=$SECONDS status=0 finder=
  set -f
  found "${tests[@]}" || status=$?
  set +f
  cp "$file" "$copy/$file"
  took=$((SECONDS - began))
  case $status in
    0) say "$(printf 'found     %3d s  %-11s  %s' $took "$finder" "$mistake")" ;;
    1) say "$(printf 'SURVIVED  %3d s  %-11s  %s' $took '' "$mistake")" && survivors=$((survivors + 1)) ;;
    *) say "$(printf 'no build  %3d s  %-11s  %s' $took '' "$mistake")" && stale=$((stale + 1)) ;;
  esac
done < <(blocks)

say "$planted planted, $survivors survived, $stale to be mended in the table"
((survivors == 0 && stale == 0))
