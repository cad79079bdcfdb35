# SPDX-License-Identifier: MIT
"""Plan -> outcomes: the machine decides, the driver does, the jobs are what is done.

In: a Plan and the edges. Out: a RunSummary; facts go to the records as they happen.
"""
