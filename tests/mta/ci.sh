#!/bin/sh
# SPDX-License-Identifier: MIT
# All shipped scenarios on the four MTAs that are fast enough for every change:
# what is wrong has to be known to their target files, and told in
# docs/findings.md (tests/known.py). The others: all.sh.
# usage: ci.sh DEADMX [OPTION of deadmx run...]
deadmx=$1
[ -n "$deadmx" ] || {
	echo "usage: ci.sh DEADMX [OPTION...]" >&2
	exit 2
}
deadmx=$(cd "$(dirname "$deadmx")" && pwd)/${deadmx##*/}
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

cd "$root" || exit 1
"$deadmx" run -j "${JOBS:-$(nproc)}" --target postfix --target exim \
	--target sendmail --target opensmtpd --out "$out/runs" \
	--json "$out/all.json" "$@" scenarios
status=$?
echo
python3 - "$out/all.json" <<- 'EOF' || status=1
	import json, sys
	results = json.load(open(sys.argv[1]))["results"]
	bad = 0
	for target in ("postfix", "exim", "sendmail", "opensmtpd"):
	    cells = [r for r in results if r["target"] == target]
	    red = [r["scenario"] for r in cells
	           if r["verdict"] in ("fail", "error")]
	    passed = sum(r["verdict"] == "pass" for r in cells)
	    seconds = sum(r["host_seconds"] for r in cells)
	    ok = passed and not red
	    bad += not ok
	    print(f"{'ok' if ok else 'not ok'}: {target}: {passed} of "
	          f"{len(cells)} passed, {len(red)} failed, {seconds:.0f} s")
	    for scenario in red:
	        print(f"    {scenario}")
	sys.exit(bad != 0)
EOF
exit "$status"
