#!/bin/sh
# SPDX-License-Identifier: MIT
# Any start date: Postfix's five days before 2000, and across the end of 32-bit
# time on 2038-01-19, with the schedule of 2030.
# usage: dates.sh DEADMX
deadmx=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

for start in 2030-01-01 1999-12-29 2038-01-16; do
	sed "/^ *start:/d; /^world:/a\\  start: ${start}T00:00:00Z" \
		"$root/scenarios/offline/refused_expires.yml" \
		> "$out/from_$start.yml"
done
"$deadmx" run --target postfix -j2 --out "$out/runs" "$out"/from_*.yml
[ $? -eq 0 ] || { echo "not ok: status"; failed=1; }
for start in 2030-01-01 1999-12-29 2038-01-16; do
	dir=$(echo "$out"/runs/*/from_$start/postfix)
	grep '"type": *"connect"' "$dir/events.ndjson" |
		sed 's/.*"t": *\(-\{0,1\}[0-9]*\).*/\1/' > "$out/times.$start"
	if [ -s "$out/times.$start" ] &&
		cmp "$out/times.2030-01-01" "$out/times.$start"; then
		echo "ok: from $start"
	else
		echo "not ok: from $start: other attempt times"
		failed=1
	fi
	grep -q "^Arrival-Date: .* $(echo $start | cut -d- -f1)" \
		"$dir"/msg-*.eml ||
		{ echo "not ok: $start: the NDR says another year"; failed=1; }
done
exit $failed
