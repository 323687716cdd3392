#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs against servers that deadmx doesn't run: the model MTA as a program of
# its own, for an ordinary user, and a real Postfix, over loopback in real time.
# usage: remote.sh PATH_OF_DEADMX
#
# In namespaces of its own: its ports are free there, and no mail gets out.
deadmx=$(realpath "${1:-build/deadmx}")
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ]; then
	echo "ok: skipped, needs root"
	exit 0
fi
if [ -z "${REMOTE_INSIDE:-}" ]; then
	work=$(mktemp -d) || exit 4
	# The package is fetched out here, where there is a network.
	"$deadmx" run --target postfix --out "$work/fetch" \
		"$here/../../scenarios/control/healthy.yml" > /dev/null
	REMOTE_INSIDE=$work unshare -m -n -p --fork --kill-child --mount-proc \
		sh "$0" "$deadmx"
	status=$?
	rm -rf "$work"
	exit $status
fi
work=$REMOTE_INSIDE
. "$here/lib/postfix.sh"
. "$here/lib/check.sh"
ip link set lo up

check() { # WHAT, about the last command; what it said, if it went wrong
	ok "$1" || tail -n 30 "$work/out" "$work/err"
}

# --- an ordinary user, who may not be able to read where this clone lies

mkdir "$work/user"
cp -r "$deadmx" "$here/../../harness/targets" "$work/user" || exit 4
chmod 755 "$work"
chown -R 54321:54321 "$work/user"
become() { # COMMAND...: in a shell of its own, so that its pid is known
	cd "$work/user" && exec env DEADMX_TARGETS="$work/user/targets" \
		setpriv --reuid 54321 --regid 54321 --clear-groups "$@"
}
user() { # COMMAND...
	(become "$@")
}
listens() { # ADDRESS:PORT
	ss -Hltn "src $1" | grep -q .
}
model() { # OPTION...: the server elsewhere; port 25 is not for this user
	rm -rf "$work/user/queue"
	user mkdir queue
	become ./deadmx _model run --queue queue --port 10025 \
		--hostname mta.remote.example --profile exchange --lifetime 6s \
		--dns 127.0.53.53 --dns-port 5300 --smtp-port 2525 \
		--ip ipv4 --retry 1s "$@" > /dev/null 2>&1 &
	model=$!
	within 30 listens 127.0.0.1:10025 || { echo "not ok: model"; exit 4; }
}
model_stop() {
	kill "$model"
	wait "$model"
}
run() { # EXIT OPTION...
	want=$1
	shift
	user ./deadmx run "$@" > "$work/out" 2> "$work/err"
	status=$?
	[ $status -eq "$want" ] || echo "exit status $status, expected $want"
	[ $status -eq "$want" ]
}

# Scenarios of a server whose timers have been shortened to seconds. How long
# a busy machine takes is not told by a test: `until` is far.
scenario() { # NAME TIMELINE EXPECT
	cat > "$work/user/$1.yml" <<- END
		description: Mail to a server elsewhere, $1.
		settings: {lifetime: 6s}
		world:
		  until: 5m
		  settle: 1s
		  servers:
		    mx.dest.example:
		      timeline:
		        - $2
		mail: {from: alice@sender.example, to: bob@dest.example}
		expect: {$3}
	END
}
ndr='ndr: {action: failed, status: 4.4.7, after: ">=5s", diagnostic: "/QUEUE.Expired/"}'
scenario dead 'rcpt: 451 4.3.0 Later' "attempts: at least 2, delivered: none, $ndr"
scenario refused 'connect: refuse' "delivered: none, $ndr"
scenario counted 'connect: refuse' "attempts: at least 2, $ndr"
scenario recovers '{until: 2s, rcpt: 451 4.3.0 Later}' \
	'ndr: none, delivered: {count: 1}'
at=smtp://127.0.0.1:10025

model
run 0 --target "$at" dead.yml
check "the NDR of a server elsewhere is judged, without root"
grep -q '^dead  *remote  *pass ' "$work/out"
check "it passes, by its name"
grep -q 'port 5300$' "$work/err" && grep -q 'mx.sender.example, MX of sender.example' "$work/err" &&
	grep -q '5 min at the latest$' "$work/err"
check "what is asked of the server is told"
user ./deadmx judge deadmx-out/dead/remote > "$work/out" 2> "$work/err" &&
	grep -q 'remote  *pass ' "$work/out"
check "its folder is judged again with the same verdict"
run 0 --target exchange --at "$at" dead.yml
check "exchange, with where it is"
run 0 --target "$at" refused.yml
check "a server that refuses connections"
run 0 --target "$at" counted.yml && grep -q unsupported "$work/out"
check "connections that nobody sees are not counted"
run 0 --target "$at" recovers.yml
check "a server that recovers"

# Ctrl-C, in the middle.
become ./deadmx run --target "$at" dead.yml > "$work/out" 2> "$work/err" &
running=$!
within 30 listens 127.0.2.10:2525
kill -INT "$running"
wait "$running"
[ $? -eq 4 ] && grep -q interrupted "$work/out" && ! listens 127.0.2.10:2525
check "Ctrl-C ends it, with nothing left"
model_stop

model --mutant status-wrong
run 1 --target "$at" dead.yml && grep -q 'must expect/ndr/status' "$work/out"
check "a wrong NDR fails"
model_stop
model --mutant no-ndr
run 1 --target "$at" --within 9s dead.yml &&
	grep -q 'must rfc5321/6.1/ndr-missing' "$work/out"
check "an NDR that doesn't come fails when --within is over"
model_stop

run 3 --target "$at" dead.yml &&
	grep -q "the server can't be reached: $at: connection refused" "$work/err"
check "a server that isn't there"
run 2 --target exchange dead.yml && grep -q 'hint: --at smtp://HOST:PORT' "$work/err"
check "exchange, without where it is"
run 2 --target smtp://127.0.0.1:x dead.yml
check "an address that is none"
run 2 --within 5m dead.yml
check "options for a server elsewhere, without one"
run 2 --target "$at" -j 2 dead.yml
check "one world at a time"

# --- a real Postfix, its timers shortened; its resolver is the world's DNS

postfix_root "$work" "$deadmx" || exit 4
echo "nameserver 127.0.53.53" > "$work/root/etc/resolv.conf"
cat > "$work/main.cf" <<- 'END'
	myhostname = mta.sender-side.example
	mydestination =
	mynetworks = 127.0.0.0/8
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	local_recipient_maps =
	queue_run_delay = 1s
	minimal_backoff_time = 1s
	maximal_backoff_time = 2s
	maximal_queue_lifetime = 6s
	bounce_queue_lifetime = 1d
	smtp_tls_security_level = none
END
: > "$work/master.cf"
postfix_start "$work" || { cat "$work/root/var/log/postfix.log"; exit 4; }
sed "s/status: 4.4.7/status: 4.3.0/; s/, diagnostic: [^}]*//" \
	"$work/user/dead.yml" > "$work/postfix.yml"
within 60 listens 127.0.0.1:25
"$deadmx" run --target smtp://127.0.0.1 --out "$work/runs" "$work/postfix.yml" \
	> "$work/out" 2> "$work/err"
check "the NDR of a real Postfix"
grep -q ' port 25 ' "$work/err"
check "ports 25 and 53, where they can be had"
postfix_stop "$work"

[ $failed -eq 0 ] && echo "ok: remote"
exit $failed
