# SPDX-License-Identifier: MIT
"""Count the tests of all suites.

In:    argv: a folder with pytest's JUnit files
Out:   stdout, one line: N passed, N failed[, N skipped], or that no test ran
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

total = failed = skipped = 0
reports = sorted(Path(sys.argv[1]).glob("*.xml"))
for path in reports:
    for suite in ElementTree.parse(path).iter("testsuite"):
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
line = f"{total - failed - skipped} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
print(line if reports else "no test ran", flush=True)
