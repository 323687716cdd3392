#!/bin/sh
# SPDX-License-Identifier: MIT
# deadmx serve as QA uses it: swaks meets every kind of reply, curl takes
# servers down and up, and a real Postfix delivers, defers and delivers again.
# usage: serve.sh PATH_OF_DEADMX
#
# All of it in namespaces of its own: ports 25 and 53 are free there.
deadmx=$(realpath "${1:-build/deadmx}")
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ]; then
	echo "ok: skipped, needs root"
	exit 0
fi
if [ -z "${SERVE_INSIDE:-}" ]; then
	work=$(mktemp -d) || exit 4
	# The package is fetched out here, where there is a network.
	"$deadmx" run --target postfix --out "$work/fetch" \
		"$here/../../scenarios/control/healthy.yml" > /dev/null
	SERVE_INSIDE=$work unshare -m -n -p --fork --kill-child --mount-proc \
		sh "$0" "$deadmx"
	status=$?
	rm -rf "$work"
	exit $status
fi
work=$SERVE_INSIDE
. "$here/lib/postfix.sh"
. "$here/lib/check.sh"
ip link set lo up

get() { # URL: what is there
	curl -sS --max-time 70 "$api$1"
}
post() { # URL [BODY]
	curl -sS --max-time 20 -d "${2:-}" "$api$1" > "$work/answer"
}
put() { # SERVER ROWS
	curl -sS --max-time 20 -X PUT -d "$2" "$api/servers/$1/state" \
		> "$work/answer"
}
serve() { # OPTION...: run it, until it is ready
	: > "$work/serve.log"
	"$deadmx" serve "$@" > "$work/serve.log" 2>&1 &
	serve=$!
	within 10 grep -q '^Ready' "$work/serve.log" || {
		echo "not ok: it gets ready"
		cat "$work/serve.log"
		exit 1
	}
	api=$(sed -n 's/^API   curl \(http:[^ ]*\)\/servers$/\1/p' "$work/serve.log")
}
serve_stop() { # SIGNAL
	kill "-$1" "$serve"
	wait "$serve"
}

cat > "$work/world.yml" <<- 'END'
	description: Two servers, of which the first is out for thirty hours.
	world:
	  servers:
	    mx1.dest.example:
	      timeline:
	        - until: 30h
	          connect: refuse
	    mx2.dest.example:
	mail: {from: alice@sender.example, to: bob@dest.example}
	expect: {delivered: yes}
END

# --- addresses, ports and names

serve --out "$work/events.ndjson" --messages "$work/messages" \
	"$work/world.yml"
grep -q '^DNS   127.0.53.53 *port 53$' "$work/serve.log"
ok "DNS has a port that resolv.conf can use"
grep -q '127.0.2.10 *port 25 *mx1.dest.example, MX of dest.example' \
	"$work/serve.log"
ok "each server has an address and port 25 of its own"
"$deadmx" probe --dns 127.0.53.53:53 bob@dest.example > "$work/probe.log"
ok "the way to the second server is found by MX"
grep -q '127.0.2.11' "$work/probe.log"
ok "DNS tells the address that is served"

# --- swaks meets every kind of reply

swaks_says() { # WANT SWAKS-OPTION...: what it prints
	want=$1
	shift
	swaks --server 127.0.2.11 --from alice@sender.example \
		--to bob@dest.example --helo qa.example --timeout 2s "$@" \
		> "$work/swaks.log" 2>&1
	grep -q -e "$want" "$work/swaks.log"
}
swaks_says '^<-  250 2.0.0 Message accepted'
ok "swaks: healthy"
try() { # ROW WANT
	put mx2.dest.example "$1"
	grep -q '"by_hand": true' "$work/answer" && swaks_says "$2"
	ok "swaks: $1"
}
try '{"banner":"421 4.3.2 Maintenance"}' '^<\*\* 421 4.3.2 Maintenance'
try '{"banner":"554 5.3.2 No"}' '^<\*\* 554 5.3.2 No'
try '{"ehlo":"451 4.3.0 Not now"}' '^<\*\* 451 4.3.0 Not now'
try '{"mail":"451 4.7.1 Later"}' '^<\*\* 451 4.7.1 Later'
try '{"rcpt":"550 5.1.1 Who?"}' '^<\*\* 550 5.1.1 Who?'
try '{"rcpt":"exchange/server-busy"}' '^<\*\* 421 4.3.2 System not accept'
try '{"data":"452 4.3.1 Full"}' '^<\*\* 452 4.3.1 Full'
try '{"dot":"451-4.3.0 One\n451 4.3.0 Two"}' '^<\*\* 451 4.3.0 Two'
try '{"dot":{"reply":"451 Bye","close":true}}' '^<\*\* 451 Bye'
try '{"rcpt":"drop"}' 'Remote host closed connection unexpectedly'
try '{"mail":"reset"}' 'Connection reset by peer\|closed connection unexp'
try '{"banner":"stall"}' 'Timeout\|timeout'
try '{"banner":"drip 10ms"}' '^<-  250 2.0.0 Message accepted'
try '{"connect":"refuse"}' 'Connection refused'
try '{"connect":"blackhole"}' 'timeout\|timed out\|Timeout'
curl -sS -X DELETE "$api/servers/mx2.dest.example/state" |
	grep -q '"state": "healthy"' && swaks_says 'Message accepted'
