#!/bin/sh
# SPDX-License-Identifier: MIT
# SMTP faults as swaks meets them: a world by hand, one conversation after the
# other, and what swaks says of each.
# usage: swaks.sh PATH_OF_DEADMX
deadmx=$(realpath "${1:-build/deadmx}")
if ! command -v swaks > /dev/null; then
	echo "ok: skipped, needs swaks"
	exit 0
fi
work=$(mktemp -d) || exit 4
failed=0
serve=

leave() {
	[ -z "$serve" ] || kill "$serve" 2> /dev/null
	rm -rf "$work"
}
trap leave EXIT

cat > "$work/world.yml" << 'END'
description: one server whose faults hang on the recipient or the sender
world:
  servers:
    mx.dest.example:
      extensions: [PIPELINING, SIZE, ENHANCEDSTATUSCODES, AUTH, STARTTLS]
      size: 64KiB
      greylist: {delay: 2s, by: [recipient], reply: 450 4.2.0 Greylisted}
      limits: {recipients: 2}
      timeline:
        - times: 1
          auth: 535 5.7.8 Wrong
        - sender: a454@dest.example
          mail: |
            454 4.7.0 One
            454 4.7.0 Two
        - sender: garbage@dest.example
          mail: garbage
        - sender: bare@dest.example
          mail: bare_lf
        - sender: slow@dest.example
          mail: {stall: 2s, reply: 451 4.7.1 Slow}
        - recipient: /^drop/
          rcpt: {drop_after: 5}
        - recipient: /^reset/
          rcpt: reset
        - recipient: early@dest.example
          body: 552 5.3.4 Enough of it
        - recipient: twice@dest.example
          attempt: 1..2
          rcpt: 421 4.3.2 {host} is going down
        - recipient: raw@dest.example
          dot: {raw: "250-One\r\n450 4.0.0 Two\r\n"}
        - starttls: 454 4.7.0 TLS not available
mail: {from: a@src.example, to: b@dest.example}
expect: {ndr: none}
END
"$deadmx" serve --port 0 --dns-port 0 --quiet --out "$work/events" \
	--messages "$work" "$work/world.yml" > "$work/serve" 2>&1 &
serve=$!
tries=0
until grep -q '^Ready' "$work/serve"; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ]; then
		echo "not ok: the world does not come up"
		cat "$work/serve"
		exit 1
	fi
	sleep 0.1
done
port=$(sed -n 's/.* port \([0-9]*\) .*mx.dest.example, MX.*/\1/p' \
	"$work/serve")
host=$(sed -n 's/^SMTP  \([^ ]*\).*mx.dest.example, MX.*/\1/p' "$work/serve")

# swaks marks what the server says by "<- " or "<** ".
talk() { # NAME STATUS PATTERN OPTION...: what swaks ends with and hears
	name=$1 want=$2 pattern=$3
	shift 3
	swaks --server "$host" --port "$port" --helo client.example \
		--from s@src.example --to known@dest.example "$@" \
		> "$work/said" 2>&1
	got=$?
	if [ "$got" -eq "$want" ] && grep -qE "$pattern" "$work/said"; then
		echo "ok: $name"
		return
	fi
	echo "not ok: $name: status $got, expected $want and $pattern"
	cat "$work/said"
	failed=1
}

logged() { # NAME PATTERN: the event log holds it
	if grep -qE "$2" "$work/events"; then
		echo "ok: $1"
		return
	fi
	echo "not ok: $1"
	failed=1
}

talk "greylisted" 24 '^<\*\* 450 4.2.0 Greylisted'
sleep 2.1
talk "known after the delay" 0 '^<-  250 2.0.0 Message accepted'
talk "AUTH refused once" 28 '^<\*\* 535 5.7.8 Wrong' \
	--auth PLAIN --auth-user me --auth-password secret
talk "AUTH PLAIN" 0 '^<-  235 2.7.0' \
	--auth PLAIN --auth-user me --auth-password secret
talk "AUTH LOGIN" 0 '^<-  235 2.7.0' \
	--auth LOGIN --auth-user me --auth-password secret
talk "STARTTLS refused" 29 '^<\*\* 454 4.7.0 TLS not available' --tls
talk "a reply of two lines" 23 '^<\*\* 454 4.7.0 Two' --from a454@dest.example
talk "garbage at mail" 23 '' --from garbage@dest.example
talk "bare LF is taken" 0 '^<-  250 2.0.0 Message accepted' \
	--from bare@dest.example
talk "a slow refusal" 23 '^<\*\* 451 4.7.1 Slow' --from slow@dest.example
talk "dropped in a reply" 6 'Remote host closed|closed.*unexpectedly' \
	--to drop@dest.example
talk "reset at rcpt" 6 'closed|reset' --to reset@dest.example
talk "421 at the first attempt" 24 '^<\*\* 421 4.3.2 mx.dest.example is' \
	--to twice@dest.example
talk "421 at the second" 24 '^<\*\* 421' --to twice@dest.example
talk "greylisted at the third" 24 '^<\*\* 450 4.2.0' --to twice@dest.example
talk "one recipient too many" 0 '^<\*\* 452 4.5.3 Too many recipients' \
	--to known@dest.example,known@dest.example,known@dest.example
head -c 70000 /dev/zero | tr '\0' 'x' | fold -w 70 > "$work/big"
talk "too big" 26 '^<\*\* 552 5.3.4' --body "@$work/big"
talk "greylisted: early" 24 '450' --to early@dest.example
talk "greylisted: raw" 24 '450' --to raw@dest.example
sleep 2.1
talk "refused before the dot" 26 '^<\*\* 552 5.3.4 Enough' \
	--to early@dest.example
talk "a reply of two minds" 26 '^<\*\* 450 4.0.0 Two' --to raw@dest.example

logged "rules are faults with their line" \
	'"fault".*"rcpt".*"reply".*450 4.2.0 Greylisted.*"line": ?7'
logged "a masked AUTH" '"line": ?"AUTH PLAIN \*"'
if grep -qE 'AG1lAHNlY3JldA|c2VjcmV0|bWU=' "$work/events"; then
	echo "not ok: credentials in the event log"
	failed=1
fi
exit $failed
