# SPDX-License-Identifier: MIT
"""Where a stack lies on disk, and what an engine would be sent from there: ignore rules, staged files.

In: paths below one repository. Out: Place, ContextTree, IgnoreRules. May touch: the disk; only staging writes, outside
the repository.
"""
