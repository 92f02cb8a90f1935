#!/usr/bin/env bash
# Checks what is delivered for Windows: where the programs' libraries come from, that the message library is one of texts
# alone, symbols, SHA256SUMS, the SPDX list, the same bytes again, and signing, with a certificate authority of its own.
# usage: packaging/msi/check.sh BINARIES
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

binaries=$(realpath "${1:?usage: packaging/msi/check.sh BINARIES}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Windows takes these from System32 whatever lies beside a program: the list KnownDLLs of the oldest Windows that we serve,
# ntdll.dll, which is there before the program is, and the names of API sets, which are no files.
# https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-search-order
readonly k_known='advapi32|gdi32|kernel32|msvcrt|ole32|oleaut32|rpcrt4|shell32|shlwapi|user32|ws2_32|ntdll|api-ms-win-[a-z0-9-]+'
objdump() { x86_64-w64-mingw32-objdump "$@"; }
imports() { objdump -p "$1" | sed -n 's/^[[:space:]]*DLL Name: \(.*\)\.dll$/\L\1/Ip'; }
for program in rdpmendd.exe rdpmend.exe; do
  found=$(imports "$binaries/$program")
  [[ $found == *kernel32* ]] || fail "$program: its import table could not be read"
  planted=$(grep -vxE "$k_known" <<<"$found" || true)
  [[ -z $planted ]] || fail "$program loads from its own folder, if it is there: ${planted//$'\n'/ } (RDPMEND_LATE_LIBRARIES)"
  # Into variables: grep -q ends with the first hit, and what still writes to it fails.
  headers=$(objdump -p "$binaries/$program") sections=$(objdump -h "$binaries/$program")
  grep -q '^Time/Date.* 1970$' <<<"$headers" || fail "$program has its link time in it"
  ! grep -qaF "$PWD" "$binaries/$program" || fail "$program has this folder's name in it"
  [[ -f $binaries/$program.debug ]] || fail "there are no symbols of $program"
  grep -q gnu_debuglink <<<"$sections" || fail "$program does not name its symbols"
  ! grep -q '\.debug_info' <<<"$sections" || fail "$program has its symbols in it"
done
[[ -z $(imports "$binaries/rdpmend-messages.dll") ]] || fail 'rdpmend-messages.dll loads other libraries'
headers=$(objdump -p "$binaries/rdpmend-messages.dll")
grep -qE '^AddressOfEntryPoint[[:space:]]+0+$' <<<"$headers" || fail 'rdpmend-messages.dll has code that Windows would run'

# Twice, some time apart.
packaging/msi/build.sh "$binaries" "$work/first" 1.0.0 >/dev/null
sleep 2  # An installer keeps whole seconds.
packaging/msi/build.sh "$binaries" "$work/second" 1.0.0 >/dev/null
diff -r "$work/first" "$work/second" >/dev/null || fail 'the same programs give another installer: see diff -r'
(cd "$work/first" && sha256sum --check --quiet SHA256SUMS)
python3 - "$work/first/rdpmend-1.0.0-x64.spdx.json" <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
known = {part["SPDXID"] for part in document["packages"] + document["files"]} | {document["SPDXID"]}
assert document["spdxVersion"] == "SPDX-2.3"
assert {"openssl", "grpc", "mingw-w64"} <= {package["name"] for package in document["packages"]}
patched = [link for link in document["relationships"] if link["relationshipType"] == "PATCH_APPLIED"]
assert "SPDXRef-grpc" in {link["relatedSpdxElement"] for link in patched}
for relationship in document["relationships"]:
    assert relationship["spdxElementId"] in known and relationship["relatedSpdxElement"] in known, relationship
END

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=check' -addext keyUsage=digitalSignature,keyCertSign \
  -addext extendedKeyUsage=codeSigning -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
cat >"$work/sign" <<'END'
set -e
osslsigncode sign -certs "$(dirname "$0")/certificate.pem" -key "$(dirname "$0")/key.pem" -h sha256 -in "$1" -out "$1.signed"
mv "$1.signed" "$1"
END
RDPMEND_SIGN="bash $work/sign" packaging/msi/build.sh "$binaries" "$work/signed" 1.0.0 >/dev/null
verify() { osslsigncode verify -CAfile "$work/certificate.pem" -in "$1" >"$work/verify.log" 2>&1; }
! verify "$work/first/rdpmend-1.0.0-x64.msi" || fail 'an installer without a signature passes for signed'
verify "$work/signed/rdpmend-1.0.0-x64.msi" || fail "the installer's signature does not hold: $(tail -n 3 "$work/verify.log")"
(cd "$work" && msiextract "$work/signed/rdpmend-1.0.0-x64.msi" >/dev/null)
for file in rdpmendd.exe rdpmend.exe rdpmend-messages.dll; do
  verify "$(find "$work" -name "$file" -print -quit)" || fail "the signature of $file in the installer does not hold"
done
say 'libraries, symbols, sums, SPDX list, same bytes and signatures are as they should be'
