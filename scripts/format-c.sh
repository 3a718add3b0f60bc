#!/bin/sh
# Formats the C sources by .clang-format. With --check it changes no file and fails if a file is
# formatted differently. Versions of clang-format other than 14 (Debian 12) break some lines
# differently, so the check is skipped without version 14.
set -eu
cd "$(dirname "$0")/.."
case "$(clang-format --version 2>&1)" in
  *"version 14."*) ;;
  *) echo "format-c.sh: skipped, needs clang-format 14 (Debian 12: apt-get install clang-format)" >&2; exit 0 ;;
esac
case "${1:-}" in --check) how="--dry-run --Werror" ;; *) how=-i ;; esac
git ls-files '*.c' '*.h' | xargs clang-format $how
