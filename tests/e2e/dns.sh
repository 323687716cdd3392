#!/bin/sh
# SPDX-License-Identifier: MIT
# The world's DNS asked by dig: every answer of dns.yml by UDP and by TCP, with
# EDNS and without, in any spelling, and a zone that changes meanwhile.
# usage: dns.sh PATH_OF_DEADMX
deadmx=$(realpath "${1:-build/deadmx}")
here=$(cd "$(dirname "$0")" && pwd)
command -v dig > /dev/null || {
	echo "not ok: needs dig (harness/setup.sh --tests)"
	exit 1
}
out=$(mktemp -d) || exit 4
failed=0

: > "$out/log"
# An hour of the timeline in six seconds.
"$deadmx" serve --speed 600 --port 0 --dns-port 0 --out "$out/events.ndjson" \
	"$here/dns.yml" > "$out/log" 2>&1 &
server=$!
trap 'kill $server 2> /dev/null; wait $server 2> /dev/null; rm -rf "$out"' EXIT
for i in $(seq 200); do
	grep -q '^Ready' "$out/log" && break
	sleep 0.1
done
set -- $(sed -n 's/^DNS *\([^ ]*\) *port \([0-9]*\)$/\1 \2/p' "$out/log")
[ $# -eq 2 ] || {
	echo "not ok: deadmx serve does not run:"
	cat "$out/log"
	exit 1
}
address=$1 port=$2

ask() { # ARGUMENTS OF DIG...
	dig @"$address" -p "$port" +tries=1 +time=5 "$@" 2>&1
}

# What dig prints must hold a line that matches each of the expressions.
check() { # NAME "ARGUMENTS OF DIG" EXPRESSION...
	name=$1 arguments=$2
	shift 2
	said=$(ask $arguments)
	for want; do
		printf '%s\n' "$said" | grep -Eq -- "$want" && continue
		echo "not ok: $name: no \"$want\" in:"
		printf '%s\n' "$said" | sed 's/^/    /'
		failed=1
		return
	done
	echo "ok: $name"
}

check "a TTL up to the change" "moves.example A" \
	'	+([0-6]	IN	A	127\.0\.2\.61|300	IN	A	127\.0\.2\.62)$'

# A resolver that keeps answers, as many MTAs have one: dnsmasq. It is asked
# now, and again when the zone has moved.
cache=127.0.53.54
if command -v dnsmasq > /dev/null; then
	dnsmasq --keep-in-foreground --no-resolv --no-hosts --log-facility=- \
		--conf-file=/dev/null --listen-address=$cache --bind-interfaces \
		--port="$port" --server="$address#$port" --pid-file= \
		> "$out/dnsmasq.log" 2>&1 &
	dnsmasq=$!
	trap 'kill $server $dnsmasq 2> /dev/null
		wait $server $dnsmasq 2> /dev/null; rm -rf "$out"' EXIT
	for name in moves.example stays.example; do
		for i in $(seq 50); do
			dig @$cache -p "$port" +tries=1 +time=1 +short $name A \
				> "$out/$name" 2>&1 && break
			sleep 0.1
		done
	done
fi

