# SPDX-License-Identifier: MIT
"""Files of the stack itself, written for a person: starters, listings, entries.

The only folder that writes where people do; it never overwrites what it was not told of.
"""
