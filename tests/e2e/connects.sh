#!/bin/sh
# SPDX-License-Identifier: MIT
# Attempts that no server sees are seen as connect() calls, whatever address
# family an MTA connects with; a datagram socket's are none.
# usage: connects.sh DEADMX
deadmx=$1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

cat > "$out/refused.yml" <<- 'END'
	description: the only server refuses connections
	world:
	  until: 1h
	  servers: {mx.dest.example: {timeline: [{connect: refuse}]}}
	mail: {from: alice@sender.example, to: bob@dest.example}
	expect: {attempts: 1, ndr: none, delivered: none}
END

sees() { # FAMILY ADDRESS: of the world's first server
	cat > "$out/$1.yml" <<- END
		description: connects once by AF_$1
		start: sleep 86400
		foreground: yes
		ready: {command: "true"}
		submit:
		  sendmail: |
		    cat > /dev/null
		    python3 -c '
		    import socket
		    u = socket.socket(socket.AF_$1, socket.SOCK_DGRAM)
		    u.connect(("$2", 25))
		    s = socket.socket(socket.AF_$1)
		    print(s.connect_ex(("$2", 25)))'
		queue: {show: echo one, empty: ^none}
		documented: {source: none}
	END
	"$deadmx" run --target "$out/$1.yml" --out "$out/runs" \
		"$out/refused.yml" > "$out/log" 2>&1
	events=$(echo "$out"/runs/*/refused/"$1"/events.ndjson)
	if grep -q '"type":"connect","address":"192.0.2.10","port":25' \
		"$events" && [ "$(grep -c '"type":"connect"' "$events")" -eq 1 ]
	then
		echo "ok: $1 $2"
	else
		echo "not ok: $1 $2"
		cat "$out/log" "$events"
		failed=1
	fi
}

sees INET 192.0.2.10
sees INET6 ::ffff:192.0.2.10
exit $failed
