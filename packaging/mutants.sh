#!/usr/bin/env bash
# Plants mistakes (packaging/mutants.table) into a copy of the sources and asks whether the tests find each of them. All are
# compiled in at once, and the environment says which one is made: one build, and then only the tests, up to the first that
# fails. Fails if a mistake is not found, or if its place is not there any more. No part of test.sh.
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
logs=$copy/build

value() { sed -n "s/^$1  *//p" <<<"$2"; }

# The n-th mistake is made in a process whose RDPMEND_MISTAKE is n. In each file once, also where several are compiled as one.
k_prelude='#ifndef RDPMEND_MISTAKE
#define RDPMEND_MISTAKE
#include <cstdlib>
namespace rdpmend {
inline bool mistake(int number) {
  static const char* const made = std::getenv("RDPMEND_MISTAKE");
  return made != nullptr && std::atoi(made) == number;
}
}  // namespace rdpmend
#endif'

mistakes=() tests=()
stale=0 number=0
while IFS= read -r -d $'\x1e' block; do
  mistake=$(value mistake "$block")
  [[ -n $mistake ]] || continue
  file=$(value file "$block") at=$(value at "$block") is=$(value is "$block")
  before=${at%%\[\[*} rest=${at#*\[\[}
  was=${rest%%\]\]*} after=${rest#*\]\]}
  if [[ $(grep -cF -- "$before$was$after" "$file") != 1 ]]; then
    say "gone: $mistake: '$before$was$after' is not there once in $file"
    stale=$((stale + 1))
    continue
  fi
  number=$((number + 1))
  mistakes[number]=$mistake tests[number]=$(value tests "$block")
  places[number]=$file from[number]=$before$was$after to[number]="$before(mistake($number) ? ($is) : ($was))$after"
done < <(awk -v RS= -v ORS='\x1e' '1' "$table")
if $check; then
  say "$number places are there, $stale are gone"
  ((stale == 0))
  exit
fi

heading 'A copy of the sources, with all mistakes, and its build'
mkdir -p "$copy"
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$copy"
for file in $(printf '%s\n' "${places[@]}" | sort -u); do
  text=$k_prelude$'\n'$(<"$file")
  for ((i = 1; i <= number; ++i)); do
    [[ ${places[i]} != "$file" ]] || text=${text/"${from[i]}"/"${to[i]}"}
  done
  printf '%s\n' "$text" >"$copy/$file"
done
quietly "$logs/configure.log" cmake -S "$copy" --preset debug
suites=$(printf '%s\n' "${tests[@]}" | xargs -n2 | cut -d' ' -f1 | sort -u)
# shellcheck disable=SC2086,SC2046
quietly "$logs/build.log" nice cmake --build "$copy/build/debug" --target $(printf 'rdpmend_%s_test ' $suites)

# True: one of the tests fails, or hangs; `finder` is its program then. The pairs are: suite, filter.
found() {  # SUITE FILTER...
  while (($#)); do
    finder=$1
    nice timeout "$k_seconds" "$copy/build/debug/bin/rdpmend_$1_test" --gtest_brief=1 --gtest_fail_fast --gtest_filter="$2" \
      >"$logs/test.log" 2>&1 || return 0
    shift 2
  done
  return 1
}
set -f
# Whoever fails without a mistake finds none.
read -ra all <<<"$(printf '%s\n' "${tests[@]}" | xargs -n2 | sort -u | tr '\n' ' ')"
! found "${all[@]}" || fail "without a mistake rdpmend_${finder}_test fails: see $logs/test.log"

heading 'Mistakes'
planted=0 survivors=0
for ((i = 1; i <= number; ++i)); do
  [[ ${mistakes[i]} == *"$word"* ]] || continue
  planted=$((planted + 1)) began=$SECONDS outcome=found
  read -ra pairs <<<"${tests[i]}"
  export RDPMEND_MISTAKE=$i
  found "${pairs[@]}" || outcome=SURVIVED survivors=$((survivors + 1)) finder=
  say "$(printf '%-8s %4d s  %-11s  %s' "$outcome" $((SECONDS - began)) "$finder" "${mistakes[i]}")"
done
say "$planted planted, $survivors survived, $stale to be mended in the table"
((survivors == 0 && stale == 0))
