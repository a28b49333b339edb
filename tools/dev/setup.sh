# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

# Sourced by tools/demo, tools/test and tools/bench: makes sure that this is a machine mskpush runs
# on, installs what is missing from Debian's packages, builds. Expects $top, the source tree.
# shellcheck shell=sh

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# What it takes to build and run; tests and benchmarks add theirs.
packages_build="gcc libc6-dev meson ninja-build pkg-config python3 libdpdk-dev libipsec-mb-dev
	liblmdb-dev libmicrohttpd-dev libexpat1-dev libjansson-dev libyaml-dev libssl-dev
	libcurl4-openssl-dev libpcap-dev libcmocka-dev libcap-ng-dev libseccomp-dev libjs-chart.js scdoc"
packages_test="tshark libasan8 libubsan1 binutils procps iproute2 iputils-ping nftables dpdk-dev
	openssl systemd valgrind gnuplot-nox python3-jsonschema"
# The console's suite alone: a browser is large. A bare root has no /etc/hosts, and the browser's
# driver has to know localhost.
packages_console="chromium chromium-driver python3-selenium libnss-myhostname"
packages_bench="dpdk-dev apache2-bin gnuplot-nox iproute2"
packages_fuzz="clang libclang-rt-14-dev"
packages_install="debhelper lintian mmdebstrap uidmap git systemd"
packages_story="gnuplot-nox"

setup_fail() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	exit 2
}

setup_machine() {
	[ "$(uname -s)" = Linux ] || setup_fail "needs Linux, this is $(uname -s)"
	command -v dpkg-query >/dev/null || setup_fail "needs Debian 12: dpkg-query is not here"
	setup_arch=$(dpkg --print-architecture)
	[ "$setup_arch" = amd64 ] ||
		setup_fail "needs an amd64 machine: the crypto (Intel ipsec-mb) does not exist for $setup_arch"
}

# Prints those of the given packages that are not installed.
setup_missing() {
	for setup_package in "$@"; do
		dpkg-query -W -f '${Status}\n' "$setup_package" 2>/dev/null |
			grep -q '^install ok installed$' || printf '%s ' "$setup_package"
	done
}

setup_apt() {
	setup_as=$1
	shift
	setup_options="-q -y --no-install-recommends -o DPkg::Lock::Timeout=600"
	# shellcheck disable=SC2086
	$setup_as env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 update >&2 &&
		$setup_as env DEBIAN_FRONTEND=noninteractive apt-get $setup_options install "$@" >&2
}

# Installs what is missing of the given packages; asks dpkg first and apt only when it must.
setup_packages() {
	setup_list=$(setup_missing "$@")
	[ -n "$setup_list" ] || return 0
	printf 'Installing: %s\n' "$setup_list" >&2
	if [ "$(id -u)" = 0 ]; then
		setup_by=
	elif command -v sudo >/dev/null; then
		setup_by=sudo
	else
		printf '%s: packages are missing, and neither root nor sudo is here. As root, run:\n' \
			"${0##*/}" >&2
		printf 'apt-get update && apt-get install -y --no-install-recommends %s\n' "$setup_list"
		exit 2
	fi
	# shellcheck disable=SC2086
	setup_apt "$setup_by" $setup_list || setup_fail "packages could not be installed (see above)"
}

# Builds into the given directory. Further arguments go to meson setup.
setup_build() {
	setup_dir=$1
	shift
	if [ -e "$setup_dir" ] && [ ! -w "$setup_dir" ]; then
		setup_fail "$setup_dir belongs to $(stat -c %U "$setup_dir"): remove it, or name another one in MSKPUSH_BUILD"
	fi
	if [ ! -e "$setup_dir" ] && [ ! -w "$(dirname "$setup_dir")" ]; then
		setup_fail "cannot write to $(dirname "$setup_dir"): name a build directory in MSKPUSH_BUILD"
	fi
	if [ ! -f "$setup_dir/build.ninja" ]; then
		meson setup "$setup_dir" "$top" "$@" >&2 || setup_fail "meson setup failed (see above)"
	fi
	ninja -C "$setup_dir" >"$setup_dir/ninja.log" 2>&1 || {
		cat "$setup_dir/ninja.log" >&2
		setup_fail "the build failed (see above)"
	}
}

# As root, by sudo, or as who we are.
setup_root() {
	if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; then
		sudo "$@"
	else
		"$@"
	fi
}

# Fetches and unpacks a package, without installing it, into a fresh directory.
setup_fetch() {
	# apt-get download writes into the directory it is called in.
	(cd "$2" && apt-get -q download "$1" && dpkg -x "$1"_*.deb root) >&2
}

# Puts promtool into the given directory, out of Debian's package prometheus, whose service is not
# wanted here. Does nothing when it is there.
setup_promtool() {
	[ ! -x "$1/promtool" ] || return 0
	setup_work=$(mktemp -d)
	setup_fetch prometheus "$setup_work" || {
		setup_root apt-get -q -o DPkg::Lock::Timeout=600 update >&2
		setup_fetch prometheus "$setup_work"
	} || setup_fail "the package prometheus cannot be fetched (see above)"
	mv "$setup_work/root/usr/bin/promtool" "$1/promtool"
	rm -rf "$setup_work"
}
