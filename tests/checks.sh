#!/bin/sh
# SPDX-License-Identifier: MIT
# Rules of the house that a compiler does not know.
cd "$(dirname "$0")/.." || exit 4
failed=0

none() { # WHAT: standard input must be empty; for the end of a pipe
	found=$(cat)
	[ -z "$found" ] && return 0
	echo "not ok: $1:"
	echo "$found"
	return 1
}

sources=$(git ls-files 'include/*.h' 'sim/*.[ch]' 'harness/*.[ch]' \
	'tests/*.[ch]')
product=$(git ls-files 'sim/*.[ch]' 'harness/*.[ch]')
grep -nE '\b(strcpy|strcat|sprintf|vsprintf|atoi|atol|strtok|gets|system)\(' \
	$product | none "banned calls" || failed=1
grep -nE '\b(time|clock_gettime|gettimeofday|nanosleep|usleep|sleep)\(' \
	$(echo "$product" | grep -v '^harness/clock/') |
	grep -v '^[^:]*:[0-9]*:[	 ]*[/*]' | none "the host's clock is read" || failed=1
grep -ln '#include "harness/' $(git ls-files sim include) |
	none "sim/ and include/ know nothing of harness/" || failed=1
grep -nE '#include "sim/' $(git ls-files harness) |
	none "harness/ uses sim/ through include/ only" || failed=1
for f in $sources $(git ls-files '*.sh' '*.cmake' '*CMakeLists.txt'); do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f"
done | none "no SPDX line" || failed=1
clang-format --dry-run $sources 2>&1 | grep -m 20 warning | none "format" || failed=1
exit $failed
