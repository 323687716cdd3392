#!/bin/sh
# SPDX-License-Identifier: MIT
# Frontends and SPF by hand: deadmx serve, and swaks as the sender. Backends are
# servers of the world, and Postfix's smtp-sink where there is one.
# usage: frontend.sh PATH_OF_DEADMX
#
# In a network namespace of its own: ports 25 and 53 exist nowhere else.
deadmx=$(realpath "${1:-build/deadmx}")
if [ "$(id -u)" -ne 0 ] || ! command -v swaks > /dev/null; then
	echo "ok: skipped, needs root and swaks"
	exit 0
fi
[ -n "${FRONTEND_INSIDE:-}" ] ||
	FRONTEND_INSIDE=yes exec unshare -n -p --fork --kill-child \
		--mount-proc sh "$0" "$deadmx"
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT
ip link set lo up
failed=0

serve() { # the scenario comes on standard input
	cat > "$work/world.yml"
	"$deadmx" serve --port 25 --out "$work/events" "$work/world.yml" \
		> "$work/log" 2>&1 &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q Ready "$work/log" && return
		sleep 0.2
	done
	cat "$work/log"
}

stop() {
	kill -INT "$pid"
	wait "$pid"
}

try() { # WHAT HOST EXPECTED: what the last reply but the farewell says
	swaks --server "$2" --from a@sender.example --to bob@dest.example \
		--helo mta.example > "$work/swaks" 2>&1
	if grep '^<' "$work/swaks" | grep -qF "$3"; then
		echo "ok: $1"
	else
		echo "not ok: $1: expected \"$3\" in"
		cat "$work/swaks"
		failed=1
	fi
}

head='description: by hand
mail: {from: a@sender.example, to: bob@dest.example}
expect: {ndr: yes}'

serve << EOF
$head
world:
  servers:
    ok.dest.example: {address: 192.0.2.1, relay: box.dest.example}
    off.dest.example: {address: 192.0.2.2, relay: 192.0.2.99}
    drop.dest.example:
      address: 192.0.2.3
      relay: {to: drops.dest.example, at: rcpt}
    stall.dest.example:
      address: 192.0.2.4
      relay: {to: stalls.dest.example, timeout: 1s, wrap: exchange2016}
    no.dest.example:
      address: 192.0.2.5
      relay: {to: says-no.dest.example, at: rcpt}
    over.dest.example:
      address: 192.0.2.6
      relay: [192.0.2.99, drops.dest.example, box.dest.example]
    chain.dest.example: {address: 192.0.2.7, relay: ok.dest.example}
    box.dest.example: {address: 192.0.2.20, mx_for: []}
    drops.dest.example:
      {address: 192.0.2.21, mx_for: [], timeline: [{banner: drop}]}
    stalls.dest.example:
      {address: 192.0.2.22, mx_for: [], timeline: [{ehlo: stall}]}
    says-no.dest.example:
      address: 192.0.2.23
      mx_for: []
      timeline: [{rcpt: 550 5.1.1 Nobody here}]
EOF
try "a backend that takes it" 127.0.2.1 "250 2.0.0 Message accepted"
try "an address of nobody" 127.0.2.2 \
	'451 4.4.0 Primary target IP address responded with: "421 4.2.1 Unable to connect." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts. The last endpoint attempted was 127.0.2.99:25'
try "a backend that breaks off" 127.0.2.3 \
	'"421 4.4.2 Connection dropped due to SocketError."'
try "a backend that falls silent" 127.0.2.4 \
	"451 4.4.397 Error communicating with target host. -> 421 4.4.1"
try "a backend that says no" 127.0.2.5 "550 5.1.1 Nobody here"
try "the third backend" 127.0.2.6 "250 2.0.0 Message accepted"
try "a frontend behind a frontend" 127.0.2.7 "250 2.0.0 Message accepted"
stop
count=$(grep -c '"type":"message"' "$work/events")
[ "$count" -eq 3 ] || { echo "not ok: $count messages, not 3"; failed=1; }

sink=/usr/sbin/smtp-sink
for tree in "${XDG_CACHE_HOME:-$HOME/.cache}"/deadmx/packages/postfix_*; do
	[ -x "$sink" ] || sink=$tree/usr/sbin/smtp-sink
	export LD_LIBRARY_PATH="$tree/usr/lib/postfix"
done
if [ -x "$sink" ]; then
	mkdir "$work/etc" && : > "$work/etc/main.cf"
	export MAIL_CONFIG="$work/etc"
	"$sink" -u nobody 127.0.2.91:25 10 &
	"$sink" -u nobody -q data 127.0.2.92:25 10 &
	"$sink" -u nobody -r rcpt 127.0.2.93:25 10 &
	serve << EOF
$head
world:
  servers:
    ok.dest.example: {address: 192.0.2.1, relay: 192.0.2.91}
    data.dest.example: {address: 192.0.2.2, relay: 192.0.2.92}
    rcpt.dest.example: {address: 192.0.2.3, relay: {to: 192.0.2.93, at: rcpt}}
EOF
	try "smtp-sink takes it" 127.0.2.1 "250 2.0.0 Ok"
	try "smtp-sink hangs up" 127.0.2.2 "Connection dropped due to"
	try "smtp-sink puts it off" 127.0.2.3 "450 4.3.0 Error: command failed"
	stop
fi

serve << EOF
$head
world:
  names:
    sender.example: {txt: "v=spf1 ip4:127.0.0.1 -all"}
  servers:
    mx.dest.example:
      address: 192.0.2.1
      timeline: [{spf: not pass, rcpt: 451 4.7.23 SPF validation failed}]
    front.dest.example: {address: 192.0.2.2, relay: mx.dest.example}
EOF
try "the sender's host, by SPF" 127.0.2.1 "250 2.0.0 Message accepted"
try "a frontend in its place" 127.0.2.2 "451 4.7.23 SPF validation failed"
stop
grep -q "SPF of <a@sender.example>: pass" "$work/log" ||
	{ echo "not ok: no word of SPF in the live log"; failed=1; }
exit $failed
