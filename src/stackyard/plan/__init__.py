# SPDX-License-Identifier: MIT
"""Values -> values: what is wanted against what is known gives a Plan; tags and channels give moves.

In: Stack, Known. Out: Plan, Moves. May touch: nothing.
"""
