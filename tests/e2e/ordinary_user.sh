#!/bin/sh
# SPDX-License-Identifier: MIT
# The sandbox of an ordinary user: a user namespace with subordinate ids.
# usage: ordinary_user.sh PATH_OF_DEADMX
#
# The user exists in a mount namespace of this test alone: the machine's
# /etc/passwd, /etc/subuid and kin are covered there, not changed.
cd "$(dirname "$0")/../.." || exit 4
deadmx=${1:-build/deadmx}
unit=$(dirname "$deadmx")/tests

if [ "$(id -u)" -ne 0 ] || ! command -v newuidmap > /dev/null; then
	echo "ok: skipped, needs root and newuidmap"
	exit 0
fi
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
# The user may not be able to read where this clone lies.
cp -r "$deadmx" "$unit/test_sandbox" "$unit/test_sandbox_kill" \
	harness/targets scenarios "$work" || exit 4
mkdir -p "$work/home/.cache/deadmx" "$work/etc"
cp -r "${XDG_CACHE_HOME:-$HOME/.cache}/deadmx/packages" \
	"$work/home/.cache/deadmx/" 2> /dev/null
chown -R 54321:54321 "$work/home"

cp /etc/passwd /etc/group "$work/etc"
echo "deadmx-test:x:54321:54321::$work/home:/bin/sh" >> "$work/etc/passwd"
echo "deadmx-test:x:54321:" >> "$work/etc/group"
echo "deadmx-test:200000:65536" > "$work/etc/subuid"
cp "$work/etc/subuid" "$work/etc/subgid"
: > "$work/etc/none"

as_user() { # IDS COMMAND...: IDS is the file of subordinate ids, or none
	ids=$1
	shift
	env -u XDG_CACHE_HOME HOME="$work/home" DEADMX_TARGETS="$work/targets" \
		unshare -m sh -c '
		for f in passwd group; do mount --bind "$0/etc/$f" /etc/$f; done
		mount --bind "$0/etc/$1" /etc/subuid &&
		mount --bind "$0/etc/$1" /etc/subgid || exit 4
		shift
		cd "$0/home" || exit 4
		exec setpriv --reuid=54321 --regid=54321 --clear-groups "$@"
		' "$work" "$ids" "$@"
}

failed=0
expect() { # STATUS NAME COMMAND...
	expected=$1 name=$2
	shift 2
	"$@" > "$work/log" 2>&1
	status=$?
	if [ "$status" -eq "$expected" ]; then
		echo "ok: $name"
	else
		cat "$work/log"
		echo "not ok: $name (exit $status, expected $expected)"
		failed=1
	fi
}

expect 0 "an ordinary user's sandbox holds" \
	as_user subuid "$work/test_sandbox"
if grep -q SKIPPED "$work/log"; then
	echo "ok: skipped the rest, no user namespaces here"
	exit "$failed"
fi
expect 0 "nothing is left of it after SIGKILL" \
	as_user subuid "$work/test_sandbox_kill"
expect 0 "Postfix runs in it" \
	as_user subuid "$work/deadmx" run --target postfix --out out \
	"$work/scenarios/control/healthy.yml"
expect 0 "Postfix finds the root of the certificates there" \
	as_user subuid "$work/deadmx" run --target postfix --out out3 \
	"$work/scenarios/tls/verified_delivers.yml"
expect 3 "without subordinate ids: exit status 3" \
	as_user none "$work/deadmx" run --target postfix --out out2 \
	"$work/scenarios/control/healthy.yml"
if ! grep -q "usermod --add-subuids" "$work/log"; then
	cat "$work/log"
	echo "not ok: the cure is named"
	failed=1
fi
exit "$failed"
