# SPDX-License-Identifier: MIT
"""Dockerfiles: what they build on, and what they can reach of their build context.

In: a file's bytes. Out: values of model/dockerfile.py. May touch: nothing.
"""
