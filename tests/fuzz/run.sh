#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the fuzz targets and run each for a while, from the shipped files and
# what has been found before. New inputs are kept in build-fuzz/corpus.
# usage: tests/fuzz/run.sh SECONDS [TARGET...]   (targets: ndr, smtp, …)
#
# A crash, a leak, too much memory, or an input that takes more than a second
# of CPU time fails. Add such an input to tests/fuzz/seeds/TARGET, then mend it.
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
cd "$(dirname "$0")/../.." || exit 4
log=$(mktemp) || exit 4
if ! { cmake --preset fuzz && cmake --build --preset fuzz; } > "$log" 2>&1; then
	tail -n 40 "$log"
	rm "$log"
	echo "not ok: the targets can't be built"
	exit 4
fi
rm "$log"
[ $# -gt 0 ] || set -- ndr smtp scenario dns control_row

seeds() { # TARGET INTO
	cp tests/fuzz/seeds/"$1"/* "$2"
	case $1 in
	ndr) cp tests/ndr/*.eml tests/ndr/made/*.eml tests/ndr/runs/*.eml "$2" ;;
	scenario)
		for file in $(find scenarios tests -name '*.yml'); do
			cp "$file" "$2/$(echo "$file" | tr / -)"
		done
		;;
	esac
}

# Wall-clock time says nothing on a busy machine: what libFuzzer calls slow is
# measured again, in CPU time; half a second is for the start.
slow() { # PROGRAM INPUT
	python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL, timeout=600)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.exit(used.ru_utime + used.ru_stime < 1.5)' "$@"
}

fuzz() { # TARGET
	program=build-fuzz/tests/fuzz/fuzz_$1
	found=build-fuzz/found/$1
	corpus=build-fuzz/corpus/$1
	rm -rf "$found" "build-fuzz/seeds/$1"
	mkdir -p "$found" "$corpus" "build-fuzz/seeds/$1"
	seeds "$1" "build-fuzz/seeds/$1"
	"$program" -max_total_time="$seconds" -timeout=30 -report_slow_units=1 \
		-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
		-artifact_prefix="$found/" "$corpus" "build-fuzz/seeds/$1" \
		> "build-fuzz/$1.log" 2>&1
	status=$?
	for input in "$found"/slow-unit-*; do
		[ -e "$input" ] || continue
		if slow "$program" "$input"; then
			echo "slow: $input"
			status=1
		else
			rm "$input"
		fi
	done
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' \
		"build-fuzz/$1.log")
	if [ $status -eq 0 ]; then
		echo "ok: $1, $runs inputs"
	else
		tail -n 40 "build-fuzz/$1.log"
		echo "not ok: $1, see build-fuzz/found/$1"
	fi
	return $status
}

# Two at a time: a machine of CI has two cores.
failed=0
while [ $# -gt 0 ]; do
	one=$1 two=${2:-}
	shift
	[ $# -gt 0 ] && shift
	fuzz "$one" > build-fuzz/one.out 2>&1 &
	first=$!
	if [ -n "$two" ]; then
		fuzz "$two" || failed=1
	fi
	wait $first || failed=1
	cat build-fuzz/one.out
done
exit $failed
