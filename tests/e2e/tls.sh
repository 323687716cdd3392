#!/bin/sh
# SPDX-License-Identifier: MIT
# The world's TLS against clients that we did not write: openssl s_client,
# gnutls-cli, swaks, and by way of deadmx probe. Each has its own look at a
# certificate, and OpenSSL's words for what is wrong are asked for.
# usage: tls.sh PATH_OF_DEADMX
#
# In a network of its own: its port 25 exists nowhere else.
deadmx=$(realpath "${1:-build/deadmx}")
if [ "$(id -u)" -ne 0 ]; then
	echo "ok: skipped, needs root"
	exit 0
fi
if [ -z "${TLS_INSIDE:-}" ]; then
	work=$(mktemp -d) || exit 4
	TLS_INSIDE=$work unshare -n -p --fork --kill-child \
		sh "$0" "$deadmx"
	status=$?
	rm -rf "$work"
	exit $status
fi
work=$TLS_INSIDE
failed=0
ip link set lo up

# One server for each word; 192.0.2.10 is 127.0.2.10 by hand.
cat > "$work/tls.yml" <<- 'END'
	description: All that can be wrong with TLS, a server for each.
	world:
	  servers:
END
host=10
server() { # NAME TIMELINE-OR-CERTIFICATE
	cat >> "$work/tls.yml" <<- END
		    mx.$1.example: {address: 192.0.2.$host, $2}
	END
	eval "address_$1=127.0.2.$host"
	host=$((host + 1))
}
server good "certificate: {}"
server wildcard "certificate: {names: [other.example, '*.wildcard.example']}"
for word in expired not_yet_valid wrong_name untrusted self_signed \
	no_shared_cipher old_version garbage drop reset; do
	server "$word" "timeline: [{tls: $word}]"
done
server slow "timeline: [{tls: stall 1s}]"
server brief "certificate: {until: 1h}"
cat >> "$work/tls.yml" <<- 'END'
	mail: {from: alice@sender.example, to: bob@good.example}
	expect: {ndr: none}
END
# An hour in a second: "brief" is good for one.
"$deadmx" serve --port 25 --dns-port 53 --ca "$work/ca.pem" --quiet \
	--speed 3600 --out "$work/events.ndjson" --messages "$work/messages" \
	"$work/tls.yml" > "$work/serve.out" 2>&1 &
serve=$!
tries=0
until grep -q '^Ready' "$work/serve.out" || [ $tries -ge 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done

ok() { # STATUS WHAT
	if [ "$1" -eq 0 ]; then
		echo "ok: $2"
		return
	fi
	echo "not ok: $2"
	cat "$work/out"
	failed=1
}

client() { # NAME OPTION...: s_client up to its verdict
	name=$1
	shift
	eval "address=\$address_$name"
	timeout 20 openssl s_client -starttls smtp -connect "$address:25" \
		-CAfile "$work/ca.pem" -verify_hostname "mx.$name.example" \
		-servername "mx.$name.example" "$@" \
		< /dev/null > "$work/out" 2>&1
}

says() { # NAME PATTERN OPTION...
	name=$1 pattern=$2
	shift 2
	client "$name" "$@"
	grep -qE "$pattern" "$work/out"
	ok $? "s_client at $name $*: $pattern"
}

says good 'Verify return code: 0 \(ok\)'
says good 'Protocol *: TLSv1.2' -tls1_2
says good 'New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384'
says good 'alert protocol version' -tls1_1 -cipher DEFAULT@SECLEVEL=0
says wildcard 'Verify return code: 0 \(ok\)'
says expired 'Verify return code: 10 \(certificate has expired\)'
says not_yet_valid 'Verify return code: 9 \(certificate is not yet valid\)'
says wrong_name 'Verify return code: 62 \(hostname mismatch\)'
says untrusted 'Verify return code: 19 '
says untrusted 'i:O = deadmx, CN = deadmx untrusted root'
says self_signed 'Verify return code: 18 '
says expired 'certificate verify failed' -verify_return_error
says no_shared_cipher 'alert handshake failure'
says no_shared_cipher 'Cipher is ECDHE-ECDSA-NULL-SHA' \
	-tls1_2 -cipher eNULL@SECLEVEL=0
# What refuses it depends on how OpenSSL was built.
says old_version 'unsupported protocol|alert protocol version|legacy sigalg'
says old_version 'Protocol *: TLSv1$' -tls1 -cipher DEFAULT@SECLEVEL=0
says garbage 'wrong version number'
says drop 'unexpected eof|read 0 bytes'
says reset 'errno=104'
says slow 'Verify return code: 0 \(ok\)'
# Its hour is over: no row says so, but its own dates.
tries=0
while [ $tries -lt 100 ]; do
	client brief
	grep -q 'has expired' "$work/out" && break
	tries=$((tries + 1))
	sleep 0.1
done
says brief 'Verify return code: 10 \(certificate has expired\)'

# Nothing is resumed, nothing renegotiated.
for version in -tls1_2 -tls1_3; do
	client good -sess_out "$work/session" $version
	[ ! -s "$work/session" ]
	ok $? "no session to be resumed $version"
done
(echo R; sleep 2) | timeout 20 openssl s_client -tls1_2 \
	-starttls smtp -connect "$address_good:25" > "$work/out" 2>&1
grep -q 'no renegotiation' "$work/out"
ok $? "renegotiation is refused"

# Another library: what it thinks of how certificates are made.
if command -v gnutls-cli > /dev/null; then
	for name in good wildcard expired not_yet_valid wrong_name untrusted \
		self_signed; do
		eval "address=\$address_$name"
		echo QUIT | timeout 20 gnutls-cli --starttls-proto=smtp \
			--x509cafile="$work/ca.pem" --port=25 \
			--verify-hostname="mx.$name.example" \
			--sni-hostname="mx.$name.example" "$address" \
			> "$work/out" 2>&1
		case $name in
		good | wildcard) pattern='The certificate is trusted' ;;
		expired) pattern='certificate chain uses expired' ;;
		not_yet_valid) pattern='uses not yet valid' ;;
		wrong_name) pattern='does not match' ;;
		*) pattern='issuer is unknown' ;;
		esac
		grep -q "$pattern" "$work/out"
		ok $? "gnutls-cli at $name: $pattern"
	done
