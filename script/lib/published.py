# SPDX-License-Identifier: MIT
"""Ask a registry itself which digest each repository has under a tag: a second opinion for the demo.

In:    argv: HOST:PORT/FOLDER TAG
Out:   stdout, one line per repository of the folder that has the tag: REPOSITORY DIGEST, sorted
"""

import json
import sys
import urllib.error
import urllib.request

MANIFESTS = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
place, tag = sys.argv[1:]
registry, _, folder = place.partition("/")

with opener.open(f"http://{registry}/v2/_catalog?n=1000", timeout=10) as answer:
    repositories = sorted(name for name in json.load(answer)["repositories"] if name.startswith(f"{folder}/"))
for repository in repositories:
    ask = urllib.request.Request(
        f"http://{registry}/v2/{repository}/manifests/{tag}", method="HEAD", headers={"Accept": MANIFESTS}
    )
    try:
        with opener.open(ask, timeout=10) as answer:
            print(repository, answer.headers["Docker-Content-Digest"])
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
