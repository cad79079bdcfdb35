# shellcheck shell=bash
# The two base images that the example and the live tests ask for, under the names they ask for.
#
# In:      an engine that answers; /usr/local/share/ca-certificates/*.crt, if the machine has its own
# Out:     bases_ready; images debian:bookworm-slim and busybox:1.36 in the engine
# Touches: these two names in the engine, if it does not have them; $SY_CACHE/bases (kept between runs);
#          the packages mmdebstrap and debian-archive-keyring, where no public registry can be pulled from

BASES=(debian:bookworm-slim busybox:1.36)
CA_FOLDER=/usr/local/share/ca-certificates
CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt

has_custom_ca() { compgen -G "$CA_FOLDER/*.crt" >/dev/null; }

# Out: a short name for "these certificates, this recipe", so that a change of either makes a new base.
base_recipe() { { echo 1; cat "$CA_FOLDER"/*.crt 2>/dev/null || true; } | sha256sum | cut -c1-12; }

can_pull() {
  timeout 8 python3 - <<'P' 2>/dev/null
import urllib.error, urllib.request
try:
    urllib.request.urlopen("https://registry-1.docker.io/v2/", timeout=5)
except urllib.error.HTTPError as answer:
    raise SystemExit(0 if answer.code == 401 else 1)
P
}

bases_ready() {
  local name pull=unknown
  exec 205>"$SY_CACHE/bases.lock" # one script makes them, the others wait
  flock 205
  for name in "${BASES[@]}"; do
    docker image inspect "$name" >/dev/null 2>&1 && continue
    if [ "$pull" = unknown ]; then
      pull=no
      if can_pull; then pull=yes; fi
    fi
    if [ "$pull" = yes ] && base_pull "$name"; then continue; fi
    base_load "$name"
  done
  exec 205>&-
}

base_pull() {
  say "base image: pulling $1"
  docker pull --quiet "$1" >&2 || return 1
  case $1 in debian:*) if has_custom_ca; then base_add_ca "$1"; fi ;; esac
}

# A machine with its own certificates needs them inside builds, too: the same name, with them added.
base_add_ca() {
  say "base image: adding this machine's certificates to $1"
  docker build --quiet --tag "$1" --file - "$CA_FOLDER" >&2 <<D
FROM $1
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY *.crt $CA_FOLDER/
RUN update-ca-certificates
ENV PIP_CERT=$CA_BUNDLE
D
}

# In: a name of BASES. Loads it from the cache; makes it first, if it is not there.
base_load() {
  local name=$1 archive
  archive=$SY_CACHE/bases/${name/:/-}-$(base_recipe).tar
  mkdir -p "$SY_CACHE/bases"
  if [ ! -f "$archive" ]; then
    case $name in
      debian:*) base_make_debian "$name" "$archive" ;;
      busybox:*) base_make_busybox "$name" "$archive" ;;
    esac
  fi
  say "base image: loading $name from $archive"
  docker load --quiet --input "$archive" >&2
}

base_make_debian() {
  local name=$1 archive=$2 work missing=() hooks=() sources=() env=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  have mmdebstrap || missing+=(mmdebstrap)
  [ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
  apt_install "no public registry can be pulled from, so $name is made from Debian packages" "${missing[@]}"
  say "base image: making $name from Debian packages (about half a minute; kept in $SY_CACHE/bases)"
  work=$(mktemp -d "$SY_RUN/base.XXXXXX")
  on_exit as_root rm -rf "$work"
  if has_custom_ca; then
    # shellcheck disable=SC2016 # mmdebstrap's shell expands $1: the new root
    hooks=(--customize-hook="copy-in $CA_FOLDER /usr/local/share" --customize-hook='chroot "$1" update-ca-certificates')
    env+=("PIP_CERT=$CA_BUNDLE")
  fi
  debian_sources bookworm >"$work/sources.list"
  if [ -s "$work/sources.list" ]; then sources=("$work/sources.list"); fi
  # Fixed times and no logs: the same packages make the same image.
  # shellcheck disable=SC2016
  as_root env SOURCE_DATE_EPOCH=1577836800 TMPDIR="$work" mmdebstrap --quiet --mode=root --variant=minbase \
    --include=ca-certificates --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-include=/usr/share/locale/locale.alias' "${hooks[@]}" \
    --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/cache/ldconfig "$1"/var/log/*.log "$1"/var/log/apt' \
    bookworm "$work/root.tar" "${sources[@]}" >&2
  python3 "$SY_ROOT/script/lib/pack_image.py" "$archive" "$name" bash "${env[@]}" <"$work/root.tar"
  as_root rm -rf "$work"
}

base_make_busybox() {
  local name=$1 archive=$2 work tool binary
  say "base image: making $name from Debian's busybox-static"
  work=$(mktemp -d "$SY_RUN/base.XXXXXX")
  on_exit rm -rf "$work"
  apt_fetch "$work" busybox-static
  dpkg -x "$work"/busybox-static_*.deb "$work/package"
  mkdir -p "$work/root"/{bin,etc,root,tmp,usr/bin,var}
  chmod 1777 "$work/root/tmp"
  binary=$(find "$work/package" -path '*bin/busybox' -type f)
  cp "$binary" "$work/root/bin/busybox"
  for tool in $("$work/root/bin/busybox" --list); do
    [ "$tool" = busybox ] || ln -sf busybox "$work/root/bin/$tool"
  done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$work/root/etc/passwd"
  echo 'root:x:0:' >"$work/root/etc/group"
  tar -C "$work/root" --sort=name --mtime=@1577836800 --owner=0 --group=0 --numeric-owner -c . |
    python3 "$SY_ROOT/script/lib/pack_image.py" "$archive" "$name" sh PATH=/bin:/usr/bin
  rm -rf "$work"
}
