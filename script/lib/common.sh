# shellcheck shell=bash
# Words and places that every script shares.
#
# In:      XDG_CACHE_HOME, STACKYARD_RUN_DIR (two of them keep two worlds apart)
# Out:     SY_ROOT, SY_CACHE, SY_RUN; say, die, seconds_since, as_root, on_exit
# Touches: creates $SY_CACHE and $SY_RUN, nothing else
#
# Locks are held on file numbers from 204 on (204 python, 205 bases, 206 registry, 207 demo, 208 and 209 engine):
# programs that we call expect the low numbers to be free (mmdebstrap's shell can write a number below 10 only).

export SY_ROOT
SY_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SY_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/stackyard
SY_RUN=${STACKYARD_RUN_DIR:-/tmp/stackyard-$UID} # short: unix socket paths end at 108 bytes
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# In: words. Out: one line on stderr, so that stdout stays data.
say() { printf '%s %s\n' "==>" "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# In: $EPOCHREALTIME of before. Out: the seconds since then.
seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}'; }

have() { command -v "$1" >/dev/null 2>&1; }

# In: a command. Runs it as root: directly, or by sudo where there is one.
as_root() {
  if [ "$EUID" -eq 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "this needs root: $* (run the script as root, or install sudo)"
  fi
}

# In: a command line. It runs when the script ends, however it ends; the last one given runs first.
SY_EXIT=()
on_exit() { SY_EXIT=("$*" "${SY_EXIT[@]}"); }
run_exit() {
  local status=$? line
  trap '' INT TERM
  for line in "${SY_EXIT[@]}"; do $line || true; done
  return "$status"
}
trap 'run_exit' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Nobody else may own the folder in /tmp, or they could swap our sockets.
make_places() {
  mkdir -p "$SY_CACHE"
  mkdir -m 700 "$SY_RUN" 2>/dev/null || true
  [ -d "$SY_RUN" ] && [ ! -L "$SY_RUN" ] && [ -O "$SY_RUN" ] ||
    die "$SY_RUN belongs to somebody else: remove it, or ask its owner to"
}
make_places

# In: a pid file, a text that the process's command line must contain. Out: status 0 if it runs.
runs() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] &&
    { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF -- "$2"
}

# In: arguments of kill. The shell's own kill: the program is not on every machine.
send_signal() { kill "$@" 2>/dev/null || as_root sh -c 'kill "$@"' kill "$@" 2>/dev/null; }

# In: a pid file, the text. Stops the process and waits for it.
stop_pid() {
  local pid i
  runs "$1" "$2" || return 0
  pid=$(cat "$1")
  send_signal "$pid" || true
  for ((i = 0; i < 300; i++)); do
    runs "$1" "$2" || return 0 # an ended process that nobody has waited for has no command line
    sleep 0.1
  done
  send_signal -9 "$pid" || die "process $pid does not end: $2"
}