for transport in +notcp +tcp; do
	check "records, $transport" "$transport dest.example MX" \
		'status: NOERROR' 'flags: qr aa rd ra;' \
		'^dest\.example\.	+3600	IN	MX	10 mx1\.dest\.example\.' \
		'^dest\.example\.	+3600	IN	MX	20 mx2\.dest\.example\.' \
		'^mx1\.dest\.example\.	+300	IN	A	127\.0\.2\.10'
	check "spelling, $transport" "$transport dEsT.eXaMpLe TXT" \
		'^;dEsT\.eXaMpLe\.' \
		'^dEsT\.eXaMpLe\..*TXT	"v=spf1 mx -all"'
	check "no EDNS, $transport" "$transport +noedns dest.example MX" \
		'ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 2$'
	check "EDNS, $transport" "$transport +edns=0 dest.example MX" \
		'EDNS: version: 0,.* udp: 4096' \
		'ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 3$'
	check "no such domain, $transport" "$transport gone.example MX" \
		'status: NXDOMAIN' '^\.	+300	IN	SOA'
	check "nothing below it, $transport" "$transport mx.gone.example A" \
		'status: NXDOMAIN'
	check "a name alone, $transport" "$transport empty.example MX" \
		'status: NOERROR' 'ANSWER: 0' '^empty\.example\..*SOA'
	check "null MX, $transport" "$transport null.example MX" \
		'IN	MX	0 \.$'
	check "implicit MX, $transport" "$transport implicit.example MX" \
		'status: NOERROR' 'ANSWER: 0'
	check "its address, $transport" "$transport implicit.example A" \
		'IN	A	127\.0\.2\.50'
	check "IPv6, $transport" "$transport six.example AAAA" \
		'IN	AAAA	2001:db8::50'
	check "alias, $transport" "$transport alias.example MX" \
		'^alias\.example\..*CNAME	dest\.example\.' \
		'^dest\.example\..*MX	10 mx1'
	check "aliases in circles, $transport" "$transport loop1.example A" \
		'status: NOERROR' 'ANSWER: 9,'
	check "no data, $transport" "$transport nodata.example A" \
		'status: NOERROR' 'ANSWER: 0' 'SOA'
	check "SERVFAIL, $transport" "$transport servfail.example MX" \
		'status: SERVFAIL' 'ANSWER: 0, AUTHORITY: 0'
	check "REFUSED, $transport" "$transport refused.example MX" \
		'status: REFUSED'
	check "NOTIMP, $transport" "$transport notimp.example MX" \
		'status: NOTIMP'
	check "FORMERR, $transport" "$transport formerr.example MX" \
		'status: FORMERR'
	check "lame, $transport" "$transport lame.example MX" \
		'status: NOERROR' 'flags: qr rd;' 'ANSWER: 0' '^\..*NS'
	check "a zone, $transport" "$transport mx.zone.example A" \
		'status: REFUSED'
	check "another owner, $transport" "$transport wrong-owner.example A" \
		'^another\.deadmx\.example\..*A	127\.0\.2\.1'
	check "malformed, $transport" "$transport malformed.example A" \
		'Got bad packet|malformed message packet'
	check "late, $transport" "$transport late.example A" \
		'A	127\.0\.2\.53' 'Query time: [3-9][0-9][0-9] '
done

check "time-out, UDP" "+notcp +time=1 timeout.example MX" 'timed out'
check "time-out, TCP" "+tcp +time=1 timeout.example MX" 'timed out'
check "drop, UDP" "+notcp +time=1 drop.example MX" 'timed out'
check "drop, TCP" "+tcp drop.example MX" \
	'communications error.*end of file|no servers could be reached'
check "another id" "+notcp +time=1 wrong-id.example A" \
	'ID mismatch' 'timed out'
check "another question" "+notcp +time=1 wrong-question.example A" \
	'[Qq]uestion section mismatch'
check "garbage" "+notcp +time=1 garbage.example A" \
	'timed out|bad packet|ID mismatch|qr bit not set'
check "truncated" "+ignore truncate.example A" 'flags: qr aa tc' 'ANSWER: 0'
check "truncated, by TCP then" "truncate.example A" \
	'Truncated, retrying in TCP' 'A	127\.0\.2\.52'
check "half of it" "+ignore partial.example A" 'flags: qr aa tc' 'ANSWER: 2'
check "and all by TCP" "partial.example A" 'ANSWER: 4'
check "too long" "+ignore +noedns many.example MX" 'flags: qr aa tc' 'ANSWER: 0'
check "not too long with EDNS" "+ignore +bufsize=1232 many.example MX" \
	'flags: qr aa rd' 'ANSWER: 14'
check "too long, by TCP then" "+noedns many.example MX" 'ANSWER: 14'
check "the first question" "once.example A" 'status: SERVFAIL'
check "the second one" "once.example A" 'A	127\.0\.2\.51'

# The change comes when it comes.
for i in $(seq 100); do
	ask +short moves.example A | grep -q '127\.0\.2\.61' || break
	sleep 0.1
done
check "the zone has moved" "moves.example A" 'A	127\.0\.2\.62'

if [ -s "$out/stays.example" ] && grep -q 127.0.2.61 "$out/stays.example"; then
	for i in $(seq 50); do
		said=$(dig @$cache -p "$port" +short moves.example A)
		[ "$said" = 127.0.2.62 ] && break
		sleep 0.1
	done
	[ "$said" = 127.0.2.62 ] || {
		echo "not ok: a cache keeps an answer for longer than its window:"
		echo "    $said"
		failed=1
	}
	said=$(dig @$cache -p "$port" +short stays.example A)
	[ "$said" = 127.0.2.61 ] || {
		echo "not ok: a cache forgets before the TTL is over: $said"
		failed=1
	}
else
	echo "ok: skipped the cache (no dnsmasq, or too slow)"
fi

kill $server
wait $server || {
	echo "not ok: deadmx serve ended with status $?"
	cat "$out/log"
	failed=1
}
grep -q '"action":"wrong_id","line":' "$out/events.ndjson" || {
	echo "not ok: the event log has no wrong_id"
	failed=1
}
[ $failed -eq 0 ] && echo "ok: dig"
exit $failed
