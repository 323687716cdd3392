# SPDX-License-Identifier: MIT
# What the tests here say, and how they wait: for them to source. A test ends
# with `exit $failed`.
failed=0

ok() { # WHAT: it is so if the command before went well
	# shellcheck disable=SC2181
	if [ $? -eq 0 ]; then
		printf 'ok: %s\n' "$1"
	else
		printf 'not ok: %s\n' "$1"
		failed=1
		return 1
	fi
}

status() { # EXPECTED COMMAND...: output goes to the files out and err
	expected=$1
	shift
	"$@" > out 2> err
	code=$?
	[ $code -eq "$expected" ] && return 0
	echo "expected exit status $expected, got $code: $*"
	cat out err
	return 1
}

within() { # SECONDS COMMAND...: until it succeeds
	n=$(($1 * 10))
	shift
	until "$@"; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		sleep 0.1
	done
}
