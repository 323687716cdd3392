#!/bin/sh
# SPDX-License-Identifier: MIT
# deadmx probe against what we did not write: a real Postfix (smtpd, TLS,
# postscreen) found through a real DNS server (dnsmasq), by IPv6 and IPv4. And
# what the probe says an MTA would report, compared with what Postfix reports.
# usage: probe.sh PATH_OF_DEADMX
#
# All of it in namespaces of its own: its port 25 and its 192.0.2.0/24 exist
# nowhere else.
deadmx=$(realpath "${1:-build/deadmx}")
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ] || ! command -v dnsmasq > /dev/null; then
	echo "ok: skipped, needs root and dnsmasq"
	exit 0
fi
if [ -z "${PROBE_INSIDE:-}" ]; then
	work=$(mktemp -d) || exit 4
	# The package is fetched out here, where there is a network.
	"$deadmx" run --target postfix --out "$work/fetch" \
		"$here/../../scenarios/control/healthy.yml" > /dev/null
	PROBE_INSIDE=$work unshare -m -n -p --fork --kill-child --mount-proc \
		sh "$0" "$deadmx"
	status=$?
	rm -rf "$work"
	exit $status
fi
work=$PROBE_INSIDE
. "$here/lib/postfix.sh"
failed=0

ip link set lo up
ip route add local 192.0.2.0/24 dev lo
ip addr add 2001:db8::10/128 dev lo

