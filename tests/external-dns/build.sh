#!/usr/bin/env bash
# Builds external-dns into .cache/external-dns/<key>, with the definition of its kind beside it, and prints that folder.
set -euo pipefail
cd "$(dirname "$0")"
root=$(git rev-parse --show-toplevel)
key=$( { cat go.mod go.sum build.sh; go version; } | sha256sum | cut -c1-16)
out=${ECQX_CACHE:-$root/.cache}/external-dns/$key
if [ ! -e "$out/complete" ]; then
  echo "building external-dns with Go: it brings the clients of every provider, so some minutes" >&2
  mkdir -p "$out"
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out/external-dns" sigs.k8s.io/external-dns
  install -m 644 "$(go list -m -f '{{.Dir}}' sigs.k8s.io/external-dns)/charts/external-dns/crds/dnsendpoints.externaldns.k8s.io.yaml" "$out/definition.yaml"
  touch "$out/complete"
fi
echo "$out"
