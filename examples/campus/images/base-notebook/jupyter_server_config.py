"""Settings of the notebook server, for every image of the stack."""

c = get_config()  # noqa: F821

c.ServerApp.ip = "0.0.0.0"  # inside the container; who may reach it is decided outside
c.ServerApp.port = 8888
c.ServerApp.port_retries = 0

# A forgotten notebook gives its memory back after two hours.
c.MappingKernelManager.cull_idle_timeout = 7200
c.MappingKernelManager.cull_interval = 300
