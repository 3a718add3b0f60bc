#!/bin/bash
# arm64-node.sh DIRECTORY: fetches a Node.js for arm64 with its libraries (Debian 13) into
# DIRECTORY/root, and the command's packages for that processor into DIRECTORY/node_modules, about
# 30 MB. Prints DIRECTORY's path, the value of PORTHOLE_ARM64_NODE for the tests. Needs root and
# npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/debian-suite.sh

mkdir -p "${1:?usage: arm64-node.sh DIRECTORY}"
directory=$(realpath "$1")
if [ ! -e "$directory/complete" ]; then
  {
    use_suite "$directory/apt" trixie arm64
    apt_of_suite apt-get install --download-only --no-install-recommends --yes nodejs
    mkdir -p "$directory/root"
    for package in "$directory"/apt/cache/archives/*.deb; do dpkg-deb --extract "$package" "$directory/root"; done
    # The package base-files has this link.
    ln -sfn usr/lib "$directory/root/lib"
    rm -rf "$directory/apt"
    cp package.json package-lock.json "$directory"
    npm ci --prefix "$directory" --cpu arm64 --omit dev --ignore-scripts --no-audit --no-fund
    touch "$directory/complete"
  } >&2
fi
echo "$directory"
