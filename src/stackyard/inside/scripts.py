# SPDX-License-Identifier: MIT
"""What generic checks run in an image: small programs for its own shell, or its own Python.

Out:  argument lists; each prints a line for everything that is not as it should be, and nothing else
Pure.
Beside: inside/checks, which runs them
"""

from __future__ import annotations

import shlex

WORLD_WRITABLE = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /dev {leave_out} \) -prune \
  -o -perm -0002 ! -type l ! \( -type d -perm -1000 \) ! -type c ! -type s -print 2>/dev/null | head -n 50
"""
"""Sticky folders, such as /tmp, are meant to be; links have no mode of their own."""

CACHES = r"""
for home in /root $(cut -d: -f6 /etc/passwd 2>/dev/null | sort -u); do
  for cache in .cache/pip .cache/uv .cache/pypoetry .cache/yarn .npm/_cacache .cache/go-build; do
    found="$home/$cache"
    [ -d "$found" ] && [ -n "$(find "$found" -type f 2>/dev/null | head -n 1)" ] && echo "$found"
  done
done | sed 's,//*,/,g' | sort -u
for found in /var/cache/apk /var/cache/dnf /var/cache/yum /var/lib/apt/lists /var/cache/apt/archives; do
  [ -d "$found" ] || continue
  [ -n "$(find "$found" -type f ! -name lock ! -name '.*' 2>/dev/null | head -n 1)" ] && echo "$found"
done
for pkgs in /opt/conda/pkgs "${CONDA_DIR:-/opt/conda}/pkgs"; do
  found=$(find "$pkgs" -maxdepth 1 \( -name '*.conda' -o -name '*.tar.bz2' \) 2>/dev/null | head -n 1)
  [ -n "$found" ] && echo "$pkgs"
done | sort -u
true
"""

SYSTEM = (
    "/",
    "/bin",
    "/boot",
    "/etc",
    "/lib",
    "/sbin",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/var",
    "/var/lib",
)
"""What of a system nobody but root has to write."""

SYSTEM_PYTHON = r"""
for where in /usr/lib/python3*/dist-packages /usr/lib/python3*/site-packages /usr/lib64/python3*/site-packages \
  /usr/local/lib/python3*/dist-packages; do
  for told in "$where"/*.dist-info/INSTALLER; do
    [ -f "$told" ] || continue
    read -r who < "$told" || true
    found=${told%/INSTALLER}
    found=${found##*/}
    case "$who" in pip|uv|poetry) echo "${found%.dist-info} (by $who)";; esac
  done
done
true
"""

IMPORTS = r"""
import importlib, importlib.metadata as metadata, json, os, re, sys, sysconfig
from pathlib import Path

plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
leave_out = {plain(name) for name in sys.argv[1:]}

def top_levels(files):
    found = set()
    for file in files:
        parts = Path(file).parts
        if len(parts) == 1 and parts[0].endswith(".py"):
            found.add(parts[0][:-3])
        elif len(parts) == 2 and parts[1] == "__init__.py":
            found.add(parts[0])
        elif len(parts) == 1 and re.search(r"\.(cpython|abi3|pypy)[^/]*\.so$|^\w+\.so$", parts[0]):
            found.add(parts[0].split(".")[0])
    return sorted(name for name in found if name.isidentifier() and not name.startswith("_"))

wanted = {}
for one in metadata.distributions():
    if one.read_text("REQUESTED") is not None:
        wanted[plain(one.metadata["Name"])] = top_levels(str(file) for file in one.files or ())

history = Path(sys.prefix, "conda-meta", "history")
if history.exists():
    asked = set()
    for line in history.read_text().splitlines():
        found = re.match(r"# (update|install|remove|neutered) specs: (.*)", line)
        if found:
            specs = re.findall(r"['\"]([^'\"]+)['\"]", found[2])
            names = {re.split(r"[\s=<>!\[:]", spec.split("::")[-1])[0] for spec in specs}
            asked = asked - names if found[1] == "remove" else asked | names
    site = sysconfig.get_paths()["purelib"]
    lead = os.path.relpath(site, sys.prefix) + "/"
    for told in history.parent.glob("*.json"):
        entry = json.loads(told.read_text())
        if entry.get("name") in asked and entry.get("name") != "python":
            files = [file[len(lead):] for file in entry.get("files", ()) if file.startswith(lead)]
            wanted.setdefault(plain(entry["name"]), top_levels(files))

sys.stdout.flush()
for name in sorted(set(wanted) - leave_out):
    for module in wanted[name]:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            try:
                importlib.import_module(module)
            except BaseException as error:
                os.write(write, f"{type(error).__name__}: {error}".splitlines()[0][:300].encode())
                os._exit(1)
            os._exit(0)
        os.close(write)
        said = b""
        while True:
            piece = os.read(read, 4096)
            if not piece:
                break
            said += piece
        os.close(read)
        code = os.waitpid(child, 0)[1]
        if code:
            why = said.decode(errors="replace") or f"it ended with {code}"
            print(f"{name}: import {module}: {why}" if module != name else f"import {module}: {why}")
"""
"""Each module in a process of its own: one that crashes hides no other, and none slows down the next."""

PIP_INSTALL = r"""
import os, subprocess, sys, tempfile, zipfile

folder = tempfile.mkdtemp()
wheel = os.path.join(folder, "stackyard_probe-1-py3-none-any.whl")
info = "stackyard_probe-1.dist-info"
with zipfile.ZipFile(wheel, "w") as archive:
    archive.writestr("stackyard_probe.py", "value = 1\n")
    archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: stackyard-probe\nVersion: 1\n")
    about = "Wheel-Version: 1.0\nGenerator: probe\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    archive.writestr(info + "/WHEEL", about)
    archive.writestr(info + "/RECORD", "")
pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check", wheel]
done = subprocess.run(pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
if done.returncode:
    said = [line for line in done.stdout.splitlines() if line.strip()]
    print("pip install: " + (said[-1] if said else "it failed without a word"))
elif subprocess.run([sys.executable, "-c", "import stackyard_probe"], stderr=subprocess.DEVNULL).returncode:
    print("pip install: what it installed cannot be imported")
"""
"""Of a package that is made on the spot: neither a network nor an index has a say."""


def shell(script: str) -> tuple[str, ...]:
    """A script for the image's shell."""
    return ("/bin/sh", "-c", script)


def program(*words: str) -> tuple[str, ...]:
    """The Python that the image's users get, with these arguments; it ends with 127 where there is none."""
    choose = 'for it in python3 python; do command -v "$it" >/dev/null && exec "$it" "$@"; done; exit 127'
    return ("/bin/sh", "-c", choose, "check", *words)


def python(script: str, *words: str) -> tuple[str, ...]:
    """A script for that Python."""
    return program("-c", script, *words)


def unwritable(paths: tuple[str, ...], is_writable: bool) -> tuple[str, ...]:
    """Prints those paths that are not as they should be."""
    test = (
        "[ -w {0} ] || {{ [ -e {0} ] && echo {1}; [ -e {0} ] || echo {2}; }}"
        if is_writable
        else "[ -w {0} ] && echo {1}"
    )
    lines = [
        test.format(shlex.quote(path), shlex.quote(path), shlex.quote(f"{path} (there is no such path)"))
        for path in paths
    ]
    return shell("\n".join((*lines, "true")))
