# To be sourced. Runs apt on another suite of the Debian mirror that the local apt uses, without
# touching apt's own lists.

# use_suite DIRECTORY SUITE [ARCHITECTURE]: keeps lists and cache in DIRECTORY and fetches the
# suite's lists. Needs root.
use_suite() {
  suite_directory=$1
  suite_architecture=${3:-$(dpkg --print-architecture)}
  local mirror
  mirror=$(debian_mirror)
  # apt knows only origins whose lists it has.
  [ -n "$mirror" ] || { apt-get update -qq && mirror=$(debian_mirror); }
  [ -n "$mirror" ] || { echo "apt has no Debian mirror: put one into /etc/apt/sources.list" >&2; return 1; }
  mkdir -p "$suite_directory/lists/partial" "$suite_directory/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main" >"$suite_directory/sources.list"
  apt_of_suite apt-get update
}

# apt_of_suite PROGRAM ARGUMENTS: runs apt-get or apt-cache with that suite alone and no installed
# packages.
apt_of_suite() {
  local program=$1
  shift
  "$program" -qq -o Dir::Etc::SourceList="$suite_directory/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State="$suite_directory" -o Dir::State::status=/dev/null -o Dir::Cache="$suite_directory/cache" \
    -o APT::Architecture="$suite_architecture" -o APT::Architectures::="$suite_architecture" -o APT::Sandbox::User=root "$@"
}

# Prints the address from which apt takes Debian's own packages. Security updates have another
# address.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 'Origin: Debian' | sed -n 's/ Debian$//p' | head -n 1
}
