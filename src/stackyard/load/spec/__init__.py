# SPDX-License-Identifier: MIT
"""The files in which a stack speaks of itself: spec.yml, versions.yaml, last_updated.yaml.

In: a file's bytes. Out: what stands there, and findings. May touch: nothing.
"""
