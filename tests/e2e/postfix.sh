#!/bin/sh
# SPDX-License-Identifier: MIT
# The four families on real Postfix with its default timers: the stored run
# judged again must give the same verdict. All scenarios: tests/mta/ci.sh.
# usage: postfix.sh DEADMX
deadmx=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

families="offline/refused_expires tempfail/rcpt_451_expires
	timeout/banner_stalls proxy/socketerror_expires"
set --
for family in $families; do
	set -- "$@" "$root/scenarios/$family.yml"
done
"$deadmx" run --target postfix -j "$(nproc)" --out "$out/runs" \
	--json "$out/all.json" --junit "$out/all.xml" "$@"
status=$?
if [ $status -ne 0 ]; then
	echo "not ok: deadmx run ended with status $status"
	failed=1
fi
for family in $families; do
	dir=$out/runs/$family/postfix
	verdict=$(grep -m1 '"verdict"' "$dir/verdict.json")
	case $verdict in
	*pass*) echo "ok: $family" ;;
	*) echo "not ok: $family: $verdict"; failed=1 ;;
	esac
	"$deadmx" judge --json "$dir" > "$out/again.json"
	python3 - "$out/again.json" "$dir/verdict.json" <<- 'EOF' ||
		import json, sys
		again, stored = (json.load(open(f)) for f in sys.argv[1:])
		sys.exit(again["results"] != [stored])
	EOF
		{ echo "not ok: $family judged again differs"; failed=1; }
	python3 - "$dir/events.ndjson" <<- 'EOF' ||
		import json, sys
		times = None
		for line in open(sys.argv[1]):
		    e = json.loads(line)
		    if e["type"] == "phase" and e["name"] == "inject":
		        times = []
		    if times is not None and e["type"] not in ("stats", "jump"):
		        times.append(e["t"])
		sys.exit(not times or times != sorted(times))
	EOF
		{ echo "not ok: $family: time runs backwards"; failed=1; }
done
size=$(stat -c %s "$out/runs/offline/refused_expires/postfix/events.ndjson")
[ "$size" -lt 20971520 ] ||
	{ echo "not ok: event log of five days is $size bytes"; failed=1; }
exit $failed
