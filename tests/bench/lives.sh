#!/bin/bash
# SPDX-License-Identifier: MIT
# What a whole queue life costs on each MTA with the timers it ships with: mail
# that is refused at RCPT, from the submission to the end. Prints figures, one
# run after the other; not part of the tests.
# usage: tests/bench/lives.sh [DEADMX [TARGET...]]
root=$(cd "$(dirname "$0")/../.." && pwd)
deadmx=${1:-$root/build/deadmx}
shift
scenario=$root/scenarios/tempfail/rcpt_451_expires.yml
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
[ $# -gt 0 ] || set -- $("$deadmx" targets | sed '/^[^ ]* *elsewhere /d;s/ .*//')

printf '%-12s %8s %9s %9s %9s %10s\n' target host_s days attempts jumps stops
for target; do
	"$deadmx" run --target "$target" --out "$out" "$scenario" \
		> "$out/log" 2>&1
	log=$out/tempfail/rcpt_451_expires/$target/events.ndjson
	[ -e "$log" ] || {
		printf '%-12s %s\n' "$target" "no run: $(tail -n 1 "$out/log")"
		continue
	}
	python3 -c "import json, sys
events = [json.loads(line) for line in open('$log')]
e = [e for e in events if e['type'] == 'stats'][-1]
print('%-12s %8.1f %9.2f %9d %9d %10d' % ('$target', e['host_s'],
    e['virtual_s'] / 86400, sum(e['type'] == 'connect' for e in events),
    e['jumps'], e['stops']))"
done
