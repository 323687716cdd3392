#!/bin/bash
# SPDX-License-Identifier: MIT
# What a five-day run costs, and that it repeats. Not part of the tests: it
# prints figures, and fails only where two runs differ.
# usage: tests/bench/run.sh [DEADMX]
root=$(cd "$(dirname "$0")/../.." && pwd)
deadmx=${1:-$root/build/deadmx}
scenario=$root/scenarios/offline/refused_expires.yml
out=$(mktemp -d) || exit 1
busy=
trap 'kill $busy 2>/dev/null; rm -rf "$out"' EXIT
failed=0

run() { # NAME: one run; prints its figures
	"$deadmx" run --target postfix --out "$out/$1" --json "$out/$1.json" \
		"$scenario" > "$out/$1.log" 2>&1 || cat "$out/$1.log"
	dir=$out/$1/offline/refused_expires/postfix
	grep '"stats"' "$dir/events.ndjson" | tail -n 1 |
		python3 -c "import json, sys
e = json.loads(sys.stdin.read())
print('$1: host %.1f s, %d jumps, %d stops, %.1f us a stop, %d forks' % (
    e['host_s'], e['jumps'], e['stops'], e['host_s'] * 1e6 / e['stops'],
    e['forks']))"
	# Attempt times to the second.
	grep '"type": *"connect"' "$dir/events.ndjson" |
		sed 's/.*"t": *\(-\{0,1\}[0-9]*\).*/\1/' > "$out/$1.times"
}

echo "== Postfix, refused, five days, default timers, ten times"
for i in 1 2 3 4 5; do
	run "quiet-$i"
done
for cpu in $(seq "$(nproc)"); do
	sh -c 'while :; do :; done' &
	busy="$busy $!"
done
for i in 1 2 3 4 5; do
	run "busy-$i"
done
kill $busy
busy=
for f in "$out"/*.times; do
	cmp -s "$out/quiet-1.times" "$f" ||
		{ echo "DIFFERENT attempt times: $(basename "$f")"; failed=1; }
done
echo "attempts: $(wc -l < "$out/quiet-1.times"), the same in all runs: $(
	[ $failed = 0 ] && echo yes || echo NO)"
echo "event log: $(stat -c %s \
	"$out/quiet-1/offline/refused_expires/postfix/events.ndjson") bytes"

echo "== memory of the tracer over 10,000 forks"
"$deadmx" clock --stats -- sh -c 'i=0; while [ $i -lt 10000 ]; do
	(sleep 1); i=$((i + 1)); done' 2> "$out/forks" &
pid=$!
while kill -0 $pid 2>/dev/null; do
	grep VmRSS "/proc/$pid/status" >> "$out/rss" 2>/dev/null
	sleep 1
done
echo "first: $(head -n 2 "$out/rss" | tail -n 1), last: $(tail -n 1 "$out/rss")"
grep forks "$out/forks"

echo "== resident memory of deadmx and its world in a five-day run"
"$deadmx" run --target postfix --out "$out/mem" "$scenario" > /dev/null 2>&1 &
pid=$!
peak=0
while kill -0 $pid 2>/dev/null; do
	sum=0
	for p in $pid $(pgrep -f 'deadmx run|deadmx _inner'); do
		kib=$(awk '/^RssAnon|^RssShmem/ {n += $2} END {print n + 0}' \
			"/proc/$p/status" 2>/dev/null)
		sum=$((sum + ${kib:-0}))
	done
	[ "$sum" -gt "$peak" ] && peak=$sum
	sleep 0.5
done
echo "peak: $((peak / 1024)) MiB (anonymous and shared)"
exit $failed
