#!/bin/sh
# SPDX-License-Identifier: MIT
# Bad input and bad luck: one clear line, the right exit status.
# usage: bad_luck.sh DEADMX
deadmx=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
scenario=$root/scenarios/offline/refused_expires.yml
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

gives() { # NAME STATUS TEXT COMMAND...
	name=$1 status=$2 text=$3
	shift 3
	"$@" > "$out/log" 2>&1
	got=$?
	if [ $got -eq "$status" ] && grep -q -- "$text" "$out/log"; then
		echo "ok: $name"
	else
		echo "not ok: $name: expected status $status and '$text'," \
			"got $got and:"
		cat "$out/log"
		failed=1
	fi
}

target() { # NAME KEY-LINES: a target that is a shell script
	{
		echo "description: a target for a test"
		echo "binary: /bin/sh"
		printf '%s\n' "$2"
		echo "submit: {port: 25}"
		echo "documented: {expires_after: 5d, source: none}"
	} > "$out/$1.yml"
}

run() {
	"$deadmx" run --out "$out/runs" --target "$@"
}

gives "no command" 2 "Usage" "$deadmx"
gives "unknown command" 2 "no command 'fly'" "$deadmx" fly
gives "unknown option" 2 "run --help" "$deadmx" run --fly "$scenario"
gives "no scenario" 2 "expected a scenario" "$deadmx" run
gives "missing scenario" 2 "No such file" "$deadmx" run /no/such.yml
gives "unknown target" 2 "postfix" run no-such-mta "$scenario"
gives "bad -j" 2 "expected 1 to" "$deadmx" run -j 0 "$scenario"
printf 'description: x\nworl: {}\n' > "$out/broken.yml"
gives "broken scenario" 2 "broken.yml:2:1: .*worl" \
	"$deadmx" run "$out/broken.yml"
gives "no match" 2 "no scenario matches" \
	"$deadmx" run --filter nothing-like-it "$scenario"

: > "$out/file"
gives "a file for --out" 2 "--out $out/file: Not a directory" \
	"$deadmx" run --out "$out/file" "$root/scenarios/control"
[ "$(wc -l < "$out/log")" -eq 1 ] || {
	echo "not ok: it is said once"
	failed=1
}

target fails "start: echo I will not start; exit 3"
gives "MTA that does not start" 4 "I will not start" \
	run "$out/fails.yml" "$scenario"
target never 'start: "true"
ready: {port: 25, within: 30s}'
gives "MTA that never gets ready" 4 "did not become ready" \
	run "$out/never.yml" "$scenario"
target dies 'start: "true"
alive: echo it has gone; exit 1'
gives "MTA that dies" 4 "" run "$out/dies.yml" "$scenario"

cp "$scenario" "$out/settings.yml"
echo "settings: {no_such_setting: 1}" >> "$out/settings.yml"
gives "setting that the target lacks" 0 "unsupported" \
	run postfix "$out/settings.yml"

mkdir "$out/full"
if mount -t tmpfs -o size=200k tmpfs "$out/full" 2> /dev/null; then
	gives "full disk" 4 "" "$deadmx" run --target postfix \
		--out "$out/full/runs" "$scenario"
	umount "$out/full"
fi
exit $failed
