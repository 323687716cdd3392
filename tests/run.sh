#!/bin/sh
# SPDX-License-Identifier: MIT
# Set up, build, and pass all tests. Ends with "N passed, N failed".
cd "$(dirname "$0")/.." || exit 4
harness/setup.sh --tests || exit
passed=0 failed=0
log=$(mktemp) || exit 4
trap 'rm -f "$log"' EXIT

step() { # NAME COMMAND...
	name=$1
	shift
	echo "== $name"
	if "$@" > "$log" 2>&1; then
		passed=$((passed + 1))
		grep -E '^(ok|caught|[0-9]+% tests passed)' "$log"
		echo "ok: $name"
	else
		failed=$((failed + 1))
		tail -n 200 "$log"
		echo "not ok: $name"
	fi
}

build() { # PRESET
	cmake --preset "$1" -DDEADMX_WERROR=ON && cmake --build --preset "$1"
}

step "source checks" sh tests/checks.sh
step "build, gcc" build release
step "build, clang" build clang
step "build, ASan and UBSan" build asan
step "tests, gcc" ctest --test-dir build --output-on-failure -j2
step "tests, clang" ctest --test-dir build-clang --output-on-failure -j2
# Leaks are looked for, too: what runs traced has no sanitizer in it, or turns
# LeakSanitizer off for itself.
step "tests, ASan and UBSan" ctest --test-dir build-asan --output-on-failure \
	-j2
step "fuzzing, a minute each" sh tests/fuzz/run.sh 60
deadmx=$PWD/build/deadmx
for test in tests/e2e/*.sh tests/mustfail/run.sh tests/mutants/run.sh \
	tests/mta/ci.sh; do
	step "$test" sh "$test" "$deadmx"
done
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
