#!/usr/bin/env bash
# Builds and runs every test: format, then all under the address sanitizer, clang-tidy, and under the thread sanitizer what
# has threads of its own. Optimised are the programs that people run, those for Windows: --windows. The debug preset is the
# developer's.
# The last line is "N passed, N failed", over all of it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage='usage: packaging/test.sh [--quick | --preset debug|asan|tsan|release | --windows]
  --quick         format and the debug preset only
  --preset NAME   that preset only, all of it
  --windows       the Windows programs and the installer, under Wine; builds their libraries once, about 20 minutes'
presets=(asan tsan)
# Suites (rdpmend_NAME_test) of a preset that has not all of them: what has no threads has nothing to tell under tsan.
declare -A suites=([tsan]='support probe service rpc')
checks=(format tidy)
packages=(--test)
case ${1:-} in
  '') ;;
  --quick) presets=(debug) checks=(format) ;;
  --preset)
    [[ " debug release ${presets[*]} " == *" ${2:-?} "* ]] || fail "$usage"
    presets=("$2") checks=() suites=()
    ;;
  --windows) presets=(windows-release) checks=() packages=(--test --windows) ;;
  --help | -h) echo "$usage" && exit 0 ;;
  *) fail "$usage" ;;
esac

passed=0
failed=0
broken=()  # What failed, for the end.
wanted() { [[ " ${checks[*]} " == *" $1 "* ]]; }
count() {  # NAME PASSED FAILED
  passed=$((passed + $2)) failed=$((failed + $3))
  (($3 == 0)) || broken+=("$1: $3 failed")
}
check() {  # NAME COMMAND...: counts as one test.
  local name=$1
  shift
  if "$@"; then count "$name" 1 0; else count "$name" 0 1; fi
}

check_format() {
  find agent-lib service cli tests -name '*.[ch]pp' -print0 | xargs -0 clang-format-14 --dry-run -Werror
}

# What the failed tests printed, each shortened, from ctest's output.
show_failures() {  # LOG
  awk '/^ *[0-9]+\/[0-9]+ Test +#/ { left = /\*\*\*(Failed|Timeout|Exception)/ ? 80 : 0 }
       /^ +Start +[0-9]+: / { left = 0 }
       left > 0 { print; left-- }' "$1" | cut -c 1-300 >&2
}

# ctest's own figures, from its JUnit report. The preset asan tries what fails once more: at the end of a process gRPC's
# detached threads may still hold OpenSSL's error state, which looks like a leak then; a real leak is there each time.
# A skipped test says why in the log and counts as neither.
run_ctest() {  # PRESET [CTEST_ARGUMENT...]
  local preset=$1 report=$PWD/build/logs/$1-ctest.xml prefix=() status=0
  shift
  # GCC 12's thread sanitizer needs addresses that are not randomised too far.
  if [[ $preset == tsan ]] && setarch -R true 2>/dev/null; then prefix=(setarch -R); fi
  rm -f "$report"
  if ! quietly "build/logs/$preset-ctest.log" "${prefix[@]}" ctest --preset "$preset" --output-junit "$report" "$@"; then
    status=1
    show_failures "build/logs/$preset-ctest.log"
  fi
  if [[ ! -s $report ]]; then
    count "ctest $preset" 0 1
    return
  fi
  figure() { sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -n 1; }
  local tests failures skipped
  tests=$(figure tests) failures=$(figure failures) skipped=$(figure skipped)
  say "$((tests - failures - skipped)) passed, $failures failed, $skipped skipped"
  if ((skipped > 0)); then
    say "skipped: $(grep -o '<testcase name="[^"]*"[^>]*status="notrun"' "$report" | cut -d '"' -f 2 | tr '\n' ' ')"
  fi
  ((status == 0 || failures > 0)) || failures=1
  count "ctest $preset" $((tests - failures - skipped)) "$failures"
}

# To ctest each of these programs is one test: what is in them, and what was skipped in them and why, they say themselves.
run_ctest_under_wine() {
  local folder=$PWD/build/logs/windows-gtest
  rm -rf "$folder"
  GTEST_OUTPUT="xml:Z:$folder/" run_ctest windows-release
  say "$(cat "$folder"/*.xml | grep -c '<testcase ') tests in these programs; skipped:"
  awk '/<testcase / {
         split($0, part, "\"")
         name = part[2]
       }
       /<skipped / {
         getline
         sub(/\]\]>.*/, "")
         print "   " name ": " $0
       }' "$folder"/*.xml
}

# What of a preset is built and run; nothing said: all.
targets_of() {  # PRESET
  local suite
  [[ -n ${suites[$1]:-} ]] || return 0
  for suite in ${suites[$1]}; do echo "rdpmend_${suite}_test"; done
}
tests_of() {  # PRESET: they need no Windows programs, as those of the laboratory do.
  if [[ -n ${suites[$1]:-} ]]; then
    printf '%s\n' --tests-regex "^(${suites[$1]// /|})\."
  else
    printf '%s\n' --exclude-regex '^wine\.'
  fi
}

# The installer and the service on a laboratory host, driven and looked at from Linux.
run_laboratory() {
  heading 'installer'
  check msi packaging/msi/build.sh build/windows-release/bin
  check delivery packaging/msi/check.sh build/windows-release/bin
  check reproducible packaging/reproducible.sh
  heading 'build what drives the laboratory'
  if build debug -DBUILD_TESTING=ON -- rdpmend rdpmend_wine_e2e_test; then
    heading 'ctest laboratory'
    run_ctest debug --tests-regex '^wine\.'
  else
    count 'build debug' 0 1
  fi
}

heading 'Debian packages'
packaging/install-dependencies.sh "${packages[@]}"
if [[ ${presets[*]} == windows-release ]]; then
  heading 'Windows libraries'
  packaging/windows/dependencies.sh
  # A fresh one; without waiting for its first server, two service control managers would run.
  export WINEPREFIX=$PWD/build/wine-prefix WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
  rm -rf "$WINEPREFIX"
  quietly build/logs/wineboot.log wineboot --init
  wineserver --wait
fi
if wanted format; then
  heading 'clang-format'
  check clang-format check_format
fi
for preset in "${presets[@]}"; do
  heading "build $preset"
  # shellcheck disable=SC2046 # Words, as they are meant.
  if ! build "$preset" -DBUILD_TESTING=ON -- $(targets_of "$preset"); then
    count "build $preset" 0 1
    continue
  fi
  heading "ctest $preset"
  if [[ $preset == windows-release ]]; then
    run_ctest_under_wine
    run_laboratory
  else
    mapfile -t chosen < <(tests_of "$preset")
    run_ctest "$preset" "${chosen[@]}"
  fi
  if [[ $preset == asan ]] && wanted tidy; then
    heading 'clang-tidy'
    check clang-tidy quietly build/logs/tidy.log packaging/tidy.sh
  fi
done

heading 'Result'
for line in "${broken[@]}"; do say "$line"; done
echo "$passed passed, $failed failed"
((failed == 0))
