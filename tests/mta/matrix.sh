#!/bin/sh
# SPDX-License-Identifier: MIT
# All shipped scenarios on some MTAs, and a line for each MTA: how many cells
# passed, which are red. What is wrong has to be known to the target files, and
# told in docs/findings.md (tests/known.py): a red cell fails. Sourced by ci.sh
# and all.sh, which say on what it runs.
deadmx=${1:-}
[ -n "$deadmx" ] || {
	echo "usage: ${0##*/} DEADMX [OPTION of deadmx run...]" >&2
	exit 2
}
deadmx=$(cd "$(dirname "$deadmx")" && pwd)/${deadmx##*/}
shift
cd "$(dirname "$0")/../.." || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

matrix() { # OPTION of deadmx run...
	"$deadmx" run -j "${JOBS:-$(nproc)}" --out "$out/runs" \
		--json "$out/all.json" "$@" scenarios
	status=$?
	echo
	python3 - "$out/all.json" <<- 'EOS' || status=1
		import json, sys
		results = json.load(open(sys.argv[1]))["results"]
		bad = 0
		for target in sorted({r["target"] for r in results}):
		    cells = [r for r in results if r["target"] == target]
		    red = [r["scenario"] for r in cells
		           if r["verdict"] in ("fail", "error")]
		    passed = sum(r["verdict"] == "pass" for r in cells)
		    known = sum(r["verdict"] == "known" for r in cells)
		    seconds = sum(r["host_seconds"] for r in cells)
		    ok = passed + known and not red
		    bad += not ok
		    print(f"{'ok' if ok else 'not ok'}: {target}: {passed} of "
		          f"{len(cells)} passed, {known} known, {len(red)} "
		          f"failed, {seconds:.0f} s")
		    for scenario in red:
		        print(f"    {scenario}")
		sys.exit(bad != 0)
	EOS
	exit "$status"
}
