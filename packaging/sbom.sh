#!/usr/bin/env bash
# Writes to standard output what is linked into the Windows programs, as SPDX 2.3: the sources that windows/dependencies.sh
# built, in the versions that it took, with our patches, and the compiler's own libraries, in those of this machine's Debian.
# usage: packaging/sbom.sh VERSION, after packaging/windows/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

version=${1:?usage: packaging/sbom.sh VERSION}
built=$(sed -n 's/^names=(\(.*\))$/\1/p' packaging/windows/dependencies.sh)
[[ -n $built ]] || fail 'packaging/windows/dependencies.sh names no libraries'
# googletest is in the tests alone. The last three: zlib, C and C++ libraries, Windows' interfaces and threads.
read -ra sources <<<"${built/googletest/} libz-mingw-w64 gcc-mingw-w64 mingw-w64"
declare -A versions
while read -r name found; do versions[$name]=$found; done < <(dpkg-query -W -f '${source:Package} ${source:Version}\n')
for name in $built; do versions[$name]=$(cat "build/windows-prefix/share/rdpmend/$name.version"); done

packages='' files='' links=''
for name in "${sources[@]}"; do
  found=${versions[$name]:-}
  [[ -n $found ]] || fail "no Debian package of the source $name is installed, so its version is not known"
  id=SPDXRef-${name//[^A-Za-z0-9.-]/-}
  if [[ $found == *-* ]]; then
    supplier='Organization: Debian' location=https://snapshot.debian.org/package/$name/$found/
    purl="pkg:deb/debian/$name@${found//+/%2B}?arch=source&distro=bookworm"
  else  # The upstream source, without Debian's patches.
    supplier=NOASSERTION location=NOASSERTION purl=pkg:generic/$name@$found
  fi
  packages+=",
    {\"SPDXID\": \"$id\", \"name\": \"$name\", \"versionInfo\": \"$found\", \"supplier\": \"$supplier\",
     \"downloadLocation\": \"$location\", \"filesAnalyzed\": false,
     \"licenseConcluded\": \"NOASSERTION\", \"licenseDeclared\": \"NOASSERTION\", \"copyrightText\": \"NOASSERTION\",
     \"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\", \"referenceLocator\": \"$purl\"}]}"
  links+=",
    {\"spdxElementId\": \"SPDXRef-rdpmend\", \"relationshipType\": \"STATIC_LINK\", \"relatedSpdxElement\": \"$id\"}"
  for patch in packaging/windows/patches/"$name"/*.patch; do
    [[ -e $patch ]] || continue
    patch_id=$id-$(basename "$patch")
    files+="${files:+,}
    {\"SPDXID\": \"$patch_id\", \"fileName\": \"./$patch\", \"checksums\": [
      {\"algorithm\": \"SHA1\", \"checksumValue\": \"$(sha1sum "$patch" | cut -d ' ' -f 1)\"},
      {\"algorithm\": \"SHA256\", \"checksumValue\": \"$(sha256sum "$patch" | cut -d ' ' -f 1)\"}],
     \"licenseConcluded\": \"Apache-2.0\", \"licenseInfoInFiles\": [\"NOASSERTION\"], \"copyrightText\": \"NOASSERTION\"}"
    links+=",
    {\"spdxElementId\": \"$patch_id\", \"relationshipType\": \"PATCH_APPLIED\", \"relatedSpdxElement\": \"$id\"}"
  done
done
cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "rdpmend-$version-x64",
  "documentNamespace": "https://spdx.org/spdxdocs/rdpmend-$version-x64-$(sha256sum <<<"$version$packages$files" | cut -c 1-32)",
  "creationInfo": {"created": "$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%dT%H:%M:%SZ)", "creators": ["Tool: rdpmend/packaging/sbom.sh"]},
  "packages": [
    {"SPDXID": "SPDXRef-rdpmend", "name": "rdpmend", "versionInfo": "$version", "downloadLocation": "NOASSERTION",
     "filesAnalyzed": false, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
     "primaryPackagePurpose": "APPLICATION"}$packages
  ],
  "files": [$files
  ],
  "relationships": [
    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-rdpmend"}$links
  ]
}
END
