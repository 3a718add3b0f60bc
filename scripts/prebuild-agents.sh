#!/bin/sh
# Builds the agents that the package contains: static, with musl, one for each supported
# architecture.
#   agent/prebuilt/x64/porthole-agent  agent/prebuilt/arm64/porthole-agent
# The same sources and compilers give the same bytes. Needs Debian's musl-tools and
# gcc-aarch64-linux-gnu, on x64. The arm64 musl is Debian's musl-dev of that architecture, unpacked
# next to the build, so the machine gets no foreign architecture. MUSL_ARM64_DEB names a downloaded
# package.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "prebuild-agents: $*" >&2
    exit 1
}

[ "$(uname -m)" = x86_64 ] || fail "it cross-compiles on x86_64 only, this is $(uname -m)"
command -v musl-gcc >/dev/null || fail "no musl-gcc (Debian: apt-get install musl-tools)"
command -v aarch64-linux-gnu-gcc >/dev/null || fail "no aarch64-linux-gnu-gcc (Debian: apt-get install gcc-aarch64-linux-gnu)"

# Build one at a time: the second uses files that the first unpacks.
mkdir -p agent/build
exec 9>agent/build/.prebuild.lock
flock 9

cross=$PWD/agent/build/cross
musl=$cross/musl-arm64
specs=$cross/musl-arm64.specs

fetch_musl() {
    packages=$cross/packages
    mkdir -p "$packages/state/lists/partial" "$packages/cache/archives/partial"
    apt() {
        apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
            -o Dir::State="$packages/state" -o Dir::State::status=/dev/null -o Dir::Cache="$packages/cache" "$@"
    }
    (cd "$packages" && apt update && apt download musl-dev) ||
        fail "could not get musl-dev for arm64 with apt-get; set MUSL_ARM64_DEB to the package's file"
    MUSL_ARM64_DEB=$(ls "$packages"/musl-dev_*_arm64.deb)
}

if [ ! -e "$specs" ]; then
    mkdir -p "$cross"
    [ -n "${MUSL_ARM64_DEB:-}" ] || fetch_musl
    dpkg -x "$MUSL_ARM64_DEB" "$musl"
    sed "s|/usr/|$musl/usr/|g" "$musl/usr/lib/aarch64-linux-musl/musl-gcc.specs" >"$specs"
fi

build() {
    make -s -C agent OUT="prebuilt/$1" CC="$2" "prebuilt/$1/porthole-agent"
    echo "agent/prebuilt/$1/porthole-agent $(wc -c <"agent/prebuilt/$1/porthole-agent") bytes"
}
build x64 musl-gcc
build arm64 "aarch64-linux-gnu-gcc -specs=$specs"
