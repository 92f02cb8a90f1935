#!/usr/bin/env bash
# Builds rdpmend-VERSION-x64.msi from a folder with rdpmendd.exe, rdpmend.exe and rdpmend-messages.dll; beside it symbols, the
# list of what is linked in (SPDX) and SHA256SUMS. The same files give the same bytes, unless they are signed.
# usage: packaging/msi/build.sh BINARIES [OUTPUT_FOLDER [VERSION]]; folders are relative to the repository's root.
# The output folder is build/msi unless given; the version is the project's, and another one is for trying upgrades.
# RDPMEND_SIGN: a command, with its options, that signs in place the file that it is given: the programs before they are
# packed, then the installer. packaging/msi/check.sh has an example.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

(($# >= 1 && $# <= 3)) || fail 'usage: packaging/msi/build.sh BINARIES [OUTPUT_FOLDER [VERSION]]'
binaries=$(realpath "$1")
output=${2:-build/msi}
version=${3:-$(sed -n 's/^project(rdpmend VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)}
readonly k_files=(rdpmendd.exe rdpmend.exe rdpmend-messages.dll)
for file in "${k_files[@]}"; do
  [[ -f $binaries/$file ]] || fail "there is no $file in $binaries"
done
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$version is no version like 1.2.3"

# As its version resource says it.
version_of() {
  local found
  found=$(strings --encoding=l "$1" | grep -A 1 -x FileVersion | tail -n 1)
  [[ $found =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$1 has no version resource"
  echo "$found.0"
}

sign() {
  [[ -z ${RDPMEND_SIGN:-} ]] || bash -c "$RDPMEND_SIGN"' "$@"' sign "$1" || fail "$1 could not be signed"
}

mkdir -p "$output"
output=$(realpath "$output")
msi=$output/rdpmend-$version-x64.msi
unfinished=$msi.new
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
rm -f "$unfinished"

# Cabinets keep the time of each file, and an installer that of its making: that of the sources instead.
export TZ=UTC SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1700000000)}
for file in "${k_files[@]}"; do
  cp "$binaries/$file" "$staging"
  sign "$staging/$file"
  touch -d "@$SOURCE_DATE_EPOCH" "$staging/$file"
done
source_file=$PWD/packaging/msi/rdpmend.wxs

# Windows Installer knows a product and a package by their codes; another content must have others.
code_for() {  # PURPOSE
  local hash
  hash=$({ echo "$1 $version" && cat "$source_file" packaging/msi/build.sh "${k_files[@]/#/$staging/}"; } | sha256sum)
  echo "{${hash:0:8}-${hash:8:4}-8${hash:13:3}-8${hash:17:3}-${hash:20:12}}" | tr a-f A-F
}
product_code=$(code_for product) package_code=$(code_for package)
# wixl looks for the files in its working directory, and takes no absolute names of them.
(cd "$staging" && wixl --arch x64 -D "Version=$version" -D "ProductCode=$product_code" -o "$unfinished" "$source_file")

# wixl knows no Environment table, no Secure properties and no rollback actions, and gives every action the bit of one
# that does not impersonate, also the one that sets a property. It knows no versions of files either: without them Windows
# Installer takes an installed program for newer than any, lays no new one down on an upgrade, and removes the old one.
# https://learn.microsoft.com/windows/win32/msi/file-versioning-rules
# An installer of the same version replaces what is there, as one that was built again.
# https://learn.microsoft.com/windows/win32/msi/upgrade-table
# Types: https://learn.microsoft.com/windows/win32/msi/summary-list-of-all-custom-action-types
readonly k_set_property=51
readonly k_up_to_this_version=$((0x200 + 0x1)) # And features as they were chosen.
readonly k_64_bit_value=$((2 + 0x10))
upgrade_code={$(sed -n 's/.*UpgradeCode="\([^"]*\)".*/\U\1/p' "$source_file")}
file_version=$(version_of "$staging/rdpmendd.exe")
messages_version=$(version_of "$staging/rdpmend-messages.dll")
readonly k_rollback=$((18 + 0x40 + 0x100 + 0x400 + 0x800)) # A file's program, result ignored, rollback, as SYSTEM.
msibuild "$unfinished" \
  -q 'CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, `Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)' \
  -q "INSERT INTO \`Environment\` (\`Environment\`, \`Name\`, \`Value\`, \`Component_\`) VALUES ('Path', '=-*PATH', '[~];[INSTALLFOLDER]', 'CommandLine')" \
  -q "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('RemoveEnvironmentStrings', 3300)" \
  -q "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('WriteEnvironmentStrings', 5200)" \
  -q "UPDATE \`CustomAction\` SET \`Type\` = $k_set_property WHERE \`Action\` = 'ListenArgument'" \
  -q "UPDATE \`CustomAction\` SET \`Type\` = $k_rollback WHERE \`Action\` = 'UndoInstallService'" \
  -q "UPDATE \`CustomAction\` SET \`Type\` = $k_rollback WHERE \`Action\` = 'RestoreService'" \
  -q "UPDATE \`RegLocator\` SET \`Type\` = $k_64_bit_value" \
  -q "UPDATE \`File\` SET \`Version\` = '$file_version', \`Language\` = '1033'" \
  -q "UPDATE \`File\` SET \`Version\` = '$messages_version' WHERE \`File\` = 'rdpmend_messages.dll'" \
  -q "UPDATE \`InstallExecuteSequence\` SET \`Condition\` = 'VersionNT AND NOT UPGRADINGPRODUCTCODE' WHERE \`Action\` = 'DeleteServices'" \
  -q "DELETE FROM \`Upgrade\` WHERE \`ActionProperty\` = 'WIX_UPGRADE_DETECTED'" \
  -q "INSERT INTO \`Upgrade\` (\`UpgradeCode\`, \`VersionMax\`, \`Attributes\`, \`ActionProperty\`) VALUES ('$upgrade_code', '$version', $k_up_to_this_version, 'WIX_UPGRADE_DETECTED')" \
  -q "UPDATE \`Property\` SET \`Value\` = 'LISTEN;SERVICEWASTHERE;WINDOWSMAJOR;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE \`Property\` = 'SecureCustomProperties'"

# What wixl writes about itself is the moment and a random code. https://learn.microsoft.com/windows/win32/msi/summary-property-descriptions
moment=$(date -d "@$SOURCE_DATE_EPOCH" '+%Y\/%m\/%d %H:%M:%S')
msiinfo export "$unfinished" _SummaryInformation | tr -d '\r' |
  sed -E "s/^9\t.*/9\t$package_code/; s/^(12|13)\t.*/\1\t$moment/" >"$staging/_SummaryInformation.idt"
msibuild "$unfinished" -i "$staging/_SummaryInformation.idt"

# msibuild says nothing of a query that changed nothing.
expect() {
  msiinfo export "$unfinished" "$1" | tr -d '\r' | grep -qE "$2" || fail "$msi: table $1 lacks $2"
}
expect CustomAction "^ListenArgument	$k_set_property	"
expect CustomAction "^UndoInstallService	$k_rollback	"
expect CustomAction '^InstallService	3090	rdpmendd.exe	install '
expect Environment '^Path	=-\*PATH	'
expect Property '^SecureCustomProperties	LISTEN;'
expect Property "^ProductVersion	$version$"
expect CustomAction "^RestoreService	$k_rollback	"
expect File "^rdpmendd.exe	.*	${file_version//./\\.}	1033	"
expect File "^rdpmend.exe	.*	${file_version//./\\.}	1033	"
expect File "^rdpmend_messages.dll	.*	${messages_version//./\\.}	1033	"
expect Property '^MSIRESTARTMANAGERCONTROL	Disable$'
expect ServiceControl '^StartService	rdpmend	1	+0	Service$'
expect ServiceControl '^StopService	rdpmend	162	+1	Service$'
expect InstallExecuteSequence '^DeleteServices	VersionNT AND NOT UPGRADINGPRODUCTCODE	2000$'
expect _SummaryInformation "^9	\\$package_code"
expect RegLocator "	$k_64_bit_value$"
expect Upgrade "	$k_up_to_this_version	.*	WIX_UPGRADE_DETECTED$"
expect InstallExecuteSequence '^WriteEnvironmentStrings	+5200$'
expect InstallExecuteSequence '^RemoveExistingProducts	+1501$'
sign "$unfinished"
mv "$unfinished" "$msi"
say "$msi ($(stat -c %s "$msi") bytes)"

# For who looks into a crash; not installed.
packaging/sbom.sh "$version" >"$output/rdpmend-$version-x64.spdx.json"
delivered=("rdpmend-$version-x64.msi" "rdpmend-$version-x64.spdx.json")
for file in "${k_files[@]}"; do
  [[ -f $binaries/$file.debug ]] || continue
  install -m 644 "$binaries/$file.debug" "$output"
  delivered+=("$file.debug")
done
(cd "$output" && sha256sum "${delivered[@]}" >SHA256SUMS)
