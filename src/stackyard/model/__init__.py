# SPDX-License-Identifier: MIT
"""What exists: frozen values that parse and print themselves, and the arithmetic over them.

In, out: values only. May touch: nothing; no disk, network, process or clock.
Everything else in Stackyard points here; this folder knows only `errors`.
"""
