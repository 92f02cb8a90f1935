#!/usr/bin/env bash
# From a fresh Debian 12 to a rehearsed RDP host that heals itself: installs, builds, starts the service, breaks the host,
# and tells what happens through the real CLI over gRPC. Exit 0 only if the host was really healed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
(($# == 0)) || fail "usage: packaging/quickstart.sh"

rehearsal_pid=''
watch_pid=''
tail_pid=''
work=$(mktemp -d "${TMPDIR:-/tmp}/rdpmend-quickstart-XXXXXX")

clean_up() {
  local status=$? pid
  for pid in $tail_pid $watch_pid $rehearsal_pid; do
    { kill "$pid" && wait "$pid"; } 2>/dev/null || true
  done
  if ((status == 0)); then
    rm -rf "$work"
  else
    printf '%s!! not healed; everything that was said and logged is in %s%s\n' "$k_red" "$work" "$k_plain" >&2
  fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Shows the command as one would type it, and what it answers.
run_cli() {
  local status=0
  printf '\n%s$ rdpmend %s%s\n' "$k_bold" "$*" "$k_plain"
  build/debug/bin/rdpmend "$@" || status=$?
  return "$status"
}
quiet_cli() { build/debug/bin/rdpmend --format json "$@" 2>>"$work/cli.err"; }
# The first value of a field in the CLI's JSON.
field() { sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" | head -n 1; }

# usage: wait_for SECONDS WHAT COMMAND...
wait_for() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    kill -0 "$rehearsal_pid" 2>/dev/null || fail "the rehearsal ended: $(tail -n 3 "$work/rehearsal.err")"
    ((SECONDS < until)) || fail "$what did not happen in time"
    sleep 0.05
  done
}

heading 'Debian packages'
packaging/install-dependencies.sh

heading 'Build (preset debug)'
say 'the first time this takes some minutes'
# Where the tests were already built they stay; a fresh machine has no need of them, nor of their packages.
if [[ -f build/debug/CMakeCache.txt ]]; then
  build debug -- rdpmendd rdpmend
else
  build debug -DBUILD_TESTING=OFF -- rdpmendd rdpmend
fi

heading 'The service starts on a rehearsed RDP host'
printf '%s$ rdpmendd rehearse key-unreadable%s\n' "$k_bold" "$k_plain"
build/debug/bin/rdpmendd rehearse key-unreadable --state "$work/state" \
  >"$work/rehearsal.out" 2>"$work/rehearsal.err" </dev/null &
rehearsal_pid=$!
wait_for 30 'the start of the service' grep -q -- '--profile' "$work/rehearsal.out"
export RDPMEND_PROFILE=$work/state/pki/admin/client.textproto
outside=$(sed -n 's/.*RDP .*\(127\.0\.0\.2:[0-9]*\).*/\1/p' "$work/rehearsal.out" | head -n 1)
probe() { quiet_cli probe "$outside" >"$work/probe.json"; }
cat "$work/rehearsal.out"
build/debug/bin/rdpmend watch --from-start >"$work/watch.out" 2>>"$work/cli.err" </dev/null &
watch_pid=$!

# A failing look from outside is itself what a client does: the host logs it, and healing begins. So each look is shown as
# it was, not repeated.
look() { build/debug/bin/rdpmend probe "$outside" >"$work/look.txt" 2>&1; }
look_fails() { ! look; }
show_look() {
  printf '\n%s$ rdpmend probe %s%s\n' "$k_bold" "$outside" "$k_plain"
  cat "$work/look.txt"
}
look && probe || fail 'the rehearsed host is not healthy to begin with'
before=$(field sha1 <"$work/probe.json")
heading 'Healthy: from outside, a client gets a TLS session'
show_look
say "${k_dim}in some seconds the listener may not read its key any more$k_plain"
wait_for 60 'the fault' look_fails
heading 'Broken: from outside, no RDP client gets in'
show_look
sed -n '/^[0-9][0-9]:[0-9][0-9]  /p' "$work/rehearsal.out"

heading 'Event, diagnosis, plan, steps, verification: the journal as it grows'
printf '\n%s$ rdpmend watch%s\n' "$k_bold" "$k_plain"
tail -n +1 -f "$work/watch.out" &
tail_pid=$!
incident() { quiet_cli incidents --all | field id; }
incident_is_open() { [[ -n $(incident) ]]; }
wait_for 60 'an incident' incident_is_open
id=$(incident)
timeout 120 build/debug/bin/rdpmend watch --incident "$id" >/dev/null 2>>"$work/cli.err" ||
  fail "incident $id was not closed well: $(quiet_cli show "$id" | field reason)"
wait_for 10 'the end of the story' grep -q 'repair ended' "$work/watch.out"
sleep 0.5  # For tail to show it.
kill "$tail_pid"

heading 'The incident with its evidence, and every write of the repair'
run_cli show "$id"
quiet_cli show "$id" >"$work/incident.json"

heading 'Healed: from outside, with the same certificate'
run_cli probe "$outside" || fail 'the incident is closed, but nobody gets in from outside'
probe || fail 'the second look from outside failed'
run_cli status
run_cli journal --verify --limit 1

state=$(field state <"$work/incident.json")
served=$(field sha1 <"$work/probe.json")
[[ $state == INCIDENT_STATE_REPAIRED ]] || fail "the incident is in state $state"
[[ $(field outcome <"$work/probe.json") == PROBE_OUTCOME_OK ]] || fail 'the probe did not come through'
[[ -n $served && $served == "$before" ]] || fail "another certificate is served: $served, before $before"
# The plan's first step is the grant, and of the plan's steps this one alone was carried out.
[[ $(grep -m 1 -oE '"(grant_key_file_access|remove_certificate|restart_service)"' "$work/incident.json") == '"grant_key_file_access"' ]] ||
  fail "the repair's first step was not the grant"
[[ $(grep -c '"phase": "PHASE_' "$work/incident.json") == 1 ]] || fail 'more than the grant was done'

heading "${k_green}Healed$k_plain"
say "before and after: $served"
say ''
say 'Keep one running:  build/debug/bin/rdpmendd rehearse key-unreadable'
say 'Others:            build/debug/bin/rdpmendd rehearse --list'
