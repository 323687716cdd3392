#!/bin/sh
# SPDX-License-Identifier: MIT
# SIGKILL and SIGINT in the middle of a run leave no process, mount or segment.
# usage: kill.sh DEADMX
deadmx=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

left() {
	# Zombies are dead; who reaps them is not ours to say.
	ps -eo stat=,args= | grep -v '^Z' |
		grep -cE 'deadmx-ini[t]|deadmx _inne[r]|postfix/sbin/maste[r]'
	grep -c deadmx /proc/self/mountinfo
}
before=$(left)
for signal in KILL INT KILL KILL INT; do
	rm -rf "$out/runs"
	setsid "$deadmx" run --target postfix --out "$out/runs" \
		"$root/scenarios/offline/refused_expires.yml" \
		> "$out/log" 2>&1 &
	pid=$!
	# Until Postfix is in the middle of its five days.
	events=$out/runs/offline/refused_expires/postfix/events.ndjson
	n=0
	while [ ! -s "$events" ] && [ $n -lt 600 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	sleep 1
	kill -$signal $pid
	wait $pid
	status=$?
	[ $signal = INT ] && [ $status -ne 4 ] &&
		{ echo "not ok: status $status after INT"; failed=1; }
	[ $signal = INT ] && ! grep -q interrupted "$out/log" &&
		{ echo "not ok: INT: no word about it"; failed=1; }
	n=0
	while [ "$(left)" != "$before" ] && [ $n -lt 50 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	if [ "$(left)" = "$before" ]; then
		echo "ok: nothing left after $signal"
	else
		echo "not ok: left after $signal: $(left)"
		failed=1
	fi
done
exit $failed
