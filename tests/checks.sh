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

product=$(find sim harness include -name '*.[ch]' | sort)
sources=$product' '$(find tests -name '*.[ch]' | sort)
grep -nE '\b(strcpy|strcat|sprintf|vsprintf|atoi|atol|strtok|gets|system)\(' \
	$product | none "banned calls" || failed=1
grep -nE '\b(time|clock_gettime|gettimeofday|nanosleep|usleep|sleep)\(' \
	$(echo "$product" | grep -v '^harness/clock/') |
	grep -v '^[^:]*:[0-9]*:[	 ]*[/*]' | none "the host's clock is read" || failed=1
grep -ln '#include "harness/' $(find sim include -type f) |
	none "sim/ and include/ know nothing of harness/" || failed=1
grep -nE '#include "sim/' $(find harness -name '*.[ch]') |
	none "harness/ uses sim/ through include/ only" || failed=1
for f in $sources CMakeLists.txt $(find cmake harness \
	tests -name '*.sh' -o -name '*.cmake' -o -name CMakeLists.txt); do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f"
done | none "no SPDX line" || failed=1
# Each version of clang-format formats a little differently.
case $(clang-format --version 2> /dev/null) in
*"version 14."*)
	clang-format --dry-run $sources 2>&1 | grep -m 20 warning |
		none "format" || failed=1
	;;
*) echo "ok: format not checked, needs clang-format 14" ;;
esac
exit $failed
