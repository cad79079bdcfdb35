# shellcheck shell=bash
# All of script/lib, in the order in which one part builds on another.
#
# In:      nothing
# Out:     every function of script/lib; needs_python, client_env
# Touches: what common.sh creates

SY_LIB=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=script/lib/common.sh
. "$SY_LIB/common.sh"
# shellcheck source=script/lib/packages.sh
. "$SY_LIB/packages.sh"
# shellcheck source=script/lib/engine.sh
. "$SY_LIB/engine.sh"
# shellcheck source=script/lib/registry.sh
. "$SY_LIB/registry.sh"
# shellcheck source=script/lib/bases.sh
. "$SY_LIB/bases.sh"

needs_python() {
  have python3 || die "python3 not found: Stackyard needs Python 3.11 or newer"
  python3 -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' ||
    die "$(python3 --version) is too old: Stackyard needs Python 3.11 or newer"
}

# What a client needs so that an unchanged rebuild is an unchanged image, and the engine stays quiet.
client_env() { export BUILDX_NO_DEFAULT_ATTESTATIONS=1 OTEL_TRACES_EXPORTER=none; }
