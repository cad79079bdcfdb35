# SPDX-License-Identifier: MIT
"""Refuses the code of packages that nobody allowed; edges/uv lays it into each Python that builds something.

In:   where that Python was started
Out:  nothing; or the end of the process, with a line that says why

Not imported here: its text becomes a `sitecustomize`, so it runs before anything of the package does, in whatever
Python is there. uv starts the steps of a build in the folder that it unpacked the package to; what it unpacks of an
index lies in .../NAME/VERSION/ID/src of its cache, and NAME is the index's word, not the package's. Where a folder
looks otherwise, nothing may run.
"""

import os
import re
import sys

EXIT = 97


def check(allowed, tree):  # type: ignore[no-untyped-def]  # for Pythons that know no annotations
    """Go on within `tree`, and for packages of the names in `allowed`; end this process for all others.

    What is started by code that may run may run.
    """
    here = os.path.realpath(os.getcwd())
    parts = here.split(os.sep)
    name = re.sub(r"[-_.]+", "-", parts[-4]).lower() if len(parts) > 4 and parts[-1] == "src" else ""
    if here.startswith(os.path.realpath(tree) + os.sep) or here == os.path.realpath(tree) or name in allowed:
        os.environ.pop("PYTHONPATH", None)
        return
    sys.stderr.write("stackyard: the code of this package may not run\n")
    sys.stderr.flush()
    os._exit(EXIT)
