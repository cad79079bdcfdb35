# SPDX-License-Identifier: MIT
"""`stackyard bases`: what is printed, and how it ends."""

from __future__ import annotations

from stackyard.errors import RegistryUnreachable
from stackyard.model.names import Digest
from stackyard.model.reference import Reference
from tests.site import serving
from tests.unit.cli.conftest import Shell


def published(shell: Shell, content: str) -> Digest:
    """busybox has new content in its registry."""
    return shell.registry.add_image("docker.io/library/busybox", "1.36", content).digest


def test_the_table_says_what_moved_and_what_to_type(shell: Shell) -> None:
    """What is accepted, since when, what the registry has, who stands on it; exit code 0 whatever moved."""
    shell("build")
    now = published(shell, "second")
    said = shell("bases")

    row = next(line for line in said.out.splitlines() if line.startswith("busybox:1.36"))
    assert said.code == 0
    assert row.split()[1] == "FROM"
    assert row.endswith(f"moved to {now.short}  base")
    assert said.out.splitlines()[-1] == "1 moved: `stackyard bases --refresh` accepts it."


def test_a_refresh_says_what_will_be_built(shell: Shell) -> None:
    """The base with both digests, the images that stand on it, and those that may follow."""
    shell("build")
    now = published(shell, "second")
    said = shell("bases", "--refresh")
    again = shell("bases", "--refresh")

    assert said.code == 0
    assert now.short in said.out
    assert said.out.splitlines()[-1] == "The next build makes base again; leaf if what they build on changes."
    assert again.out == "Nothing to accept: 1 base as accepted.\n"


def test_the_plan_tells_of_a_base_that_moved(shell: Shell) -> None:
    """`bases` noted where it is: the plan says so offline, and builds nothing for it."""
    shell("build")
    published(shell, "second")
    before = shell("plan")
    shell("bases")
    asked = len(shell.registry.requests)
    said = shell("plan")

    assert "moved" not in before.out
    assert "note: images/base/Dockerfile:1: base busybox:1.36 has moved from the accepted" in said.out
    assert "Nothing to do" in said.out
    assert [finding["code"] for finding in shell("plan", "--json").json["findings"]] == ["base-moved"]
    assert len(shell.registry.requests) == asked


def test_json_has_every_base_with_its_history(shell: Shell) -> None:
    """One object; `--refresh` and `--accept` have another, with what was accepted."""
    shell("build")
    first = shell("bases", "--json").json["bases"][0]["accepted"]
    now = published(shell, "second")
    refreshed = shell("bases", "--refresh", "--json").json
    back = shell("bases", "--accept", f"busybox:1.36={first}", "--json").json
    (base,) = shell("bases", "--json", "--offline").json["bases"]

    assert refreshed["accepted"] == [{"reference": "busybox:1.36", "was": first, "now": str(now)}]
    assert refreshed["builds"] == ["base"]
    assert (back["accepted"][0]["now"], back["builds"]) == (first, [])
    assert (base["state"], base["accepted"], base["current"], base["targets"]) == (
        "not checked",
        first,
        str(now),
        ["base"],
    )
    assert [each["by"] for each in base["history"]] == ["person", "refresh", "first"]


def test_history_lists_what_was_accepted(shell: Shell) -> None:
    """Whole digests, to be given back to --accept."""
    shell("build")
    now = published(shell, "second")
    shell("bases", "--refresh")
    said = shell("bases", "--history")

    rows = [line.split(maxsplit=2)[1:] for line in said.out.splitlines() if "  sha256:" in line and line[0] == " "]
    assert rows[0] == [str(now), "--refresh"]
    assert rows[1][1] == "first needed"


