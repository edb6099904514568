#!/usr/bin/env bash
# Builds the cluster's binaries (go.mod's tools, and pause) into .cache/cluster/<key>/bin and prints that folder. The key covers
# all that goes into them, so an old build is never taken for a new one.
set -euo pipefail
cd "$(dirname "$0")"
root=$(git rev-parse --show-toplevel 2>/dev/null || (cd ../.. && pwd))
tags="seccomp no_btrfs no_devmapper no_zfs"
version=v1.37.2
ldflags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do ldflags+=" -X $package.gitVersion=$version"; done
ldflags+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"
command -v go >/dev/null || { echo "the cluster's binaries are built with Go; install Go $(awk '/^go /{print $2}' go.mod)" >&2; exit 1; }
key=$( { cat go.mod go.sum build.sh pause/main.go; go version; } | sha256sum | cut -c1-16)
out=${ECQX_CACHE:-$root/.cache}/cluster/$key
if [ ! -e "$out/complete" ]; then
  mkdir -p "$out/bin"
  exec 9>"$out/lock"
  flock 9 # another test may be building the same
fi
if [ ! -e "$out/complete" ]; then
  pkg-config --exists libseccomp || { echo "libseccomp's headers are missing: run tests/cluster/packages.sh" >&2; exit 1; }
  started=$(date +%s)
  echo "building the cluster's binaries with Go: 10 to 15 minutes the first time, seconds with a warm build cache" >&2
  for tool in $(awk '/^tool \(/{t=1;next} t&&/^\)/{t=0} t{print $1} /^tool [^(]/{print $2}' go.mod); do
    name=$(basename "$tool")
    case $tool in go.etcd.io/etcd/server/v3) name=etcd ;; esac
    CGO_ENABLED=1 go build -trimpath -tags "$tags" -ldflags "$ldflags" -o "$out/bin/$name" "$tool"
    printf '  %4ds  %s\n' "$(($(date +%s) - started))" "$name" >&2
  done
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out/bin/pause" ./pause
  touch "$out/complete"
fi
echo "$out/bin"
