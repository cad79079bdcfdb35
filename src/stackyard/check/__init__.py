# SPDX-License-Identifier: MIT
"""Stack -> findings: what a person should know about the stack's files.

In: a Stack. Out: findings. May touch: nothing.
"""
