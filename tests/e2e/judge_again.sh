#!/bin/sh
# SPDX-License-Identifier: MIT
# `deadmx judge DIR` gives the verdict of a stored run again, byte for byte;
# --strict and a scenario's own weights count in both.
# usage: judge_again.sh DEADMX
deadmx=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

is() { # NAME STATUS-GOT STATUS-WANTED
	if [ "$2" -eq "$3" ]; then
		echo "ok: $1"
	else
		echo "not ok: $1: expected status $3, got $2"
		cat "$out/log"
		failed=1
	fi
}

# SCENARIO, of the root or whole
for scenario in scenarios/offline/refused_expires.yml \
	scenarios/tempfail/rcpt_one_of_two.yml scenarios/dns/servfail_6h.yml \
	scenarios/restart/down_for_days.yml tests/mutants/status-class.yml; do
	cd "$root" || exit 1
	"$deadmx" run --target model --out "$out/runs" --json "$out/run.json" \
		"$scenario" > "$out/log" 2>&1
	# From elsewhere: nothing but the folder is needed.
	cd / || exit 1
	dir=$(echo "$out"/runs/*/"$(basename "$scenario" .yml)"/model)
	"$deadmx" judge --json "$dir" > "$out/judge.json" 2>> "$out/log"
	cmp "$out/run.json" "$out/judge.json" >> "$out/log" 2>&1
	is "$scenario is judged again" $? 0
done

cd "$root" || exit 1
run() {
	"$deadmx" run --target model --out "$out/runs" "$@" > "$out/log" 2>&1
}
class=tests/mutants/status-class.yml
run $class
is "a should passes" $? 0
run --strict $class
is "but not with --strict" $? 1
"$deadmx" judge --strict "$out/runs/mutants/status-class/model" \
	> "$out/log" 2>&1
is "nor when it is judged again" $? 1

mkdir "$out/checks"
weight() { # SEVERITY
	sed 's/include: /include: ..\/mutants\//' "$root/$class"
	echo 'expect:'
	echo '  checks:'
	echo "    rfc3464/2.3.4/status-class: {severity: $1, reason: ours}"
}
mkdir "$out/mutants"
cp "$root"/tests/mutants/_*.yml "$out/mutants"
weight must > "$out/checks/must.yml"
weight off > "$out/checks/off.yml"
run "$out/checks/must.yml"
is "a should that the scenario raises" $? 1
run --strict "$out/checks/off.yml"
is "one that it turns off" $? 0
grep -q 'status-class is off here (1 finding): ours' "$out/log"
is "the reason is shown" $? 0
weight off | sed 's/status-class/no-such-check/' > "$out/checks/slip.yml"
run "$out/checks/slip.yml"
is "an id that is none" $? 2
exit $failed
