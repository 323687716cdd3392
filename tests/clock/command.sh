#!/bin/sh
# SPDX-License-Identifier: MIT
# deadmx clock as people use it: dates, exit statuses, errors.
deadmx=$1 timed=$2
failed=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export TZ=UTC LC_ALL=C

is() { # NAME EXPECTED OBSERVED
	[ "$2" = "$3" ] && return
	printf '%s: expected %s, got %s\n' "$1" "$2" "$3"
	failed=1
}

for start in 1999-12-31T12:00:00 2030-01-01T00:00:00 2038-01-18T12:00:00; do
	next=$(date -u -d "$start UTC + 1 day" +%FT%T)
	is "$start" "$start $next" "$("$deadmx" clock --start ${start}Z -- \
		sh -c 'date +%FT%T; sleep 86400; date +%FT%T' | xargs)"
done
"$deadmx" clock -- sh -c 'exit 7'
is status 7 $?
"$deadmx" clock -- sh -c 'kill -9 $$'
is signal 137 $?
"$deadmx" clock -- /no/such/program 2> "$tmp/err"
is "no program" 127 $?
"$deadmx" clock --start yesterday -- true 2> "$tmp/err"
is "bad date" 2 $?
grep -q "expected a date like" "$tmp/err" || is "bad date" "a hint" none
"$deadmx" clock 2> /dev/null
is "no command" 2 $?
"$deadmx" clock --help | grep -q 'Usage' || is help usage none

# Two sleepers wake in the order of their deadlines, ties in that of asking.
is order "1 2 3" "$("$deadmx" clock -- sh -c \
	'(sleep 30; echo 3) & (sleep 10; echo 1) & (sleep 20; echo 2) & wait' |
	xargs)"
"$deadmx" clock -- "$timed" foreign 2> "$tmp/err"
status=$?
if [ $status -ne 139 ]; then # 139: a kernel without 32-bit calls
	is "32-bit call" 4 $status
	grep -q "32-bit system call" "$tmp/err" ||
		is "32-bit call" named "not named"
fi
# A set-uid program keeps its rights on the clock (it takes root to make one).
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$tmp"
	install -m 4755 "$timed" "$tmp/setuid"
	TIMED_SETUID=1 "$deadmx" clock -- setpriv --reuid 65534 --clear-groups \
		"$tmp/setuid" own_rights
	is setuid 0 $?
fi
# Killed, it takes its tree along.
"$deadmx" clock -- sh -c "echo \$\$ > $tmp/pid; cat $tmp/fifo_$$ 2>/dev/null;
	while :; do sleep 100000; done" &
clock=$!
while [ ! -s "$tmp/pid" ]; do :; done
kill -9 $clock
wait $clock 2>/dev/null
child=$(cat "$tmp/pid")
# A zombie that its new parent has not yet reaped is dead, too.
lives() {
	kill -0 "$child" 2>/dev/null &&
		! grep -q '^State:.Z' "/proc/$child/status" 2>/dev/null
}
n=0
while lives && [ $n -lt 20000 ]; do n=$((n + 1)); done
lives && is "after SIGKILL" "no process" "$child"
exit $failed
