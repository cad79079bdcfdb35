# shellcheck shell=bash
# A registry of our own on a free loopback port.
#
# In:      nothing
# Out:     registry_ready; STACKYARD_TEST_REGISTRY=127.0.0.1:PORT
# Touches: the package docker-registry where it is missing; $SY_RUN/registry.* (removed at the end)

registry_package() {
  local next=''
  needs_next_suite && next=/trixie
  have docker-registry || apt_install "a registry to push to" "docker-registry$next"
}

# Out: a port that nobody listens on right now.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

registry_answers() {
  python3 - "$1" <<'P' 2>/dev/null
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
opener.open(f"http://127.0.0.1:{sys.argv[1]}/v2/", timeout=2)
P
}

# Registries whose script was killed: nobody holds their lock.
registry_sweep() {
  local dir
  for dir in "$SY_RUN"/registry.*; do
    [ -e "$dir/lock" ] || continue
    if (exec 207>"$dir/lock" && flock -n 207); then registry_stop "$dir"; fi
  done
}

registry_stop() {
  stop_pid "$1/pid" "$1/config.yml"
  rm -rf "$1"
}

# In: a folder to use. Starts a registry there on a free port; writes $1/port.
registry_start() {
  local dir=$1 port attempt i
  mkdir -p "$dir/data"
  for attempt in 1 2 3; do
    port=$(free_port)
    cat >"$dir/config.yml" <<Y
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $dir/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$port", secret: $RANDOM$RANDOM}
Y
    OTEL_TRACES_EXPORTER=none setsid nohup docker-registry serve "$dir/config.yml" \
      >"$dir/log" 2>&1 </dev/null 206>&- 208>&- 209>&- &
    echo $! >"$dir/pid"
    for ((i = 0; i < 100; i++)); do
      runs "$dir/pid" "$dir/config.yml" || [ "$i" -lt 5 ] || break
      if registry_answers "$port"; then
        echo "$port" >"$dir/port"
        return 0
      fi
      sleep 0.1
    done
    say "registry: attempt $attempt on port $port failed"
  done
  tail -n 5 "$dir/log" >&2
  die "the registry did not start (log: $dir/log)"
}

registry_ready() {
  local dir
  registry_package
  registry_sweep
  dir=$(mktemp -d "$SY_RUN/registry.XXXXXX")
  exec 206>"$dir/lock"
  flock 206
  on_exit registry_stop "$dir"
  registry_start "$dir"
  STACKYARD_TEST_REGISTRY=127.0.0.1:$(cat "$dir/port")
  export STACKYARD_TEST_REGISTRY
  say "registry: our own at $STACKYARD_TEST_REGISTRY"
}
