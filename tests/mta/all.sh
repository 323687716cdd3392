#!/bin/sh
# SPDX-License-Identifier: MIT
# A dead destination of each of the four kinds, the controls and the
# recoveries, on each MTA that deadmx knows, but for those that can't be had
# here (Haraka, where there is no node). Exit status: deadmx run's.
# usage: all.sh DEADMX [TARGET...]
deadmx=$1
[ -n "$deadmx" ] || {
	echo "usage: all.sh DEADMX [TARGET...]" >&2
	exit 2
}
shift
here=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
[ $# -gt 0 ] || set -- all

targets=
for name in "$@"; do
	targets="$targets --target $name"
done
cd "$here" || exit 1
# shellcheck disable=SC2086 # names of targets have no blanks
"$deadmx" run $targets -j "${JOBS:-$(nproc)}" --out "$out" \
	scenarios/control scenarios/recover \
	scenarios/offline/refused_expires.yml \
	scenarios/tempfail/rcpt_451_expires.yml \
	scenarios/timeout/banner_stalls.yml \
	scenarios/proxy/socketerror_expires.yml
