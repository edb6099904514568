#!/usr/bin/env bash
# Builds the images into .cache/images/<key>/NAME.tar (docker-archive) and prints a line `NAME=reference file` for each.
#   images/build.sh [product|pbx|phones|all]
# The key, and the tag, cover all that goes into an image: an unchanged one is not built again, a stale one never used.
#   BASE=debian:forky-slim   take this base image from a registry; without it one is made by mmdebstrap from the Debian
#                            archive that this machine's apt uses (DEBIAN_MIRROR=URL names another)
#   PREBUILT=1               take the programs in dist/ as they are; without it they are built by cargo
#   ECQX_CACHE=DIR           in place of .cache. To get Debian's newest packages, remove images/ in it.
set -euo pipefail
cd "$(dirname "$0")/.."
# Mounts that the builder makes end with this script.
if [ "$(id -u)" -eq 0 ] && [ -z "${ECQX_IN_NAMESPACE:-}" ]; then
  ECQX_IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
suite=forky
cache=${ECQX_CACHE:-$PWD/.cache}/images
store=$cache/storage
kept=3
started=$SECONDS
export BUILDAH_ISOLATION=chroot

say() { printf '  %4ds  %s\n' "$((SECONDS - started))" "$*" >&2; }
fail() { echo "$*" >&2; exit 1; }
key_of() { cat "$@" | sha256sum | cut -c1-12; }
build() { buildah --root "$store/root" --runroot "$store/run" --storage-driver overlay "$@"; }

# Runs quietly; what it said is shown when it fails.
quietly() {
  local log; log=$(mktemp)
  if ! "$@" > "$log" 2>&1; then tail -n 60 "$log" >&2; rm -f "$log"; return 1; fi
  rm -f "$log"
}

# The archive of the first source that is not for security updates.
mirror() {
  local urls
  urls=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null \
    | awk '$1 == "URIs:" {print $2} $1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; break}}')
  grep -E '/debian/?$' <<< "$urls" | head -n 1
}

# All programs in one build, always the same: cargo compiles shared crates anew when another set of packages asks for them.
programs() {
  local all=(ecqx-operator ecqx-portal-bridge ecqx-dns pbx-agent) program
  if [ -z "${PREBUILT:-}" ]; then
    say "cargo build --release"
    quietly cargo build --release "${all[@]/#/--package=}" || fail "cargo could not build ${all[*]}"
  fi
  mkdir -p dist
  for program in "${all[@]}"; do
    [ -n "${PREBUILT:-}" ] || cmp -s "target/release/$program" "dist/$program" || cp "target/release/$program" dist/
    [ -x "dist/$program" ] || fail "dist/$program is missing: leave PREBUILT out, or put it there"
  done
  if [ -z "${PREBUILT:-}" ]; then
    quietly cc -shared -fPIC -O2 -Wall -Wextra -Werror -o dist/forbidden.so pbx/preload/forbidden.c \
      || fail "the C compiler could not build pbx/preload/forbidden.c"
  fi
  [ -e dist/forbidden.so ] || fail "dist/forbidden.so is missing: leave PREBUILT out, or put it there"
}

# Prints the base image's name; makes it when there is none.
base() {
  if [ -n "${BASE:-}" ]; then echo "$BASE"; return; fi
  local archive=${DEBIAN_MIRROR:-$(mirror)} name options=()
  [ -n "$archive" ] || fail "no Debian archive among this machine's apt sources: set DEBIAN_MIRROR, or BASE with a registry"
  name=localhost/ecqx-base:$(key_of <(declare -f base; echo "$suite $archive"))
  if ! build inspect --type image "$name" > /dev/null 2>&1; then
    say "base: Debian $suite by mmdebstrap"
    local dir; dir=$(mktemp -d "$cache/base.XXXXXX")
    # An archive that this machine's apt takes though it has not been renewed, as a snapshot of it, is taken here too.
    if [ "$(apt-config dump --format '%v' Acquire::Check-Valid-Until)" = false ]; then
      options=(--aptopt='Acquire::Check-Valid-Until "false"')
    fi
    quietly mmdebstrap --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' "${options[@]}" "$suite" "$dir/base.tar" "deb $archive $suite main" \
      || { rm -rf "$dir"; fail "mmdebstrap could not make the base image from $archive"; }
    printf 'FROM scratch\nADD base.tar /\nCMD ["/bin/sh"]\n' > "$dir/Containerfile"
    quietly build build -t "$name" -f "$dir/Containerfile" "$dir"
    rm -rf "$dir"
  fi
  echo "$name"
}

# image NAME REPOSITORY CONTAINERFILE STAGE INPUT...: STAGE is what the last stage builds on; it is named, so that it is
# kept, and installed again only when the file changes up to its end.
image() {
  local name=$1 repository=$2 file=$3 stage=$4 from head key reference archive
  shift 4
  from=$(base)
  key=$(key_of <(echo "$from") images/build.sh "$file" "$@")
  reference=$repository:$key
  archive=$cache/$key/$name.tar
  if [ ! -e "$archive" ]; then
    mkdir -p "$cache/$key"
    head=localhost/ecqx-stage-$name:$(key_of <(echo "$from") <(sed '/^COPY/,$d' "$file"))
    local options=(--layers -f "$file" --build-arg "BASE=$from")
    [ -n "${BASE:-}" ] || options+=(--pull-never)
    if ! build inspect --type image "$head" > /dev/null 2>&1; then
      say "$name: stage $stage"
      quietly build build "${options[@]}" --target "$stage" -t "$head" . || fail "stage $stage of $file failed"
    fi
    say "$name: $reference"
    quietly build build "${options[@]}" -t "$reference" . || fail "$file failed"
    rm -f "$archive.new"
    quietly build push "$reference" "docker-archive:$archive.new:$reference" || fail "$reference could not be written"
    mv "$archive.new" "$archive"
    quietly build rmi "$reference" || true
    say "$name: $(du -h "$archive" | cut -f1)"
    forget "$name" "$head" "$from"
  fi
  touch "$cache/$key"
  echo "$name=$reference $archive"
}

# forget NAME STAGE BASE: keeps the newest archives of an image, and of its bases the one in use.
forget() {
  local old
  # shellcheck disable=SC2012 # the names are keys: hex digits
  ls -t "$cache"/*/"$1.tar" | tail -n "+$((kept + 1))" | while read -r old; do rm -rf "$(dirname "$old")"; done
  # Nothing to forget is no failure, though grep says so.
  { build images --format '{{.Name}}:{{.Tag}}' | grep -E "^localhost/ecqx-(stage-$1|base):" | grep -vxF -e "$2" -e "$3" || true; } \
    | while read -r old; do quietly build rmi "$old" || true; done
}

product() { image product ecqx/operator Containerfile rootfs dist/ecqx-{operator,portal-bridge,dns}; }
pbx() { image pbx ecqx/pbx pbx/Containerfile asterisk dist/pbx-agent dist/forbidden.so; }
phones() { image phones ecqx/phones tests/phones/Containerfile tools tests/phones/*.xml tests/phones/README.md; }

command -v buildah > /dev/null || fail "buildah is missing; tests/cluster/packages.sh installs it"
[ -n "${BASE:-}" ] || command -v mmdebstrap > /dev/null || fail "mmdebstrap is missing; tests/cluster/packages.sh installs it"
mkdir -p "$store"
exec 9> "$cache/lock"
flock 9 # another build may be under way
case ${1:-all} in
  product | pbx) programs; "$1" ;;
  phones) phones ;;
  all) programs; product; pbx; phones ;;
  *) fail "images/build.sh [product|pbx|phones|all]" ;;
esac
