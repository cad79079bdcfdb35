# SPDX-License-Identifier: MIT
"""Check one statement about the JSON that a command printed.

In:    stdin: a JSON object; argv: a Python expression over `it`, the object, and `count(list, key, *values)`
Out:   exit status 0 if the object says "format": 1 and the expression holds
"""

import json
import sys


def count(rows: list[dict[str, object]], key: str, *values: object) -> int:
    """How many rows have one of the values under the key."""
    return sum(row[key] in values for row in rows)


text = sys.stdin.read()
it = json.loads(text)
if it.get("format") != 1 or not eval(sys.argv[1], {"it": it, "count": count}):
    print(f"does not hold: {sys.argv[1]}\n{text}", file=sys.stderr)
    sys.exit(1)
