#!/bin/sh
# SPDX-License-Identifier: MIT
# deadmx ndr on every bounce of tests/ndr, on those of our own runs, and on
# what is none; and the scenarios that it makes of them.
# usage: ndr.sh PATH_OF_DEADMX [--write]   (--write: renew the golden files)
deadmx=$(realpath "${1:-build/deadmx}")
cd "$(dirname "$0")/../ndr" || exit 4
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT
failed=0

ok() { # NAME STATUS
	if [ "$2" -eq 0 ]; then
		echo "ok: $1"
	else
		echo "not ok: $1"
		failed=1
	fi
}

same() { # NAME GOLDEN GOT
	[ "$write" = --write ] && cp "$3" "$2"
	diff -u "$2" "$3"
	ok "$1" $?
}
write=${2:-}

# --- every file, word by word
for file in *.eml made/*.eml runs/*.eml; do
	echo "## $file"
	"$deadmx" ndr "$file"
	echo "exit status $?"
done > "$work/stories.txt" 2>&1
same "what each bounce tells" stories.txt "$work/stories.txt"
grep -q "$(printf '[\001-\010\013-\037]')" "$work/stories.txt"
ok "no control characters reach the terminal" $((!$?))

# --- the same from standard input, and as JSON
"$deadmx" ndr made/exchange-hash.eml > "$work/a"
"$deadmx" ndr - < made/exchange-hash.eml > "$work/b" &&
	cmp "$work/a" "$work/b" && "$deadmx" ndr < made/exchange-hash.eml |
	cmp - "$work/a"
ok "standard input" $?
for file in *.eml made/*.eml runs/*.eml; do
	"$deadmx" ndr --json "$file" | python3 -c '
import json, sys
ndr = json.load(sys.stdin)["ndr"]
assert ndr["recipients"] and all("why" in f for f in ndr["findings"])' ||
		echo "$file"
done > "$work/json" 2>&1
[ ! -s "$work/json" ]
ok "JSON of all" $?

# --- what is no bounce, no file, no option
printf 'From: carol@else.example\nSubject: hi\n\nThe train is late.\n' |
	"$deadmx" ndr > "$work/out" 2> "$work/err"
[ $? -eq 2 ] && [ ! -s "$work/out" ] && grep -q 'this is no bounce' "$work/err"
ok "a letter is no bounce" $?
"$deadmx" ndr "$work/none.eml" 2> /dev/null
[ $? -eq 4 ]
ok "a missing file" $?
"$deadmx" ndr --json --scenario made/exchange-hash.eml 2> /dev/null
[ $? -eq 2 ]
ok "two forms at once" $?
"$deadmx" ndr made/exchange-hash.eml > /dev/full 2> /dev/null
[ $? -eq 4 ]
ok "a full disk" $?

# --- scenarios: all are valid, and some of each kind run
mkdir "$work/repro"
for file in $(ls *.eml made/*.eml runs/*.eml | grep -v relayed); do
	name=$(basename "$file" .eml)
	"$deadmx" ndr --scenario "$file" > "$work/repro/$name.yml" || echo "$file"
done > "$work/bad" 2>&1
[ ! -s "$work/bad" ]
ok "a scenario of each" $?
"$deadmx" ndr --scenario runs/postfix-relayed.eml > "$work/out" 2> "$work/err"
[ $? -eq 2 ] && [ ! -s "$work/out" ] && grep -q 'no failure' "$work/err"
ok "success has nothing to replay" $?
"$deadmx" check "$work/repro" > "$work/check" 2>&1 || cat "$work/check"
grep -q 'no mistakes' "$work/check"
ok "all of them are valid" $?
"$deadmx" run --target model -j 2 --out "$work/played" "$work/repro" \
	> "$work/run" 2>&1
status=$?
if [ $status -eq 3 ]; then
	echo "ok: skipped, no sandbox here"
	exit $failed
fi
[ $status -eq 0 ] || cat "$work/run"
ok "all of them replayed" $status

# --- and what the replay bounces tells of the same failure
python3 - "$deadmx" "$work/played/repro" > "$work/differ" 2>&1 << 'END'
import glob, json, os, subprocess, sys

deadmx, played = sys.argv[1:]


def tell(path):
    run = subprocess.run([deadmx, "ndr", "--json", path], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=False)
    rows = json.loads(run.stdout)["ndr"]["recipients"] if run.stdout else []
    return ([r for r in rows if r["kind"] == "failed"] + rows + [None])[0]


for path in sorted(glob.glob("*.eml") + glob.glob("*/*.eml")):
    name = os.path.basename(path)[:-len(".eml")]
    told = tell(path)
    if told["kind"] == "other":
        continue
    want = (told["recipient"], told["kind"], told["cause"])
    # An expired one that says "delayed" is replayed as what it is; where the
    # cause is not known it is guessed; without TLS it is a refusal.
    if told["kind"] == "delayed" and told["expired"]:
        want = (want[0], "failed", want[2])
    got = []
    for message in glob.glob(f"{played}/{name}/model/msg-*.eml"):
        row = tell(message)
        if row:
            got.append((row["recipient"], row["kind"], row["cause"]))
    if "?" in ascii(want[0]) or "\x1b" in want[0]:
        continue  # no address that a mail could go to
    if not want[0].isascii():
        continue  # the model has no sendmail command for SMTPUTF8
    if want[2] == "unknown":
        got = [(g[0], g[1], "unknown") for g in got]
    if want not in got:
        print(name, "expected", want, "got", got)
END
[ ! -s "$work/differ" ] || cat "$work/differ"
[ ! -s "$work/differ" ]
ok "each replay fails as the bounce told" $?

# --- what our own runs bounce; ids are not printed, times of day are masked
own() { # NAME TARGET SCENARIO
	"$deadmx" run --target "$2" --out "$work/own" "$3" > "$work/run" 2>&1 ||
		return 1
	for file in $(find "$work/own" -name 'msg-*.eml' | sort -V); do
		if "$deadmx" ndr "$file" > "$work/one" 2> /dev/null ||
			[ $? -eq 1 ]; then
			echo "## $1"
			sed 's/[0-9][0-9]:[0-9][0-9]:[0-9][0-9]/HH:MM:SS/g' \
				"$work/one"
		fi
	done
	rm -rf "$work/own"
}
world=../../scenarios/offline/refused_delay_notice.yml
for profile in rfc exchange; do
	sed "s/^settings: .*/settings: {delay_warning: 4h, profile: $profile}/" \
		"$world" > "$work/own-$profile.yml"
done
sed -i 's/^settings: {/&lifetime: 2d, /' "$work/own-exchange.yml"
{
	own "model, profile rfc" model "$work/own-rfc.yml" &&
		own "model, profile exchange" model "$work/own-exchange.yml"
} > "$work/runs.txt"
ok "the model's own bounces" $?
same "what they tell" runs.txt "$work/runs.txt"
if own postfix postfix "$world" > "$work/postfix.txt"; then
	same "what Postfix's tell" runs-postfix.txt "$work/postfix.txt"
else
	cat "$work/run"
	echo "ok: skipped, no Postfix to be had"
fi
exit $failed