fi

# A whole message through TLS.
swaks --server "$address_good" --from alice@sender.example \
	--to bob@good.example --tls --tls-verify --tls-ca-path "$work/ca.pem" \
	> "$work/out" 2>&1
ok $? "swaks sends a message through TLS"
grep -q '^<~  250 2.0.0 Message accepted' "$work/out"
ok $? "swaks' message is accepted"
swaks --server "$address_expired" --from alice@sender.example \
	--to bob@expired.example --tls --tls-verify \
	--tls-ca-path "$work/ca.pem" > "$work/out" 2>&1
[ $? -eq 29 ]
ok $? "swaks refuses the expired certificate"

# What an MTA would report, by our own probe.
probe() { # STATUS PATTERN OPTION...
	expected=$1 pattern=$2
	shift 2
	"$deadmx" probe --dns 127.0.53.53 --ca "$work/ca.pem" "$@" \
		> "$work/out" 2>&1
	[ $? -eq "$expected" ] && grep -q "$pattern" "$work/out"
	ok $? "probe $*: $pattern"
}
probe 0 verified --tls verify bob@good.example
probe 1 'not verified: certificate has expired' --tls verify \
	bob@expired.example
probe 0 'not verified: certificate has expired' bob@expired.example
probe 1 'would report 454 4.7.5' --tls encrypt bob@garbage.example

# What the world saw of it.
kill -INT $serve
wait $serve
ok $? "serve ends"
grep -E '"(fault|tls)"' "$work/events.ndjson" > "$work/out"
grep -q '"type":"tls",.*"server":"mx.good.example","version":"TLSv1.3",'\
'"cipher":"TLS_AES_256_GCM_SHA384","server_name":"mx.good.example",'\
'"error":null' "$work/events.ndjson"
ok $? "the handshake is in the log"
for word in expired not_yet_valid wrong_name untrusted self_signed \
	no_shared_cipher old_version garbage drop reset; do
	grep -q '"type":"fault",.*"server":"mx.'"$word"'.example",'\
'"stage":"tls","action":"'"$word"'"' "$work/events.ndjson"
	ok $? "the fault $word is in the log"
done
grep -q '"server":"mx.brief.example","stage":"tls","action":"expired"' \
	"$work/events.ndjson"
ok $? "the certificate that expired meanwhile is a fault"
grep -q '"error":"sslv3 alert certificate expired"' "$work/events.ndjson"
ok $? "a client's complaint is in the log"
[ -s "$work/messages/msg-1.eml" ]
ok $? "the message is stored"
exit $failed
