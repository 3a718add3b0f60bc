# Sourced: apt over another suite of the Debian mirror that this machine's apt uses, without touching its own lists.

# use_suite DIRECTORY SUITE: keeps lists and cache in DIRECTORY and fetches the suite's lists. Needs root.
use_suite() {
  suite_directory=$1
  local mirror
  mirror=$(debian_mirror)
  # apt knows of an origin only what it has lists of.
  [ -n "$mirror" ] || { apt-get update -qq && mirror=$(debian_mirror); }
  [ -n "$mirror" ] || { echo "apt has no Debian mirror: put one into /etc/apt/sources.list" >&2; return 1; }
  mkdir -p "$suite_directory/lists/partial" "$suite_directory/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main" >"$suite_directory/sources.list"
  apt_of_suite apt-get update
}

# apt_of_suite PROGRAM ARGUMENTS: apt-get or apt-cache, which then know that suite alone and no installed package.
apt_of_suite() {
  local program=$1
  shift
  "$program" -qq -o Dir::Etc::SourceList="$suite_directory/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State="$suite_directory" -o Dir::State::status=/dev/null -o Dir::Cache="$suite_directory/cache" \
    -o APT::Sandbox::User=root "$@"
}

# The address from which apt takes Debian's own packages; security updates come from another.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 'Origin: Debian' | sed -n 's/ Debian$//p' | head -n 1
}
