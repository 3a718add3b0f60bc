#!/bin/sh
# Makes the two images of compose.yaml from local files, without a pull.
#   porthole-demo/scratch   only one static program (test/fixtures/workload.c)
#   porthole-demo/shell     the same and Debian's static busybox
set -eu
cd "$(dirname "$0")/../.."

fail() {
    echo "images.sh: $*" >&2
    exit 1
}

command -v docker >/dev/null || fail "no docker command (Debian: apt-get install docker.io)"
busybox=$(command -v busybox) || fail "no busybox (Debian: apt-get install busybox-static)"
compiler=$(command -v musl-gcc || command -v cc) || fail "no C compiler (Debian: apt-get install gcc libc6-dev)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/scratch/log" "$work/shell/bin" "$work/shell/log" "$work/shell/tmp"
chmod 1777 "$work/scratch/log" "$work/shell/log" "$work/shell/tmp"
"$compiler" -std=c11 -Os -static -s -o "$work/scratch/workload" test/fixtures/workload.c
cp "$work/scratch/workload" "$work/shell/workload"
cp "$busybox" "$work/shell/bin/busybox"
for tool in sh cat ls ps tail; do ln -s busybox "$work/shell/bin/$tool"; done
"$work/shell/bin/busybox" true || fail "$busybox does not run"

for image in scratch shell; do
    before=$(docker images -q "porthole-demo/$image")
    tar --owner=0 --group=0 --numeric-owner -C "$work/$image" -c . |
        docker import --change 'ENTRYPOINT ["/workload"]' --change 'ENV PATH=/bin' - "porthole-demo/$image" >/dev/null
    # The previous image would stay without a name. The engine keeps it while a container uses it.
    [ -z "$before" ] || docker rmi "$before" >/dev/null 2>&1 || true
    echo "porthole-demo/$image"
done
