#!/bin/sh
# SPDX-License-Identifier: MIT
# The judge is judged: each scenario here must give the verdict and the
# finding that its "# must:" line names.
# usage: run.sh DEADMX
deadmx=$1
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

for scenario in "$here"/*.yml; do
	set -- $(sed -n 's/^# must: //p' "$scenario")
	verdict=$1 finding=$2 name=$(basename "$scenario" .yml)
	"$deadmx" run --target postfix --out "$out" --json "$out/$name.json" \
		"$scenario" > "$out/$name.log" 2>&1
	status=$?
	case $verdict in
	fail) want=1 ;;
	error) want=4 ;;
	esac
	if [ $status -eq $want ] &&
		grep -q "\"id\": *\"$finding\"" "$out/$name.json"; then
		echo "ok: $name gives $finding"
	else
		echo "not ok: $name: expected $verdict with $finding, got" \
			"status $status:"
		cat "$out/$name.log"
		failed=1
	fi
done
exit $failed
