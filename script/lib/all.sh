# shellcheck shell=bash
# All of script/lib, in the order in which one part builds on another.
#
# In:      nothing
# Out:     every function of script/lib; client_env, world_ready
# Touches: what common.sh creates

SY_LIB=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=script/lib/common.sh
. "$SY_LIB/common.sh"
# shellcheck source=script/lib/packages.sh
. "$SY_LIB/packages.sh"
# shellcheck source=script/lib/python.sh
. "$SY_LIB/python.sh"
# shellcheck source=script/lib/engine.sh
. "$SY_LIB/engine.sh"
# shellcheck source=script/lib/registry.sh
. "$SY_LIB/registry.sh"
# shellcheck source=script/lib/bases.sh
. "$SY_LIB/bases.sh"

# What a client needs so that an unchanged rebuild is an unchanged image, and the engine stays quiet.
client_env() { export BUILDX_NO_DEFAULT_ATTESTATIONS=1 OTEL_TRACES_EXPORTER=none; }

# Everything outside Python: an engine with the base images, and a registry.
world_ready() {
  engine_ready
  client_env
  buildah_ready
  bases_ready
  registry_ready
}
