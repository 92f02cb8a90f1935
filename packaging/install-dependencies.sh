#!/usr/bin/env bash
# Installs the Debian packages that are missing: those to build with, with --test those to test with,
# with --windows those to build for Windows and to run that under Wine.
# Asks nothing, starts no service, and does nothing where all is there.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sections=' build '
for option in "$@"; do
  case $option in
    --test | --windows) sections+="${option#--} " ;;
    *) fail "usage: packaging/install-dependencies.sh [--test] [--windows]" ;;
  esac
done

missing=()
section=''
while read -r line; do
  case $line in
    '' | '#'*) ;;
    '['*']') section=${line:1:-1} ;;
    *)
      if [[ $sections == *" $section "* && $(dpkg-query -W -f '${db:Status-Status}' "$line" 2>/dev/null) != installed ]]; then
        missing+=("$line")
      fi
      ;;
  esac
done <packaging/debian-packages.txt
if ((${#missing[@]} == 0)); then
  say 'all Debian packages are installed'
  exit 0
fi
((EUID == 0)) || fail "run this as root: apt-get install ${missing[*]}"

# xrdp is only wanted as a program that tests start: its package must not open a port of this machine.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

say "installing ${#missing[@]} Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
quietly build/logs/apt-update.log apt-get update
quietly build/logs/apt-install.log apt-get install --yes --no-install-recommends "${missing[@]}"
if [[ " ${missing[*]} " == *' xrdp '* ]] && command -v systemctl >/dev/null; then
  systemctl disable --quiet xrdp xrdp-sesman 2>/dev/null || true
fi
say 'installed'
