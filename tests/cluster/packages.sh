#!/usr/bin/env bash
# Installs the Debian packages that the local cluster and the tests use, and those that are named as arguments, where they are
# missing. Nothing is touched when none is.
set -euo pipefail
wanted=(iptables nftables conntrack iproute2 libseccomp-dev pkg-config mmdebstrap buildah sip-tester baresip-core dnsutils nsd knot knot-dnsutils ldnsutils bind9-utils unbound dnsperf faketime python3-aiosmtpd "$@")
# dnsutils is a transitional name that newer releases only provide: what it brings counts.
is_there() { case $1 in dnsutils) command -v dig ;; *) dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -x 'install ok installed' ;; esac >/dev/null; }

command -v apt-get >/dev/null || { echo "no apt-get here; install by your own means: ${wanted[*]}" >&2; exit 1; }
missing=()
for package in "${wanted[@]}"; do is_there "$package" || missing+=("$package"); done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "please let root run: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing ${missing[*]}" >&2
# Servers among them are started by the tests that use them, and not by being installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy"
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
