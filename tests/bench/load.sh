#!/bin/bash
# SPDX-License-Identifier: MIT
# How much mail `deadmx serve` takes, beside Postfix's own smtp-sink in the same
# run, and what ten thousand stalled clients cost. Not part of the tests: it
# prints figures, as ratios where they hang on the machine, and fails where a
# promise of docs/performance.md is broken.
# usage: tests/bench/load.sh [DEADMX]
#
# On loopback, ports 2525 to 2527; as root in a network namespace of its own,
# where these are free. smtp-source and smtp-sink are those of the
# package that a run has fetched; the machine's own mail set-up isn't touched.
here=$(cd "$(dirname "$0")" && pwd)
deadmx=$(realpath "${1:-$here/../../build/deadmx}")
rounds=${ROUNDS:-5} clients=${CLIENTS:-10000}
if [ "$(id -u)" -eq 0 ] && [ -z "${LOAD_INSIDE:-}" ]; then
	# The package is fetched out here, where there is a network.
	"$deadmx" run --target postfix --out "${TMPDIR:-/tmp}/deadmx-load-$$" \
		"$here/../../scenarios/control/healthy.yml" > /dev/null 2>&1
	rm -rf "${TMPDIR:-/tmp}/deadmx-load-$$"
	LOAD_INSIDE=1 exec unshare -n bash "$0" "$deadmx"
fi
[ -z "${LOAD_INSIDE:-}" ] || ip link set lo up
work=$(mktemp -d) || exit 1
pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
failed=0

promise() { # WHAT COMMAND...: a line, and what it is
	what=$1
	shift
	if "$@"; then
		echo "ok: $what"
	else
		echo "NOT ok: $what"
		failed=1
	fi
}
at_least() { # A B: numbers with a point, as [ ] doesn't know them
	awk "BEGIN { exit !($1 >= $2) }"
}

