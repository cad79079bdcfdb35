# SPDX-License-Identifier: MIT
"""(git hash H, time T) -> lock files: what is asked of a resolver, and what is written of its answers.

Pure; edges/uv resolves, verbs/locking reads H, asks and writes.
"""
