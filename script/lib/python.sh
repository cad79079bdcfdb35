# shellcheck shell=bash
# Stackyard itself, in a virtual environment of the clone.
#
# In:      python3 (3.11 or newer), pyproject.toml
# Out:     python_ready; .venv first on PATH
# Touches: .venv in the clone; the package python3-venv where this Python came without ensurepip

python_new_enough() {
  have python3 || die "python3 not found: Stackyard needs Python 3.11 or newer"
  python3 -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' ||
    die "$(python3 --version) is too old: Stackyard needs Python 3.11 or newer"
}

# Out: a text that changes when the environment has to be made again.
python_stamp() { { python3 -c 'import sys; print(sys.version, sys.executable)' && cat "$SY_ROOT/pyproject.toml"; } | sha256sum | cut -c1-64; }

python_ready() {
  local venv=$SY_ROOT/.venv stamp log=$SY_RUN/pip.log
  python_new_enough
  have git || die "git not found: Stackyard reads the stack's history with it (apt-get install git)"
  exec 204>"$SY_RUN/python.lock"
  flock 204
  stamp=$(python_stamp)
  if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
      apt_install "python3 can not make virtual environments without it" python3-venv
    fi
    say "installing into .venv: Stackyard and its tools, by pip (why: new, or pyproject.toml changed)"
    [ "$("$venv/bin/python" --version 2>&1)" = "$(python3 --version)" ] || rm -rf "$venv" # made by another Python
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --editable "${SY_ROOT}[dev]" >"$log" 2>&1 ||
      { tail -n 20 "$log" >&2; die "pip could not install Stackyard (whole log: $log)"; }
    echo "$stamp" >"$venv/stamp"
  fi
  exec 204>&-
  PATH=$venv/bin:$PATH
  export PATH
}
