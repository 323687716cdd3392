#!/bin/sh
# SPDX-License-Identifier: MIT
# deadmx probe against the shipped scenarios, served in real time: what it says
# an MTA would report is what the scenario is about. Never a message is sent.
# usage: probe_world.sh PATH_OF_DEADMX
#
# In a network of its own, so that ports 25 and 53 are free.
deadmx=$(realpath "${1:-build/deadmx}")
cd "$(dirname "$0")/../.." || exit 4
if [ "$(id -u)" -ne 0 ]; then
	echo "ok: skipped, needs root for ports 25 and 53"
	exit 0
fi
if [ -z "${PROBE_INSIDE:-}" ]; then
	PROBE_INSIDE=1 exec unshare -n sh "$0" "$deadmx"
fi
ip link set lo up
work=$(mktemp -d) || exit 4
server=
trap 'kill $server 2> /dev/null; rm -rf "$work"' EXIT
failed=0

# STATUS PATTERN SCENARIO [OPTION...]
probe() {
	expected=$1 pattern=$2 scenario=$3
	shift 3
	rm -f "$work/served"
	"$deadmx" serve --quiet --out "$work/events" "scenarios/$scenario.yml" \
		--ca "$work/ca.pem" > "$work/served" 2>&1 &
	server=$!
	tries=0
	until grep -qs '^Ready' "$work/served" || [ $tries -ge 100 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
	dns=$(awk '$1 == "DNS" { print $2 ":" $4 }' "$work/served")
	"$deadmx" probe --dns "$dns" --timeout 2s "$@" bob@dest.example \
		> "$work/out" 2>&1
	status=$?
	kill $server
	wait $server
	if [ $status -ne "$expected" ] || ! grep -qE "$pattern" "$work/out"
	then
		echo "not ok: $scenario (exit $status, expected $expected and" \
			"/$pattern/)"
		cat "$work/served" "$work/out"
		failed=1
	elif grep -E '"line":"(DATA|BDAT)|"type":"message"' "$work/events"; then
		echo "not ok: $scenario: a message was sent"
		failed=1
	else
		echo "ok: $scenario"
	fi
}

probe 0 '^Reachable' control/healthy
probe 1 'report 421 4.4.1 and try' offline/refused_expires
probe 1 'report 421 4.4.1 and try' offline/blackhole_expires
probe 0 'mx2.dest.example \[' failover/first_refuses
probe 1 'report 421 4.4.1 and try' failover/all_refuse
probe 1 'report 550 5.1.1 and send' failover/first_rejects
probe 0 'of 2 tried' failover/first_refuses --all
probe 1 'report 421 4.3.2 and try' tempfail/banner_421
probe 1 'report 451 4.3.0 and try' tempfail/ehlo_helo_451
probe 1 'report 451 4.3.0 and try' tempfail/mail_451
probe 1 'report 421 4.7.0 and try' tempfail/rcpt_421_close
probe 1 'report 451 4.7.1 and try' tempfail/rcpt_451_expires
probe 0 '^Reachable' tempfail/data_451
probe 1 'report 421 4.4.2 and try' timeout/banner_stalls
probe 1 'report 421 4.4.2 and try' timeout/banner_drips
probe 1 'report 421 4.4.2 and try' timeout/rcpt_stalls
probe 1 'report 421 4.4.2 and try' timeout/rcpt_reset
probe 1 'report 451 4.4.0 and try' proxy/socketerror_expires
probe 1 'report 550 5.1.2 and send' dns/domain_expired
probe 1 'report 556 5.1.10 and send' dns/null_mx
probe 1 'report 550 5.4.4 and send' dns/mx_missing
probe 1 'report 550 5.4.4 and send' dns/mx_without_address
probe 1 'names an IP address' dns/mx_is_address
probe 1 'report 550 5.4.4 and send' dns/cname_loop
probe 0 'is an alias of' dns/domain_alias
probe 0 'names an alias' dns/mx_cname
probe 1 'report 451 4.4.3 and try' dns/servfail_expires
probe 1 'report 451 4.4.3 and try' dns/refused_6h
probe 1 'report 451 4.4.3 and try' dns/timeout_expires
probe 1 'report 451 4.4.3 and try' dns/lame_6h
probe 1 'report 451 4.4.3 and try' dns/wrong_id_6h
probe 1 'report 451 4.4.3 and try' dns/wrong_owner
probe 0 '^Reachable' dns/truncate_tcp
probe 0 '^Reachable' dns/mx_dozens
probe 0 '^Reachable' dns/slow_answers --timeout 30s
probe 1 'report 421 4.4.2 and try' tcp/accept_drop_expires
probe 1 'report 421 4.4.2 and try' tcp/accept_reset_expires

# What servers say that break the form.
probe 1 'report 451 4.5.0 and try' smtp/banner_garbage
probe 1 'report 451 4.5.0 and try' smtp/ehlo_long_line
probe 1 'report 451 4.5.0 and try' smtp/rcpt_mixed_codes
probe 0 '^Reachable' smtp/mail_bare_lf
probe 0 '! .* quit ' smtp/quit_drops

verify="--tls verify --ca $work/ca.pem"
probe 0 '^ +verified$' tls/verified_delivers $verify
probe 1 'not verified: certificate has expired' tls/expired_expires $verify
probe 1 'not verified: certificate is not yet valid' \
	tls/not_yet_valid_expires $verify
probe 1 'not verified: self-signed certificate' tls/self_signed_expires $verify
probe 1 'not verified: self-signed certificate in certificate chain' \
	tls/untrusted_expires $verify
probe 1 'not verified: hostname mismatch' tls/wrong_name_expires $verify
probe 1 'report 454 4.7.5 and try' tls/wrong_name_expires $verify
probe 0 'not verified: hostname mismatch' tls/wrong_name_expires
probe 1 'report 454 4.7.4 and try' tls/not_offered_expires $verify
probe 1 'report 454 4.7.5 and try' tls/garbage_expires $verify
probe 0 'wrong version number' tls/garbage_falls_back
probe 1 'report 454 4.7.5 and try' tls/no_shared_cipher_expires $verify
probe 0 '^Reachable' tls/no_shared_cipher_falls_back
probe 0 '^Reachable' tls/handshake_dropped
probe 0 'refused: plain text' tls/starttls_454_opportunistic
exit $failed
