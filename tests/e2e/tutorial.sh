#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/tutorial.md, played from the first command to the last.
# usage: tutorial.sh PATH_OF_DEADMX
#
# In a network of its own, since the tutorial's ports are fixed ones; with a
# home folder of its own, since it makes files there.
deadmx=$(realpath "${1:-build/deadmx}")
cd "$(dirname "$0")/../.." || exit 4
if [ "$(id -u)" -ne 0 ]; then
	echo "ok: skipped, needs root for a network of its own"
	exit 0
fi
if [ -z "${TUTORIAL_INSIDE:-}" ]; then
	# The package is fetched out here, where there is a network.
	work=$(mktemp -d) || exit 4
	"$deadmx" run --target postfix --out "$work/fetch" scenarios/control/healthy.yml \
		> "$work/log" || { cat "$work/log"; rm -rf "$work"; exit 4; }
	export XDG_CACHE_HOME="${XDG_CACHE_HOME:-$HOME/.cache}"
	TUTORIAL_INSIDE=1 HOME="$work" unshare -n sh "$0" "$deadmx"
	status=$?
	rm -rf "$work"
	exit $status
fi
ip link set lo up
exec python3 tests/e2e/lib/tutorial.py docs/tutorial.md
