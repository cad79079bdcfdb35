# shellcheck shell=bash
# Install packages with apt, from the machine's own mirror.
#
# In:      package names and a reason
# Out:     apt_install, apt_fetch, buildah_ready, debian_sources
# Touches: dpkg's state, by apt-get; package lists of our own under $SY_RUN, so that the
#          machine's own lists and sources stay as they are

# shellcheck source=/dev/null
SY_DISTRO=$(. /etc/os-release && echo "$ID")
# shellcheck source=/dev/null
SY_SUITE=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
SY_APT=()

# Out: the machine's apt sources, one "URI SUITE" a line, from both file formats.
apt_sources() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] || continue
    sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+) +([^ ]+) .*/\2 \3/p' "$file"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    awk '/^URIs:/ {uri = $2} /^Suites:/ {for (i = 2; i <= NF; i++) print uri, $i}' "$file"
  done
}

# In: a suite. Out: the sources of Debian's main section for it, as this machine reaches them.
debian_sources() {
  local mirror security
  mirror=$(apt_sources | awk '$1 ~ /\/debian\/?$/ {print $1; exit}')
  security=$(apt_sources | awk '$1 ~ /debian-security\/?$/ {print $1; exit}')
  [ -n "$mirror" ] || return 0
  printf 'deb %s %s main\ndeb %s %s-updates main\n' "$mirror" "$1" "$mirror" "$1"
  [ -z "$security" ] || printf 'deb %s %s-security main\n' "$security" "$1"
}

# Debian 12 has an engine of 2020: its newer packages come from the next suite, and nothing else does.
needs_next_suite() { [ "$SY_DISTRO $SY_SUITE" = "debian bookworm" ]; }

apt_ready() {
  [ ${#SY_APT[@]} -eq 0 ] || return 0
  have apt-get || die "apt-get not found: Stackyard's scripts know Debian and Ubuntu (elsewhere install docker, buildx and docker-registry by hand)"
  local dir=$SY_RUN/apt.$$
  SY_APT=(-qq -o Acquire::Retries=3 -o Acquire::Languages=none -o Dpkg::Use-Pty=0
    -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)
  if needs_next_suite && [ -n "$(debian_sources bookworm)" ]; then
    mkdir -p "$dir/lists/partial"
    { debian_sources bookworm; debian_sources bookworm | sed -n '1s/bookworm/trixie/p'; } |
      sed 's,^deb ,deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ,' >"$dir/sources.list"
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >"$dir/preferences"
    SY_APT+=(-o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=-
      -o "Dir::State::lists=$dir/lists" -o "Dir::Etc::preferences=$dir/preferences")
  fi
  as_root apt-get "${SY_APT[@]}" update || say "apt-get update reported a problem; going on with what it got"
  on_exit as_root rm -rf "$dir"
}

# In: a reason, package names (NAME or NAME/SUITE). Says what and why, then installs.
apt_install() {
  local reason=$1 log=$SY_RUN/apt-install.log
  shift
  [ $# -gt 0 ] || return 0
  say "installing with apt: $* (why: $reason)"
  apt_ready
  as_root env DEBIAN_FRONTEND=noninteractive apt-get "${SY_APT[@]}" install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { tail -n 15 "$log" >&2; die "apt could not install $* (whole log: $log)"; }
}

# CI has the second engine, too: 30 s, and the live suite fails without it. Elsewhere nobody gets a package more:
# its tests skip, and say what adds it.
buildah_ready() {
  [ -n "${CI:-}" ] || return 0
  have buildah && have podman || apt_install "the live suite tests a second engine" buildah podman runc
}

# In: a folder, package names. Downloads the packages there without installing them.
apt_fetch() {
  local dir=$1
  shift
  say "downloading with apt, not installing: $*"
  apt_ready
  (cd "$dir" && apt-get "${SY_APT[@]}" download "$@") >&2
}
