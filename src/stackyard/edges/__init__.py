# SPDX-License-Identifier: MIT
"""The world outside: processes, network, clock, randomness. Nothing else in Stackyard touches them.

Each module opens with its Protocol and the real thing below it; the fake is in
`stackyard.testing`, and one contract test runs both.
"""
