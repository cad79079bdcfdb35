# SPDX-License-Identifier: MIT
"""Facts -> records: where what is known is kept, and how it is read back.

In: facts as they happen. Out: Known.
May touch: the disk, below the stack's state folder; registries, beside the images.
"""
