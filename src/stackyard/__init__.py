# SPDX-License-Identifier: MIT
"""Stackyard keeps a stack of container images alive.

The library is `stackyard.verbs`: load, check, plan, prepare, run;
`stackyard.verbs.promotion`: plan_promotion, plan_rollback, move.
The folders beside it are the stages that data flows through: load, check, plan, run, inside, record, report;
`model` is what exists, `edges` the world outside, `testing` the public fakes. This file stays
empty of imports, so that `stackyard --version` costs nothing.
"""

__version__ = "0.1.0"
