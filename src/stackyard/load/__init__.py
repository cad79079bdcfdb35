# SPDX-License-Identifier: MIT
"""Disk -> values: spec.yml, change_ignore.json, Dockerfiles, build contexts.

In: paths below one repository. Out: a Stack. May touch: the disk, read-only; never the network, git or an engine.
"""
