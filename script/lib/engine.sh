# shellcheck shell=bash
# A container engine: the one that is there, or one of our own.
#
# In:      DOCKER_HOST or the docker context; STACKYARD_STORE=containerd|overlay2 for an own engine
# Out:     engine_ready, engine_own, engine_release; DOCKER_HOST and DOCKER_CONFIG for an own engine
# Touches: an engine that already answers: nothing. An own one: packages where missing, a bridge and its
#          iptables rules, $SY_RUN/STORE (sockets, pids), $SY_CACHE/engine-STORE (images, kept between runs)
#
# Several scripts may use one own engine: each holds a shared lock while it runs, and the last one out
# stops the engine, unless script/dev asked to keep it. A killed script's lock is gone with it.

store_name() { echo "${STACKYARD_STORE:-containerd}"; }
engine_dir() { echo "$SY_RUN/$(store_name)"; }
engine_root() { echo "$SY_CACHE/engine-$(store_name)"; }

# Out: status 0 if an engine answers and can build with buildx.
engine_answers() {
  have docker && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1 &&
    docker buildx version >/dev/null 2>&1
}

own_answers() { have docker && timeout 10 docker -H "unix://$(engine_dir)/docker.sock" version >/dev/null 2>&1; }

# Uses the engine that answers, or makes one.
engine_ready() {
  if engine_answers; then
    say "engine: using the one that is already there (${DOCKER_HOST:-docker context $(docker context show)})"
    return 0
  fi
  engine_packages
  if engine_answers; then
    say "engine: the one that came with the packages"
    return 0
  fi
  engine_own
}

engine_packages() {
  local next='' version packages=()
  needs_next_suite && next=/trixie
  version=$({ dockerd --version 2>/dev/null || true; } | sed -nE 's/.* version ([0-9]+)\..*/\1/p')
  if [ "${version:-0}" -lt 24 ]; then packages+=("docker.io$next" containerd runc iptables iproute2 tini); fi
  have docker || packages+=("docker-cli$next")
  docker buildx version >/dev/null 2>&1 || packages+=("docker-buildx$next")
  have iptables || packages+=(iptables)
  have ip || packages+=(iproute2)
  # Ubuntu and older Debians have the client in docker.io itself.
  if [ ${#packages[@]} -gt 0 ] && [ "$SY_DISTRO" = ubuntu ]; then packages=("${packages[@]/docker-cli}"); fi
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sed '/^$/d' | sort -u)
  apt_install "no container engine with buildx answers here" "${packages[@]}"
}

# Starts our own engine, or joins the one that another script of ours started. Exports how to reach it.
engine_own() {
  local dir
  dir=$(engine_dir)
  mkdir -p "$dir" "$(engine_root)"
  exec 208>"$dir/change.lock" 209>"$dir/users.lock"
  flock 208
  flock -s 209
  if runs "$dir/docker.pid" "$dir/docker.sock" && own_answers; then
    say "engine: using our own that already runs ($(store_name) store)"
  else
    engine_start
  fi
  on_exit engine_release
  flock -u 208
  engine_exports
}

engine_exports() {
  local dir
  dir=$(engine_dir)
  export DOCKER_HOST=unix://$dir/docker.sock DOCKER_CONFIG=$dir/config
  unset DOCKER_CONTEXT
  mkdir -p "$DOCKER_CONFIG"
  if [ -d "$HOME/.docker/cli-plugins" ]; then ln -sfn "$HOME/.docker/cli-plugins" "$DOCKER_CONFIG/cli-plugins"; fi
}

engine_settings() {
  local store='"features": {"containerd-snapshotter": true}'
  [ "$(store_name)" = containerd ] ||
    store='"features": {"containerd-snapshotter": false}, "storage-driver": "overlay2"'
  printf '{%s, "builder": {"history": {"maxEntries": 5}, "gc": {"enabled": true, "defaultKeepStorage": "10GB"}}}\n' "$store"
}

# Out: the address (x.y.z.1/24) of a /24 that no route of this machine touches.
free_subnet() {
  local n
  for ((n = 1; n < 250; n++)); do
    ip -4 route show match "10.209.$n.1" | grep -qv '^default' && continue
    [ -z "$(ip -4 route show root "10.209.$n.0/24")" ] && echo "10.209.$n.1/24" && return
  done
  die "no free /24 under 10.209.0.0/16 for the engine's bridge"
}

engine_start() {
  local dir bridge i
  dir=$(engine_dir)
  case $(store_name) in containerd | overlay2) ;; *) die "STACKYARD_STORE is '$(store_name)': it takes containerd or overlay2" ;; esac
  engine_clean # what a killed run may have left
  say "engine: starting our own, $(store_name) store, images in $(engine_root)"
  engine_settings >"$dir/daemon.json"
  # A bridge of our own: dockerd's --bridge none would delete the machine's docker0. Its name is written down
  # first, and nobody else has it: only what we wrote down is ever removed.
  bridge=$(printf 'sy-%08x' "$SRANDOM")
  echo "$bridge" >"$dir/bridge"
  as_root ip link add name "$bridge" type bridge
  as_root ip addr add "$(free_subnet)" dev "$bridge"
  as_root ip link set "$bridge" up
  as_root setsid nohup dockerd --config-file "$dir/daemon.json" --data-root "$(engine_root)" --exec-root "$dir/exec" \
    --host "unix://$dir/docker.sock" --group "$(id -g)" --pidfile "$dir/docker.pid" --bridge "$bridge" \
    >"$dir/docker.log" 2>&1 </dev/null 208>&- 209>&- &
  for ((i = 0; i < 300; i++)); do
    own_answers && return 0
    sleep 0.1
  done
  tail -n 10 "$dir/docker.log" >&2
  die "our own engine did not answer within 30 seconds (log: $dir/docker.log)"
}

