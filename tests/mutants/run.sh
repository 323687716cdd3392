#!/bin/sh
# SPDX-License-Identifier: MIT
# The judge is put to the test: the model MTA is wrong in one way in each
# scenario here, and the judge must find just that; the healthy model plays the
# same scenarios, and nothing may be found.
#
# "# finds: ID" names the finding that catches the mutant, "# with: ID..." those
# that follow from the same fault. Notes count only where one is named.
# usage: run.sh DEADMX
deadmx=$1
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
caught=0 mutants=0 alarms=0 healthy=0 failed=0

fail() { # TEXT...
	echo "not ok: $*"
	failed=1
}

# The ids of a verdict, once each: "severity id".
findings() { # VERDICT.json
	sed -n -e 's/^ *"id": "\(.*\)",$/\1/p' \
		-e 's/^ *"severity": "\(.*\)",$/\1/p' "$1" |
		paste -d ' ' - - | sort -u
}

# What the verdict must hold, in the same form as wrong() prints.
named() { # SCENARIO
	sed -n 's/^# \(finds\|with\): //p' "$1" | tr ' ' '\n' | sort -u
}

# Found beyond notes, and notes that are named.
wrong() { # SCENARIO VERDICT.json
	findings "$2" | while read -r id severity; do
		if [ "$severity" != note ] || named "$1" | grep -qx "$id"; then
			echo "$id"
		fi
	done | sort -u
}

mkdir "$out/healthy"
for scenario in "$here"/*.yml; do
	sed '/^settings:/s/mutant: [a-z0-9-]*/mutant: none/' "$scenario" \
		> "$out/healthy/$(basename "$scenario")"
done
"$deadmx" run --target model --out "$out/runs" -j 2 "$here" "$out/healthy" \
	> "$out/log" 2>&1
case $? in
0 | 1 | 4) ;; # 4: what a mutant does may end the run as an error
*)
	cat "$out/log"
	fail "deadmx run"
	exit 1
	;;
esac

for mutant in $("$deadmx" _model mutants | cut -d ' ' -f 1); do
	grep -ql "^settings:.*mutant: $mutant\>" "$here"/*.yml ||
		fail "no scenario for mutant $mutant"
done
for scenario in "$here"/[!_]*.yml; do
	name=$(basename "$scenario" .yml)
	want=$(named "$scenario" | tr '\n' ' ')
	got=$(wrong "$scenario" "$out/runs/mutants/$name/model/verdict.json" |
		tr '\n' ' ')
	mutants=$((mutants + 1))
	if [ -n "$want" ] && [ "$got" = "$want" ]; then
		caught=$((caught + 1))
	else
		fail "$name: expected ${want:-a line \"# finds: ID\"}, got" \
			"${got:-nothing}"
	fi
	got=$(wrong "$scenario" "$out/runs/healthy/$name/model/verdict.json" |
		tr '\n' ' ')
	healthy=$((healthy + 1))
	if [ -n "$got" ]; then
		alarms=$((alarms + 1))
		fail "$name: the healthy model has $got"
	fi
done
[ $failed -eq 0 ] || tail -n 200 "$out/log"
echo "caught $caught of $mutants, false alarms $alarms of $healthy"
[ $failed -eq 0 ] && echo "ok: mutants"
exit $failed