# --- certificates: a root, a good one, an expired one
certificate() { # NAME FILE DAYS
	openssl req -newkey rsa:2048 -nodes -keyout "$work/$2.key" \
		-subj "/CN=$1" -out "$work/$2.csr" 2> /dev/null
	printf 'subjectAltName=DNS:%s\n' "$1" > "$work/$2.ext"
	# -days may be negative here, unlike in "openssl req".
	openssl x509 -req -in "$work/$2.csr" -CA "$work/ca.pem" \
		-CAkey "$work/ca.key" -CAcreateserial -days "$3" \
		-extfile "$work/$2.ext" -out "$work/$2.pem" 2> /dev/null
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ca.key" -days 100 \
	-subj "/CN=Root of the test" -out "$work/ca.pem" 2> /dev/null
certificate mx.dest.example good 90
certificate mx.expired.example expired -1

# --- names
dnsmasq --no-daemon --no-resolv --no-hosts --conf-file=/dev/null --user=root \
	--listen-address=127.0.0.1 --bind-interfaces --local=/example/ \
	--mx-host=dest.example,mx.dest.example,10 \
	--mx-host=wrong.example,mx.wrong.example,10 \
	--mx-host=expired.example,mx.expired.example,10 \
	--mx-host=failover.example,off.dest.example,10 \
	--mx-host=failover.example,mx.dest.example,20 \
	--mx-host=off.example,off.dest.example,10 \
	--mx-host=screen.example,mx.screen.example,10 \
	--mx-host=reject.example,mx.reject.example,10 \
	--mx-host=no-tls.example,mx.no-tls.example,10 \
	--mx-host=lost.example,nowhere.dest.example,10 \
	--host-record=mx.dest.example,192.0.2.10,2001:db8::10 \
	--host-record=mx.wrong.example,192.0.2.10 \
	--host-record=mx.expired.example,192.0.2.11 \
	--host-record=mx.screen.example,192.0.2.12 \
	--host-record=mx.reject.example,192.0.2.13 \
	--host-record=mx.no-tls.example,192.0.2.14 \
	--host-record=off.dest.example,192.0.2.99 \
	--host-record=implicit.example,192.0.2.10 \
	--dns-rr=null.example,15,000000 2> "$work/dnsmasq.log" &
dnsmasq=$!

# --- Postfix
postfix_root "$work" "$deadmx" || exit 4
cp "$work"/*.pem "$work"/*.key "$work/root/etc/postfix/"
echo "nameserver 127.0.0.1" > "$work/root/etc/resolv.conf"
cat > "$work/main.cf" <<- 'END'
	myhostname = mx.dest.example
	inet_interfaces = 127.0.0.1
	inet_protocols = all
	mynetworks = 127.0.0.1
	mydestination = dest.example, wrong.example, expired.example,
	 failover.example, screen.example, reject.example, no-tls.example,
	 implicit.example, [192.0.2.10]
	local_recipient_maps = inline:{ bob=1 }
	smtpd_tls_cert_file = /etc/postfix/good.pem
	smtpd_tls_key_file = /etc/postfix/good.key
	smtpd_tls_security_level = may
	postscreen_pipelining_enable = yes
	postscreen_greet_action = ignore
	postscreen_access_list =
END
cat > "$work/master.cf" <<- 'END'
	192.0.2.11:smtp inet n - n - - smtpd
	 -o smtpd_tls_cert_file=/etc/postfix/expired.pem
	 -o smtpd_tls_key_file=/etc/postfix/expired.key
	192.0.2.12:smtp inet n - n - 1 postscreen
	smtpd pass - - n - - smtpd
	192.0.2.13:smtp inet n - n - - smtpd
	 -o smtpd_delay_reject=no -o smtpd_client_restrictions=reject
	192.0.2.14:smtp inet n - n - - smtpd
	 -o smtpd_tls_security_level=none
	192.0.2.10:smtp inet n - n - - smtpd
	[2001:db8::10]:smtp inet n - n - - smtpd
	127.0.0.1:smtp inet n - n - - smtpd
END
# "smtp inet" of the distribution would take all addresses.
sed -i '/^smtp  *inet/d' "$work/root/usr/share/postfix/master.cf.dist"
postfix_start "$work" || { cat "$work/root/var/log/postfix.log"; exit 4; }
log=$work/root/var/log/postfix.log

probe() { # STATUS PATTERN OPTION... : exit status, and a line of the output
	expected=$1 pattern=$2
	shift 2
	"$deadmx" probe $dns "$@" > "$work/out" 2>&1
	status=$?
	if [ "$status" -ne "$expected" ] || ! grep -qE "$pattern" "$work/out"
	then
		echo "not ok: probe $* (exit $status, expected $expected and" \
			"/$pattern/)"
		cat "$work/out"
		failed=1
	else
		echo "ok: probe $*"
	fi
}

# Postfix may need a moment until all its ports listen.
tries=0
until "$deadmx" probe 'bob@[192.0.2.10]' > /dev/null || [ $tries -ge 50 ]; do
	tries=$((tries + 1))
	sleep 0.1
done

# The resolver of the system, IPv6 first.
cp "$work/root/etc/resolv.conf" "$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf
dns=
probe 0 '^mx.dest.example \[2001:db8::10\]:25$' bob@dest.example
umount /etc/resolv.conf
dns="--dns 127.0.0.1"
probe 0 ' rcpt +250 2.1.5 Ok$' bob@dest.example
probe 0 'tls +TLSv1.3 ' bob@dest.example
probe 0 '! .* tls ' bob@dest.example
probe 0 '^ +verified$' --ca "$work/ca.pem" --tls verify bob@dest.example
probe 0 '^mx.dest.example \[192.0.2.10\]:25$' -4 bob@dest.example
probe 0 'MX record: the domain' bob@implicit.example
probe 0 'not offered: plain text' bob@no-tls.example
probe 1 'would report 454 4.7.4 ' --tls encrypt bob@no-tls.example
probe 1 'would report 454 4.7.5 ' --tls verify bob@dest.example
probe 1 'not verified: hostname mismatch' --ca "$work/ca.pem" --tls verify \
	bob@wrong.example
probe 1 'not verified: certificate has expired' --ca "$work/ca.pem" \
	--tls verify bob@expired.example
probe 0 'not verified: certificate has expired' --ca "$work/ca.pem" \
	bob@expired.example
probe 1 'would report 550 5.1.1 and send' nobody@dest.example
probe 1 'would report 554 5.7.1 ' bob@reject.example
probe 1 'would report 450 4.3.2 and try' bob@screen.example
probe 0 'off.dest.example \[192.0.2.99\]:25$' bob@failover.example
probe 0 '^1 of 2 tried' --all -4 bob@failover.example
probe 1 'would report 421 4.4.1 ' bob@off.example
probe 1 'would report 550 5.4.4 ' bob@lost.example
probe 1 'would report 550 5.1.2 ' bob@gone.example
probe 1 'would report 556 5.1.10 ' bob@null.example
probe 1 'would report 451 4.4.3 ' bob@elsewhere.test
"$deadmx" probe --json --dns 127.0.0.1 bob@dest.example > "$work/out.json"
python3 - "$work/out.json" <<- 'END' || { echo "not ok: --json"; failed=1; }
	import json, sys
	probe = json.load(open(sys.argv[1]))["probe"]
	assert probe["verdict"]["reachable"] and probe["verdict"]["code"] == 250
	assert [s["stage"] for s in probe["steps"]] == ["mx", "address",
	    "connect", "banner", "ehlo", "starttls", "tls", "ehlo", "mail",
	    "rcpt", "quit"]
	assert probe["steps"][6]["tls"]["names"] == ["mx.dest.example"]
END

# Postfix has counted what was said: never a DATA, and no message came in.
grep -q 'disconnect from .* ehlo=2 starttls=1 mail=1 rcpt=1 quit=1' "$log" ||
	{ echo "not ok: no whole session in Postfix's log"; failed=1; }
if grep -qE 'data=|bdat=|postfix/(cleanup|qmgr).*(message-id|from=)' "$log"; then
	echo "not ok: Postfix was sent a message"
	failed=1
fi

# What Postfix itself reports when it is given a message for these.
reports() { # DOMAIN DSN: its log line has this status
	chroot "$work/root" /usr/sbin/sendmail -f alice@dest.example \
		"bob@$1" < /dev/null
	tries=0
	until grep -qE "to=<bob@$1>.* dsn=" "$log" || [ $tries -ge 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	if grep -qE "to=<bob@$1>.* dsn=$2," "$log"; then
		echo "ok: Postfix reports $2 for $1"
	else
		grep "$1" "$log"
		echo "not ok: Postfix does not report $2 for $1"
		failed=1
	fi
}
reports off.example 4.4.1
reports lost.example 5.4.4
reports elsewhere.test 4.4.3
# Here the RFCs have a better code than Postfix uses: docs/probe.md.
reports gone.example 5.4.4
reports null.example 5.1.0

postfix_stop "$work"
kill $dnsmasq
exit $failed
