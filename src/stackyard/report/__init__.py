# SPDX-License-Identifier: MIT
"""Values -> reading: text for people, versioned JSON for programs, live lines while a run goes on.

In: plans, outcomes, records. Out: text. May touch: nothing but the stream it is given.
"""
