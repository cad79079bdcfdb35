# SPDX-License-Identifier: MIT
"""What holds for every stack and every past: made-up ones, against an oracle."""
