#!/bin/sh
# SPDX-License-Identifier: MIT
# SIGKILL and SIGINT in the middle of a run leave no process, mount or segment.
# usage: kill.sh DEADMX
deadmx=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

# Processes of session $1 or in PID namespace $2 that live; a zombie is dead,
# who reaps it is not ours to say. Other runs on the machine are not counted.
left() {
	ps -eo sid=,stat=,pidns= |
		awk -v sid="$1" -v ns="$2" \
		'($1 == sid || $3 == ns) && $2 !~ /^Z/ {n++} END {print n + 0}'
}
mounts() {
	grep -c deadmx /proc/self/mountinfo
}
before=$(mounts)
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
	# deadmx → its runner → the sandbox's init
	init=$(pgrep -P "$(pgrep -P $pid | head -n 1)" | head -n 1)
	ns=$(ps -o pidns= -p "$init" | tr -d ' ')
	[ -n "$ns" ] || { echo "not ok: no sandbox to kill"; failed=1; }
	kill -$signal $pid
	wait $pid
	status=$?
	[ $signal = INT ] && [ $status -ne 4 ] &&
		{ echo "not ok: status $status after INT"; failed=1; }
	[ $signal = INT ] && ! grep -q interrupted "$out/log" &&
		{ echo "not ok: INT: no word about it"; failed=1; }
	n=0
	while [ "$(left $pid "$ns")" != 0 ] && [ $n -lt 50 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	if [ "$(left $pid "$ns")" = 0 ] && [ "$(mounts)" = "$before" ]; then
		echo "ok: nothing left after $signal"
	else
		echo "not ok: left after $signal: $(left $pid "$ns")" \
			"processes, $(mounts) mounts"
		failed=1
	fi
done
exit $failed
