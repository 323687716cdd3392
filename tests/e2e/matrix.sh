#!/bin/sh
# SPDX-License-Identifier: MIT
# Several MTAs in one run: the table, all reports, what can't be had, and the
# line for who waits.
# usage: matrix.sh DEADMX
deadmx=$(cd "$(dirname "$1")" && pwd)/${1##*/}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$root/tests/e2e/lib/check.sh"

# A faulty one, one with a known fault, one that lacks what is asked for.
model=$root/harness/targets/model.yml
sed 's/^  mutant: none/  mutant: no-ndr/' "$model" > mute.yml
cat mute.yml - > quiet.yml <<- 'END'

	known:
	  - finding: [expect/ndr, rfc5321/6.1/ndr-missing, law/lost]
	    reason: it is a mutant
	    source: this test
END
sed 's/^features: .*/features: []/' "$model" > plain.yml
set -- "$root/scenarios/control/healthy.yml" \
	"$root/scenarios/offline/refused_expires.yml" \
	"$root/scenarios/extensions/no_dsn.yml"

status 1 "$deadmx" run -j 2 --target model --target mute.yml \
	--target quiet.yml --target plain.yml --out runs --json all.json \
	--junit all.xml --tap all.tap "$@" &&
	grep -q '^scenario  *model  *mute  *quiet  *plain$' out &&
	grep -q '^control/healthy  *PASS  *PASS  *PASS  *PASS$' out &&
	grep -q '^offline/refused_expires  *PASS  *FAIL  *known  *PASS$' out &&
	grep -q '^extensions/no_dsn  *PASS  .* n/a$' out
ok "scenario by MTA"
sed -n '/^mute$/,/^$/p' out | grep -q 'FAIL *offline/refused_expires: must ' &&
	sed -n '/^quiet$/,/^$/p' out |
	grep -q 'known *offline/refused_expires: .*, it is a mutant' &&
	sed -n '/^plain$/,/^$/p' out |
	grep -q 'n/a *extensions/no_dsn: .*no_dsn.yml:[0-9]*: .* no dsn'
ok "under it the first finding of each"
grep -q '^passed  *3  *2  *2  *2$' out &&
	grep -q '^failed  *0  *1  *0  *0$' out &&
	grep -q '^known  *0  *0  *1  *0$' out
ok "the totals of each"
[ ! -s err ]
ok "no line of progress where there is no terminal"
python3 - "$@" <<- 'END'
	import json, sys
	results = json.load(open("all.json"))["results"]
	pairs = [(r["target"], r["scenario"]) for r in results]
	names = ["control/healthy", "offline/refused_expires",
	         "extensions/no_dsn"]
	targets = ["model", "mute", "quiet", "plain"]
	assert pairs == [(t, s) for t in targets for s in names], pairs
	stored = json.load(open("runs/offline/refused_expires/model/verdict.json"))
	assert results[1] == stored and len(stored["attempts"]) > 20
	assert results[11]["verdict"] == "unsupported"
END
ok "JSON has all, in the order asked for, with all attempts"
[ "$(grep -c '<testsuite ' all.xml)" -eq 4 ] &&
	[ "$(grep -c '<testcase ' all.xml)" -eq 12 ] &&
	grep -q '^1\.\.12$' all.tap
ok "JUnit and TAP have all"

# Two at a time: what comes last began when another had ended.
rm -rf runs
status 0 "$deadmx" run -j 2 --target model --out runs "$1" "$3" "$2" &&
	[ "$(ls -t runs/*/*/model/scenario.yml | head -n 1)" != \
		runs/offline/refused_expires/model/scenario.yml ]
ok "the longest run does not come last"

# --- all

mkdir targets
sed '1a binary: /usr/sbin/no-such-mta' "$model" > targets/gone.yml
cp "$model" targets/mine.yml
DEADMX_TARGETS=$work/targets
export DEADMX_TARGETS
status 3 "$deadmx" run -j 2 --target all --out runs --json all.json \
	--junit all.xml "$root/scenarios/control/healthy.yml"
ok "what can't be had is told by the exit status"
grep -q '^    not here: gone is not there (/usr/sbin/no-such-mta)' out &&
	grep -q '^gone is not there' err
ok "and by its name, with the reason"
python3 - "$deadmx" <<- 'END'
	import json, subprocess, sys
	listed = [line.split()[0] for line in subprocess.run(
	    [sys.argv[1], "targets"], capture_output=True, text=True,
	    check=True).stdout.splitlines()
	    if line.split()[1] != "elsewhere"]
	results = json.load(open("all.json"))["results"]
	assert [r["target"] for r in results] == listed, results
	verdicts = {r["target"]: r["verdict"] for r in results}
	assert verdicts["gone"] == "error" and verdicts["mine"] == "pass"
	ids = [f["id"] for r in results if r["target"] == "gone"
	       for f in r["findings"]]
	assert ids == ["run/target-missing"], ids
END
ok "all that deadmx targets lists are in it, and the others ran"
status 2 "$deadmx" run --target all --target-root targets "$@" &&
	grep -q 'expected the --target of one MTA' err
ok "a tree is for one MTA"
status 2 "$deadmx" run --target all --target model "$@" &&
	status 3 "$deadmx" run --target gone --target model "$@" &&
	grep -q '^gone is not there' err && [ ! -s out ]
ok "one that was named ends the run when it can't be had"

# --- progress

cat > terminal.py <<- 'END'
	import os, pty, sys
	# 60 columns; standard error alone is the terminal.
	import fcntl, struct, termios
	main, side = pty.openpty()
	fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
	if os.fork() == 0:
	    os.dup2(side, 2)
	    os.close(main)
	    os.dup2(os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
	    os.execv(sys.argv[1], sys.argv[1:])
	os.close(side)
	seen = b""
	try:
	    while chunk := os.read(main, 65536):
	        seen += chunk
	except OSError:
	    pass
	open("seen", "wb").write(seen)
END
python3 terminal.py "$deadmx" run -j 2 --target model --target mute.yml --out runs "$@"
python3 - <<- 'END'
	import re
	text = open("seen", "rb").read().decode()
	parts = [p for p in re.split("\r(?:\x1b\\[K)?", text) if p.strip()]
	numbers = sorted(int(p.split()[0]) for p in parts)
	assert numbers == list(range(1, 7)), parts
	assert all(" of 6: " in p for p in parts), parts
	stay = [p for p in parts if "refused_expires on mute: fail" in p]
	assert len(stay) == 1, parts
	assert all(len(p) < 60 for p in parts if p not in stay), parts
	assert text.endswith("\r\x1b[K"), text
END
ok "a terminal shows how far it is"
exit $failed
