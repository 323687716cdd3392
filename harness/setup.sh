#!/bin/sh
# SPDX-License-Identifier: MIT
# Install what is missing to build and run deadmx, with apt-get (Debian, Ubuntu).
# usage: harness/setup.sh [--tests]   (--tests: also what the tests need)
packages="build-essential cmake ninja-build pkg-config libuv1-dev libyaml-dev
libgmime-3.0-dev libldns-dev libnl-route-3-dev libjansson-dev libcmocka-dev
libssl-dev libspf2-dev libmicrohttpd-dev libpcre2-dev uidmap"
[ "${1:-}" = --tests ] && packages="$packages clang clang-format
swaks curl procps python3 python3-jsonschema python3-yaml util-linux iproute2 openssl
dnsmasq-base bind9-dnsutils libnet-ssleay-perl gnutls-bin"
# The fuzz targets' part of clang is a package of its own in some versions, and
# comes with clang in others.
if [ "${1:-}" = --tests ] && ! ls "$(clang -print-resource-dir 2> /dev/null)"/lib/*/libclang_rt.fuzzer*.a \
	> /dev/null 2>&1 && apt-cache show libclang-rt-dev > /dev/null 2>&1; then
	packages="$packages libclang-rt-dev"
fi

if ! command -v dpkg-query > /dev/null; then
	echo "setup.sh: no dpkg here: install these, or what your system calls" \
		"them:" $packages >&2
	exit 3
fi
missing=
for package in $packages; do
	case $(dpkg-query -W -f '${Status}' "$package" 2> /dev/null) in
	*"install ok installed"*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "setup.sh: missing packages; run this, then start again:" >&2
	echo "    sudo apt-get install$missing" >&2
	exit 3
fi
echo "setup.sh: installing$missing"
export DEBIAN_FRONTEND=noninteractive
install() {
	apt-get -o DPkg::Lock::Timeout=300 install -y \
		--no-install-recommends $missing < /dev/null > /dev/null
}
# An old package list is tried first: fetching a new one takes longer.
install 2> /dev/null && exit 0
apt-get -o DPkg::Lock::Timeout=300 update < /dev/null > /dev/null
install && exit 0
echo "setup.sh: apt-get could not install$missing" >&2
exit 3