# At the end of a script: stop the engine if nobody else uses it and nobody asked to keep it.
engine_release() {
  local dir
  dir=$(engine_dir)
  flock 208
  if [ ! -e "$dir/keep" ] && flock -n 209; then engine_stop; fi
  flock -u 208
  exec 208>&- 209>&-
}

engine_stop() {
  local dir
  dir=$(engine_dir)
  if runs "$dir/docker.pid" "$dir/docker.sock"; then
    say "engine: stopping our own (its images stay in $(engine_root))"
    own_containers_end
    stop_pid "$dir/docker.pid" "$dir/docker.sock"
  fi
  engine_clean
}

# A container that somebody forgot would make the engine wait for it.
own_containers_end() {
  local ids
  mapfile -t ids < <(docker -H "unix://$(engine_dir)/docker.sock" container ls --all --quiet 2>/dev/null)
  [ ${#ids[@]} -eq 0 ] ||
    docker -H "unix://$(engine_dir)/docker.sock" container rm --force --volumes "${ids[@]}" >/dev/null 2>&1 || true
}

# Containers whose engine was killed: their keeper has our exec root in its command line.
end_orphans() {
  local file pid
  for file in /proc/[0-9]*/cmdline; do
    { tr '\0' ' ' <"$file"; } 2>/dev/null | grep -qE "^[^ ]*containerd-shim.* -address $1/exec/" || continue
    pid=${file//[!0-9]/}
    # shellcheck disable=SC2046 # several numbers
    send_signal -9 $(cat "/proc/$pid"/task/*/children 2>/dev/null) "$pid" || true
  done
}

# Removes the bridge, the rules, the mounts and the sockets of an own engine that does not run. Keeps its images.
engine_clean() {
  local dir bridge mount
  dir=$(engine_dir)
  if runs "$dir/docker.pid" "$dir/docker.sock"; then stop_pid "$dir/docker.pid" "$dir/docker.sock"; fi
  if runs "$dir/exec/containerd/containerd.pid" "$dir/exec"; then
    stop_pid "$dir/exec/containerd/containerd.pid" "$dir/exec"
  fi
  end_orphans "$dir"
  bridge=$(cat "$dir/bridge" 2>/dev/null || true)
  if [ -n "$bridge" ]; then bridge_clean "$bridge"; fi
  while read -r mount; do as_root umount "$mount" 2>/dev/null || true; done < <(
    awk -v a="$dir/" -v b="$(engine_root)/" 'index($2 "/", a) == 1 || index($2 "/", b) == 1 {print $2}' /proc/mounts | sort -r)
  # The engine remembers its networks: with them gone, it can not take away the rules of a bridge that is not its own.
  as_root rm -rf --one-file-system "$(engine_root)/network"
  as_root rm -rf --one-file-system "$dir/exec" "$dir/docker.sock" "$dir/docker.pid" "$dir/bridge"
}

bridge_clean() {
  local bridge=$1 table rule words
  for table in filter nat; do
    while read -r rule; do
      read -ra words <<<"$rule"
      as_root iptables -t "$table" "${words[@]/#-A/-D}" 2>/dev/null || true
    done < <(as_root iptables -t "$table" -S 2>/dev/null | grep -E -- "-[io] $bridge( |\$)" || true)
  done
  if ip link show "$bridge" >/dev/null 2>&1; then as_root ip link del "$bridge"; fi
}