ticks() { # PID: of the processor, 100 a second
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# --- tools ------------------------------------------------------------------

tree=$(ls -d "${XDG_CACHE_HOME:-$HOME/.cache}"/deadmx/packages/postfix_* \
	2>/dev/null | tail -n 1)
export LD_LIBRARY_PATH=$tree/usr/lib/postfix
sink=$tree/usr/sbin/smtp-sink source=$tree/usr/sbin/smtp-source
if [ -z "$tree" ]; then # installed here
	unset LD_LIBRARY_PATH
	sink=$(command -v smtp-sink) source=$(command -v smtp-source)
fi

cat > "$work/healthy.yml" << 'END'
description: A server that takes all, to see how much.
world:
  servers:
    mx.dest.example:
mail: {from: a@src.example, to: b@dest.example}
expect: {faults: none}
END
cat > "$work/stalled.yml" << 'END'
description: The first ten thousand get no greeting for a day.
world:
  servers:
    mx.dest.example:
      timeline:
        - connection: 1..10000
          banner: stall 1d
mail: {from: a@src.example, to: b@dest.example}
expect: {ndr: none}
END

within() { # PID COMMAND...: wait until it succeeds, while the process lives
	who=$1
	shift
	until "$@" 2>/dev/null; do
		kill -0 "$who" 2>/dev/null || {
			echo "ended too early:"
			cat "$work"/serve.* "$work"/sink 2>/dev/null
			exit 1
		}
		sleep 0.1
	done
}
serve() { # PORT SCENARIO OPTION...
	port=$1 scenario=$2
	shift 2
	"$deadmx" serve --port "$port" --dns-port 0 --control none --quiet \
		--out "$work/events.$port" "$@" "$scenario" \
		> "$work/serve.$port" 2>&1 &
	pid=$!
	pids="$pids $pid"
	within "$pid" grep -q '^Ready' "$work/serve.$port"
}

# --- messages a second ------------------------------------------------------

rate() { # ADDRESS SESSIONS MESSAGES PID: messages a second, ticks used
	start=$(date +%s%N) used=$(ticks "$4")
	"$source" -s "$2" -m "$3" -l 1000 -f a@src.example -t b@dest.example \
		$options "inet:$1" > "$work/source" 2>&1 || {
		echo "smtp-source failed: $(cat "$work/source")" >&2
		return 1
	}
	end=$(date +%s%N)
	echo $(($3 * 1000000000 / (end - start))) $(($(ticks "$4") - used))
}
over() { # A B: A / B
	awk "BEGIN { printf \"%.2f\", $1 / $2 }"
}
sum() { # of the second column
	awk '{ n += $2 } END { print n }'
}
median() { # of the first column
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
compare() { # SESSIONS MESSAGES: turn and turn about, the medians
	rm -f "$work/rate".*
	for _ in $(seq "$rounds"); do
		rate 127.0.0.1:2527 "$1" "$2" $sink_pid >> "$work/rate.sink"
		rate 127.0.2.10:2525 "$1" "$2" $out_pid >> "$work/rate.out"
		rate 127.0.2.10:2526 "$1" "$2" $store_pid >> "$work/rate.store"
	done
	base=$(median < "$work/rate.sink")
	ratio=$(over "$(median < "$work/rate.out")" "$base")
	echo "$1 sessions${options:+ (kept open)}: smtp-sink $base/s; deadmx" \
		"$ratio times as many, with $(over "$(sum < "$work/rate.out")" \
		"$(sum < "$work/rate.sink")") times the processor time;" \
		"messages stored, too:" \
		"$(over "$(median < "$work/rate.store")" "$base") times as many"
	promise "at least as many as smtp-sink" at_least "$ratio" 1
}

echo "== messages a second, event log on"
serve 2525 "$work/healthy.yml"
out_pid=$pid
serve 2526 "$work/healthy.yml" --messages "$work/messages"
store_pid=$pid
user=
[ "$(id -u)" -eq 0 ] && user="-u nobody"
cd / || exit 1
"$sink" $user 127.0.0.1:2527 1000 > "$work/sink" 2>&1 &
sink_pid=$!
pids="$pids $sink_pid"
within $sink_pid bash -c 'exec 3<> /dev/tcp/127.0.0.1/2527'
for options in "" "-d"; do
	compare 1 2000
	compare 50 5000
done
kill $pids
wait
pids=

# --- ten thousand that wait -------------------------------------------------

echo "== $clients clients that get no greeting"
ulimit -n "$(ulimit -H -n)"
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -gt $((clients + 100)) ] || {
	clients=$(($(ulimit -n) - 200))
	echo "no more than $clients: the limit of open files"
}
rss() { # PID: KiB
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}
switches() { # PID: how often it woke
	awk '/^voluntary/ { print $2 }' "/proc/$1/status"
}
serve 2525 "$work/stalled.yml"
before=$(rss $pid)
python3 - "$clients" "$work" << 'END' &
import socket, sys, time
count, work = int(sys.argv[1]), sys.argv[2]
waiting = [socket.create_connection(("127.0.2.10", 2525))
           for _ in range(count)]
open(work + "/connected", "w").close()
while True:
    time.sleep(60)
END
pids="$pids $!"
within "$pid" [ -e "$work/connected" ]
sleep 2
after=$(rss $pid)
each=$(awk "BEGIN { printf \"%.2f\", ($after - $before) / $clients }")
echo "resident: $before KiB, then $after KiB, $each KiB each"
promise "at most 8 KiB each" at_least 8 "$each"

used=$(ticks $pid) woke=$(switches $pid)
sleep 10
used=$(($(ticks $pid) - used)) woke=$(($(switches $pid) - woke))
echo "ten seconds of waiting: $used ticks of 10 ms, woken $woke times"
promise "no fault costs CPU while it waits" [ "$used" -le 1 ]
promise "nobody wakes it" [ "$woke" -le 10 ]

python3 - > "$work/latency" << 'END'
import socket, time
took = []
for _ in range(200):
    begun = time.monotonic()
    s = socket.create_connection(("127.0.2.10", 2525))
    f = s.makefile("rb")
    f.readline()
    for line in (b"HELO x\r\n", b"MAIL FROM:<a@src.example>\r\n",
                 b"RCPT TO:<b@dest.example>\r\n", b"DATA\r\n",
                 b"Subject: x\r\n\r\nx\r\n.\r\n", b"QUIT\r\n"):
        s.sendall(line)
        f.readline()
    took.append((time.monotonic() - begun) * 1000)
    s.close()
took.sort()
print("%.2f %.2f %.2f" % (took[100], took[197], took[-1]))
END
read -r middle high worst < "$work/latency"
echo "others, connection to QUIT: median $middle ms, 99 in a hundred" \
	"within $high ms, at most $worst ms"
promise "others are served in under 10 ms" at_least 10 "$high"
kill $pids
wait
pids=

# --- and otherwise ----------------------------------------------------------

cat > "$work/faults.yml" << 'END'
description: Servers that stop at different stages, and a healthy one.
world:
  servers:
    mx.healthy.example:
    mx.rcpt.example: {timeline: [rcpt: stall]}
    mx.pulled.example: {timeline: [rcpt: half_open]}
    mx.deaf.example: {timeline: [body: stop_reading]}
    mx.hole.example: {timeline: [connect: blackhole]}
mail: {from: a@src.example, to: b@healthy.example}
expect: {ndr: none}
END
hold() { # ADDRESS COUNT [COMMAND...]
	serve 2525 "$work/faults.yml"
	python3 "$here/hold.py" "$pid" "$1" 127.0.2.10 2525 "${@:2}" || failed=1
	kill $pids
	wait
	pids=
}
set -- "EHLO a.example" "MAIL FROM:<a@src.example>" "RCPT TO:<b@dest.example>"
echo "== stalled at RCPT"
hold 127.0.2.11 "$clients" "$@"
echo "== half-open"
hold 127.0.2.12 1000 "$@"
echo "== a closed window in the body"
hold 127.0.2.13 1000 "$@" DATA "Subject: x"
echo "== SYNs into a blackhole"
hold 127.0.2.14 -1000
exit $failed