ok "swaks: back to the timeline"
# One more than accepted above: after the refused EHLO swaks tried HELO.
[ "$(get /messages | grep -c '"number"')" -eq 4 ]
ok "messages that were accepted are listed"
get /messages/1 > "$work/message" &&
	grep -q '^Subject: test' "$work/message" &&
	cmp -s "$work/message" "$work/messages/msg-1.eml"
ok "a message comes back as it came"
get '/events?type=fault&limit=3' | grep -q '"stage": "banner"'
ok "faults stand in the event log"

# --- a real Postfix: its resolver is the world's DNS, no port, no relayhost

post /reset
postfix_root "$work" "$deadmx" || exit 4
echo "nameserver 127.0.53.53" > "$work/root/etc/resolv.conf"
cat > "$work/main.cf" <<- 'END'
	myhostname = qa.sender.example
	mydestination =
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	minimal_backoff_time = 1s
	queue_run_delay = 600s
END
: > "$work/master.cf"
postfix_start "$work" || { cat "$work/root/var/log/postfix.log"; exit 4; }
submit() { # TO
	printf 'Subject: to %s\n\nHello.\n' "$1" |
		timeout 20 chroot "$work/root" /usr/sbin/sendmail -i -f alice@sender.example "$1"
}
queued() { # TEXT: the queue tells it
	chroot "$work/root" /usr/sbin/postqueue -p | grep -q -e "$1"
}
# Messages to $1 that have come; waits for one.
arrived() {
	get "/messages?to=$1&wait=30" | grep -c '"number"'
}
submit first@dest.example
[ "$(arrived first@dest.example)" -eq 1 ]
ok "Postfix delivers, past the server that is out"

post /servers/mx2.dest.example/down
grep -q '"state": "down"' "$work/answer"
submit second@dest.example
within 30 queued 'Connection refused'
ok "Postfix defers while both servers are down"
[ "$(get '/messages?to=second@dest.example' | grep -c '"number"')" -eq 0 ]
ok "nothing has come meanwhile"

post /servers/mx2.dest.example/up
grep -q '"state": "healthy"' "$work/answer"
chroot "$work/root" /usr/sbin/postqueue -f
[ "$(arrived second@dest.example)" -eq 1 ]
ok "Postfix delivers after the server is up again"
within 30 queued 'Mail queue is empty'
ok "and its queue is empty"

# A bounce goes back to the sender's own server.
put mx2.dest.example 'rcpt: 550 5.1.1 Unknown user'
post /servers/mx1.dest.example/down
submit third@dest.example
[ "$(arrived alice@sender.example)" -eq 1 ]
ok "Postfix's bounce comes to the sender's server"
number=$(get '/messages?to=alice@sender.example' |
	sed -n 's/.*"number": \([0-9]*\),/\1/p')
get "/messages/$number" | grep -q '^Status: 5.1.1'
ok "it says 5.1.1"
[ "$(curl -sS -X DELETE "$api/messages?to=alice@sender.example" |
	grep -c 'Unknown user')" -ge 1 ]
ok "it is given back when it is forgotten"

# Thirty hours later the first server is back.
post /reset
post /time 'to: 30h'
submit fourth@dest.example
get '/messages?to=fourth@dest.example&wait=30' |
	grep -q '"server": "mx1.dest.example"'
ok "after a jump of the timeline the first server takes the mail"
postfix_stop "$work"

# --- the end

serve_stop INT
ok "Ctrl-C: exit status 0"
grep -q '^[0-9]* connections, [0-9]* messages, [0-9]* faults$' \
	"$work/serve.log"
