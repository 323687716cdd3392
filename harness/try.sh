#!/bin/sh
# SPDX-License-Identifier: MIT
# Set up, build, and run the main job: the four families of dead destinations
# against Postfix with its default timers, five days each. Further arguments
# go to `deadmx run`.
set -e
cd "$(dirname "$0")/.."
harness/setup.sh
cmake --preset release > /dev/null
cmake --build --preset release --target deadmx
exec build/deadmx run --target postfix --out deadmx-out "$@" \
	scenarios/offline/refused_expires.yml \
	scenarios/tempfail/rcpt_451_expires.yml \
	scenarios/timeout/banner_stalls.yml \
	scenarios/proxy/socketerror_expires.yml
