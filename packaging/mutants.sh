#!/usr/bin/env bash
# Plants mistakes (packaging/mutants.table) into a copy of the sources, one at a time, and asks whether the tests find them.
# Fails if one is not found, or if a place is not there any more. Takes about a minute for each; no part of test.sh.
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
k_seconds=${RDPMEND_MUTANT_SECONDS:-120}
table=$PWD/packaging/mutants.table
copy=$PWD/build/mutants

value() { sed -n "s/^$1  *//p" <<<"$2"; }

# True: one of the tests fails, or hangs. The pairs are: suite, filter.
found() {  # SUITE FILTER...
  local targets=() i words=("$@")
  for ((i = 0; i < ${#words[@]}; i += 2)); do targets+=("rdpmend_${words[i]}_test"); done
  if ! nice cmake --build "$copy/build" --target "${targets[@]}" >"$copy/build.log" 2>&1; then
    grep -m3 'error:' "$copy/build.log" >&2 || true
    return 2
  fi
  for ((i = 0; i < ${#words[@]}; i += 2)); do
    timeout "$k_seconds" "$copy/build/bin/rdpmend_${words[i]}_test" --gtest_brief=1 --gtest_fail_fast \
      --gtest_filter="${words[i + 1]}" >"$copy/test.log" 2>&1 || return 0
  done
  return 1
}

$check || {
  heading 'A copy of the sources, and its first build'
  mkdir -p "$copy/source"
  git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$copy/source"
  quietly "$copy/configure.log" cmake -S "$copy/source" --preset debug -B "$copy/build"
}

survivors=0 stale=0 planted=0
heading 'Mistakes'
while IFS= read -r -d $'\x1e' block; do
  mistake=$(value mistake "$block")
  [[ -n $mistake && $mistake == *"$word"* ]] || continue
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
  printf '%s\n' "${original/"$was"/"$is"}" >"$copy/source/$file"
  began=$SECONDS status=0
  set -f
  found "${tests[@]}" || status=$?
  set +f
  cp "$file" "$copy/source/$file"
  case $status in
    0) say "$(printf 'found     %3d s  %s' $((SECONDS - began)) "$mistake")" ;;
    1) say "$(printf 'SURVIVED  %3d s  %s' $((SECONDS - began)) "$mistake")" && survivors=$((survivors + 1)) ;;
    *) say "$(printf 'no build         %s' "$mistake")" && stale=$((stale + 1)) ;;
  esac
done < <(awk -v RS= -v ORS='\x1e' '1' "$table")

say "$planted planted, $survivors survived, $stale to be mended in the table"
((survivors == 0 && stale == 0))
