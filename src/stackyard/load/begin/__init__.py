# SPDX-License-Identifier: MIT
"""What a repository that is no stack yet says of its images: compose and bake files, workflows.

In: a repository's files. Out: a Proposal. May touch: the disk, read-only.
"""
