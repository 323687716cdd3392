#!/bin/sh
# SPDX-License-Identifier: MIT
# A scenario of several files and many cases against a real Postfix: each run
# folder holds all that it takes to be judged again, and to be run alone.
# usage: language.sh DEADMX
deadmx=$1
top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT
failed=0

not_ok() {
	echo "not ok: $*"
	failed=1
}

mkdir -p "$top/scenarios/fam"
cd "$top" || exit 1
cat > scenarios/_base.yml << 'END'
settings: {lifetime: 1h}
world:
  until: 6h
  servers:
    mx.dest.example:
mail:
  from: alice@sender.example
  to: bob@dest.example
expect:
  delivered: none
  ndr: {action: failed}
END
cat > scenarios/fam/_acme.yml << 'END'
busy: 450 4.2.1 Busy
END
cat > scenarios/fam/t.yml << 'END'
include: ../_base.yml
replies: _acme.yml
matrix:
  at: [mail, rcpt]
  # Five attempts in an hour are right for one case only.
  reply: {busy: acme/busy, gone: "550 5.1.1 Gone: for good"}
description: The server answers "${reply}" at ${at}.
world:
  servers:
    mx.dest.example:
      timeline:
        - ${at}: ${reply}
expect:
  attempts: at least 2
END
"$deadmx" run --target postfix --out out --json all.json scenarios \
	> run.log 2>&1
status=$?
[ $status -eq 1 ] || { not_ok "run ended with status $status"; cat run.log; }

# The files are gone: what is judged is what the folders hold.
rm -r scenarios
python3 - "$deadmx" << 'END' || failed=1
import json, subprocess, sys

failed = 0
results = {r["scenario"]: r for r in json.load(open("all.json"))["results"]}
verdicts = {
    "fam/t/mail-busy": "pass",
    "fam/t/mail-gone": "fail",
    "fam/t/rcpt-busy": "pass",
    "fam/t/rcpt-gone": "fail",
}
if {n: r["verdict"] for n, r in results.items()} != verdicts:
    print("not ok: verdicts:", {n: r["verdict"] for n, r in results.items()})
    failed = 1
for name in verdicts:
    again = subprocess.run(
        [sys.argv[1], "judge", "--json", "out/%s/postfix" % name],
        stdout=subprocess.PIPE,
    )
    again = json.loads(again.stdout)["results"][0]
    if json.dumps(again) != json.dumps(results[name]):
        print("not ok: %s judged again differs" % name)
        failed = 1
for name in ("fam/t/mail-gone", "fam/t/rcpt-gone"):
    wheres = [f["where"] for f in results[name]["findings"]]
    if "scenarios/fam/t.yml:14" not in wheres:
        print("not ok: %s: places are %s" % (name, wheres))
        failed = 1
print("ok: %d cases judged again" % len(verdicts))
sys.exit(failed)
END

"$deadmx" run --target postfix --out alone \
	out/fam/t/rcpt-busy/postfix/scenario.yml > alone.log 2>&1 &&
	echo "ok: a stored case runs alone" ||
	{ not_ok "a stored case does not run alone"; cat alone.log; }
exit $failed
