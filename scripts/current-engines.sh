#!/usr/bin/env bash
# Unpacks current container engines below a separate directory, for tests: Docker, containerd and
# Podman of Debian's unstable suite, with the libraries that they load. The installed packages of
# the machine do not change.
#
#   scripts/current-engines.sh DIRECTORY [SUITE]
#
# Prints the directory of the programs, for PORTHOLE_CURRENT_ENGINES. A complete directory is used
# as it is; remove it to download newer engines. Needs root, apt and about 1 GB. Installs patchelf
# if it is missing.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: $0 DIRECTORY [SUITE]" >&2; exit 2; }
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/debian-suite.sh"

suite=${2:-sid}
mkdir -p "$1"
target=$(realpath "$1")
done_mark=$target/complete
if [ -e "$done_mark" ]; then
  echo "$target/bin"
  exit
fi

programs="dockerd docker docker-proxy containerd containerd-shim-runc-v2 ctr runc podman conmon crun netavark catatonit"
packages="docker.io docker-cli containerd runc podman conmon crun netavark catatonit"

# Lists the shared libraries that the engines need, directly or through another library.
library_packages() {
  apt_of_suite apt-cache depends --recurse --important $packages |
    sed -n 's/^\(lib[a-z0-9.+-]*\|zlib1g\)\(:[a-z0-9]*\)\?$/\1/p' | grep -v -e '-dev$' -e '-perl$' -e '^libc-bin$' | sort -u
}

# Makes a program use the unpacked loader and libraries if it has an interpreter. A static program
# runs unchanged.
adopt() {
  local from=$1 to=$2
  cp "$from" "$to"
  patchelf --print-interpreter "$to" >/dev/null 2>&1 || return 0
  patchelf --force-rpath --set-interpreter "$loader" --set-rpath "$libraries" "$to"
}

command -v patchelf >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends patchelf; } >&2
work=$(mktemp -d "$target/work-XXXXXX")
trap 'rm -rf "$work"' EXIT
use_suite "$work/apt" "$suite" >&2
mkdir -p "$work/packages" "$work/root"
(cd "$work/packages" && apt_of_suite apt-get download $packages $(library_packages)) >&2
for package in "$work/packages"/*.deb; do dpkg-deb --extract "$package" "$work/root"; done

# Move them to their final place first: adopt writes that path into the programs.
rm -rf "$target/lib" "$target/bin"
mkdir "$target/bin"
multiarch=$(basename "$(dirname "$(find "$work/root" -name 'ld-linux-*.so.*' -path '*-linux-gnu/*' | head -n 1)")")
mv "$work/root/usr/lib/$multiarch" "$target/lib"
libraries=$target/lib
loader=$(find "$libraries" -maxdepth 1 -name 'ld-linux-*.so.*' | head -n 1)
for program in $programs; do
  file=$(find "$work/root/usr" -type f -name "$program" -perm -100 -not -path '*/share/*' | head -n 1)
  [ -n "$file" ] || { echo "$0: $suite has no $program in $packages" >&2; exit 1; }
  adopt "$file" "$target/bin/$program"
done
for program in dockerd containerd podman runc; do "$target/bin/$program" --version >&2; done
touch "$done_mark"
echo "$target/bin"
