# SPDX-License-Identifier: MIT
# A real Postfix beside the machine's own mail set-up: for tests to source.
#
# It runs in an overlay of "/" in which every write stays, so neither /etc nor
# a queue of the machine is touched. The script that sources this must be root
# in a mount namespace of its own (unshare -m), and in a network namespace,
# too, when Postfix is to have port 25.
#
#	postfix_root DIR DEADMX      DIR/root: the overlay, with Postfix in it
#	postfix_start DIR            with DIR/main.cf (whole) and DIR/master.cf
#	                             (lines added to the distribution's)
#	postfix_stop DIR
#	DIR/root/var/log/postfix.log is its log.

postfix_root() {
	pf_cache=${XDG_CACHE_HOME:-$HOME/.cache}/deadmx/packages
	pf_here=$(cd "$(dirname "$2")/.." && pwd)
	# A run fetches the package into the cache, if it is needed.
	"$2" run --target postfix --out "$1/fetch" \
		"$pf_here/scenarios/control/healthy.yml" > "$1/fetch.log" 2>&1 ||
		{ cat "$1/fetch.log"; return 1; }
	mkdir -p "$1/layer" "$1/root" &&
		mount -t tmpfs -o mode=755 tmpfs "$1/layer" &&
		mkdir "$1/layer/up" "$1/layer/work" &&
		mount -t overlay -o "lowerdir=/,upperdir=$1/layer/up,workdir=$1/layer/work" \
			overlay "$1/root" || return 1
	if ! [ -x /usr/sbin/postfix ]; then
		for pf_tree in "$pf_cache"/postfix_*; do
			# /lib may be a link to usr/lib, as on any Debian today.
			for pf_part in "$pf_tree"/*; do
				cp -a "$pf_part/." "$1/root/${pf_part##*/}/" ||
					return 1
			done
		done
	fi
	for pf_dir in proc dev; do
		mount --rbind "/$pf_dir" "$1/root/$pf_dir" || return 1
	done
	mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
	mount -t tmpfs tmpfs "$1/root/run"
	chroot "$1/root" sh -c '
		set -e
		grep -q ^postdrop: /etc/group || echo "postdrop:x:891:" >> /etc/group
		grep -q ^postfix: /etc/group || echo "postfix:x:890:" >> /etc/group
		grep -q ^postfix: /etc/passwd || echo \
			"postfix:x:890:890::/var/spool/postfix:/bin/false" \
			>> /etc/passwd
		rm -rf /var/spool/postfix /var/lib/postfix
		mkdir -p /var/spool/postfix /etc/postfix
		test -e /etc/postfix/dynamicmaps.cf ||
			: > /etc/postfix/dynamicmaps.cf
		chgrp postdrop /usr/sbin/postdrop /usr/sbin/postqueue
		chmod 2555 /usr/sbin/postdrop /usr/sbin/postqueue'
}

postfix_start() {
	{
		cat <<- 'END'
			compatibility_level = 3.6
			queue_directory = /var/spool/postfix
			command_directory = /usr/sbin
			daemon_directory = /usr/lib/postfix/sbin
			data_directory = /var/lib/postfix
			shlib_directory = /usr/lib/postfix
			meta_directory = /etc/postfix
			mail_owner = postfix
			setgid_group = postdrop
			maillog_file = /var/log/postfix.log
			alias_maps =
			alias_database =
		END
		cat "$1/main.cf"
	} > "$1/root/etc/postfix/main.cf" &&
		{
			sed 's/^\(\([^ ]\+ \+\)\{4\}\)[^ ]\+/\1n/' \
				"$1/root/usr/share/postfix/master.cf.dist"
			cat "$1/master.cf" 2> /dev/null
		} > "$1/root/etc/postfix/master.cf" &&
		: > "$1/root/var/log/postfix.log" &&
		chroot "$1/root" /usr/sbin/postfix start
}

postfix_stop() {
	chroot "$1/root" /usr/sbin/postfix stop > /dev/null 2>&1
}