ok "it sums up"
awk -F'[:,]' '$2 != NR {exit 1}' "$work/events.ndjson"
ok "the event file has all events in order"
! ss -Hlntu | grep -q ':25 \|:53 \|:2580 '
ok "nothing is left listening"

# --- a faster timeline, other ports, a Unix socket

serve --speed 36000 --port 0 --dns-port 0 --control "$work/control" \
	"$work/world.yml"
up() {
	curl -sS --unix-socket "$work/control" \
		http://world/servers/mx1.dest.example |
		grep -q '"state": "healthy"'
}
within 30 up
ok "thirty hours are three seconds at speed 36000"
grep -q 'Note  an MX record can.t name a port' "$work/serve.log"
ok "it says what a port other than 25 means"
serve_stop TERM
ok "SIGTERM: exit status 0"
[ ! -e "$work/control" ]
ok "the socket is gone"

# --- slips

slip() { # WANT ARG...: exit status 2 and these words
	want=$1
	shift
	timeout 10 "$deadmx" serve "$@" "$work/world.yml" > "$work/out" 2>&1
	[ $? -eq 2 ] && grep -q -e "$want" "$work/out"
	ok "slip: $*"
}
slip "expected a port from 0 to 65535, got '99999'" --port 99999
slip "expected a whole number from 1 to 1000000, got '0'" --speed 0
slip "expected a time such as 10m or 5d, got '10'" --lifetime 10
slip "expected an IPv4 address of this machine" --bind 0.0.0.0
slip "expected an IPv4 address, and a port" --inject mta.example
slip "a port, a path with a slash, or none" --control sock
slip "leave --bind and --port out" --own-network --port 25
slip "expected one scenario, got 2" "$work/world.yml"
slip "messages of another time" --messages "$work/messages"
slip "No such file or directory" --out "$work/none/events"

# --- without any privilege, and beside another

mkdir "$work/open"
chmod 755 "$work" "$work/open"
cp "$deadmx" "$work/world.yml" "$work/open"
setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
	"$work/open/deadmx" serve "$work/open/world.yml" > "$work/serve.log" 2>&1 &
serve=$!
within 10 grep -q '^Ready' "$work/serve.log"
ok "an ordinary user serves, too"
grep -q 'SMTP on port 2525, since 25 is for root' "$work/serve.log"
ok "on a port that he may have, and is told so"
swaks --server 127.0.2.11 --port 2525 --from a@sender.example \
	--to bob@dest.example > "$work/swaks.log" 2>&1
ok "which swaks can use"
"$deadmx" serve --port 2525 "$work/world.yml" > "$work/out" 2>&1
[ $? -eq 3 ] && grep -q 'hint: .ss -lntup' "$work/out"
ok "a port that is taken: exit status 3 and who to ask"
first=$serve
serve "$work/world.yml"
[ "$api" != http://127.0.0.1:2580 ] && get /servers | grep -q '"port": 25,'
ok "a second one finds another port for its API"
serve_stop TERM
serve=$first
serve_stop TERM
ok "both end well"

# --- what an ordinary user can't do, and a network of the world's own

cat > "$work/open/route.yml" <<- 'END'
	description: No route by IPv4, and IPv6 is put off.
	world:
	  servers:
	    mx.dest.example:
	      address6: 2001:db8::25
	      timeline:
	        - {ip: 4, connect: unreachable}
	        - {ip: 6, rcpt: 451 4.7.1 Later}
	mail: {from: alice@sender.example, to: bob@dest.example}
	expect: {ndr: yes}
END
setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
	"$work/open/deadmx" serve "$work/open/route.yml" > "$work/out" 2>&1
[ $? -eq 3 ] && grep -q 'route.yml:7: server mx.dest.example.*root' "$work/out"
ok "unreachable without privilege: exit status 3 and the row"
grep -q 'mx.dest.example: no IPv6' "$work/out"
ok "an IPv6 address that is left out is told"
serve "$work/open/route.yml"
swaks --server 127.0.2.10 --from a@sender.example --to bob@dest.example \
	> "$work/swaks.log" 2>&1
grep -q 'No route to host' "$work/swaks.log"
ok "swaks, as root: No route to host"
serve_stop TERM
serve --own-network "$work/open/route.yml"
"$deadmx" probe --dns 127.0.53.53:53 bob@dest.example > "$work/probe.log"
grep -q '2001:db8::25' "$work/probe.log" &&
	grep -q '451 4.7.1 Later' "$work/probe.log" &&
	grep -q '192.0.2.10' "$work/probe.log"
ok "a network of its own has the scenario's addresses, by IPv6 and IPv4"
serve_stop TERM
exit $failed
