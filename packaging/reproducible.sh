#!/usr/bin/env bash
# Builds the Windows programs once more, from a copy of the sources in another folder, and compares them with those of the
# preset windows-release, byte by byte. Objects come from ccache where it has them; CCACHE_RECACHE=1 compiles all anew.
# usage: packaging/reproducible.sh, after packaging/test.sh --windows or a build of the preset windows-release
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

first=$PWD/build/windows-release/bin
copy=$PWD/build/reproducible/a-copy-of-the-sources
readonly k_programs=(rdpmendd.exe rdpmend.exe rdpmend-messages.dll)
for program in "${k_programs[@]}"; do
  [[ -f $first/$program ]] || fail "there is no $first/$program: build the preset windows-release"
done
rm -rf "$copy"
mkdir -p "$copy/build"
git ls-files --cached --others --exclude-standard -z | tar --null --files-from=- -cf - | tar -xf - -C "$copy"
ln -s "$(realpath build/windows-prefix)" "$copy/build/windows-prefix"
log=$PWD/build/logs/reproducible
(
  cd "$copy"
  quietly "$log-configure.log" cmake --preset windows-release -DBUILD_TESTING=OFF
  quietly "$log-build.log" cmake --build --preset windows-release
)
for program in "${k_programs[@]}"; do
  cmp "$first/$program" "$copy/build/windows-release/bin/$program" || fail "$program differs from build to build"
done
rm -rf "$copy"
say "${k_programs[*]}: the same bytes from another folder"