def test_a_registry_that_is_away_is_a_line(shell: Shell) -> None:
    """Its own words, no traceback, exit code 0; refreshing is what cannot be done, and ends with 1."""
    away = RegistryUnreachable("cannot reach registry docker.io: no answer", address="docker.io")
    shell("build")
    shell.registry.fail_on(lambda _: True, away)
    said = shell("bases")

    assert said.code == 0
    assert "not checked: busybox:1.36: cannot reach registry docker.io: no answer" in said.out
    assert said.err == ""
    shell.engine.untag(Reference.parse("busybox:1.36"))
    refused = shell("bases", "--refresh", "busybox")
    assert refused.code == 1
    assert refused.err.startswith("error: nothing was accepted, because what busybox:1.36 is now cannot be told")


def test_options_that_exclude_each_other(shell: Shell) -> None:
    """Usage, exit code 2."""
    assert shell("bases", "--refresh", "--offline").code == 2
    assert shell("bases", "leaf", "--accept", "busybox:1.36=sha256:" + "0" * 64).code == 2
    assert shell("bases", "nothing").code == 2


def test_build_refreshes_first(shell: Shell) -> None:
    """The plan of the run has both digests."""
    shell("build")
    now = shell.engine.add("busybox:1.36", "second").id
    said = shell("build", "--refresh")

    assert said.code == 0
    assert "base docker.io/library/busybox:1.36 changed from" in said.out
    assert now[:19] in said.out


def test_records_that_cannot_be_written(shell: Shell) -> None:
    """Looking works all the same; accepting says why it does not."""
    (shell.root / ".stackyard").write_text("in the way")
    published(shell, "first")

    assert "not accepted yet" in shell("bases").out
    assert "the records cannot be used" in shell("bases", "--refresh").err


def test_a_stack_without_bases(shell: Shell) -> None:
    """One sentence."""
    (shell.root / "images/base/Dockerfile").write_text("FROM scratch\n")

    assert shell("bases").out == "No external bases: nothing here is built on an image from elsewhere.\n"


def test_a_download_is_told_wherever_bases_are(shell: Shell) -> None:
    """In the table and its history, in the plan, its reasons and its JSON, in `why` and `inputs`."""
    with serving() as site:
        site.files["/a.tgz"] = b"first"
        address = site.at("/a.tgz")
        (shell.root / "images/base/Dockerfile").write_text(f"FROM busybox:1.36\nADD {address} /\n")
        shell("build")
        first = shell("bases", "--json").json["bases"][1]["accepted"]
        site.files["/a.tgz"] = b"second"
        table, notice = shell("bases"), shell("plan")
        refreshed = shell("bases", address, "--refresh")
        history = shell("bases", "--history", address)
        offline = shell("bases", "--offline")
    now = shell("bases", "--offline", "--json").json["bases"][1]["accepted"]

    row = next(line for line in table.out.splitlines() if line.startswith(address))
    assert row.split()[1:3] == ["ADD", first[:19]]
    assert row.endswith(f"moved to {now[:19]}  base")
    assert f"note: images/base/Dockerfile:2: download {address} has moved from the accepted {first[:19]}" in notice.out
    assert "The next build makes base again" in refreshed.out
    assert [line.split()[2] for line in history.out.splitlines() if "first needed" in line] == ["first"]
    assert [line.split()[1] for line in history.out.splitlines() if "first needed" in line] == [first]
    assert "2 bases not checked." in offline.out

    clause = f"download {address} changed from {first[:19]} to {now[:19]}"
    step = shell("plan", "--json").json["steps"][0]
    assert step["downloads"] == [{"address": address, "accepted": now}]
    assert step["reasons"] == [{"kind": "download-moved", "address": address, "was": first, "now": now}]
    assert f"  download {address} at {now}" in shell("plan", "--explain").out
    assert f"base is to be built: {clause}" in shell("why", "base").out
    assert f"leaf waits for base: {clause}" in shell("why", "leaf").out
    listed = next(line for line in shell("inputs", "base").out.splitlines() if line.startswith("  download"))
    assert listed.split() == ["download", address, now]
    assert shell("inputs", "base", "--json").json["images"][0]["downloads"] == [{"address": address, "accepted": now}]
