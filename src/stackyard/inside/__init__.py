# SPDX-License-Identifier: MIT
"""Image -> what is in it and whether it works: test suites and inventories.

In: an image in the engine. Out: results as values. May touch: containers of that image, the run's folder.
"""
