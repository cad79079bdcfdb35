# SPDX-License-Identifier: MIT
"""`doctor`: what is here, and what can be done with it.

In:   a folder, Options
Out:  Diagnosis
May touch: programs that are asked for their version, engines and registries that are asked whether they answer
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from stackyard.check.capabilities import diagnose, kept_apart
from stackyard.edges import machine
from stackyard.edges.surroundings import look
from stackyard.errors import NotAStack, StackyardError
from stackyard.model.ecr import lacks_account
from stackyard.model.reference import Platform
from stackyard.model.stack import Stack
from stackyard.model.surroundings import Capability, Diagnosis
from stackyard.run.limits import told, usual
from stackyard.verbs import Options, Yard, load
from stackyard.verbs.sharing import home_of


def doctor(start: Path, options: Options) -> Diagnosis:
    """Look at everything; outside a stack at the machine alone."""
    from stackyard import __version__

    name, problem, hosts = "", "", {}
    platforms: dict[Platform, str] = {}
    more: list[Capability] = []
    try:
        yard = load(start, msgspec.structs.replace(options, needs_history=False))
        stack = yard.stack
        name, hosts = stack.name, hosts_of(stack)
        engines = dict(stack.engines)
        platforms = {each: engines.get(each, "") for target in stack.targets for each in target.platforms}
        more.append(_exclusion(yard))
    except NotAStack:
        pass
    except StackyardError as error:
        problem = str(error)
    found = look(options.environ, __version__, hosts, options.engine, platforms, options.builder)
    free = next((engine.free_bytes for engine in found.engines), None)
    diagnosis = diagnose(msgspec.structs.replace(found, stack=name, stack_problem=problem))
    more.append(_jobs(machine.size(free)))
    return msgspec.structs.replace(diagnosis, capabilities=(*diagnosis.capabilities, *more))


def _exclusion(yard: Yard) -> Capability:
    """Whether two machines are kept from moving tags at the same time."""
    known = (moves.exclusion for moves in yard.records.move_sets(state="done"))
    return kept_apart(home_of(yard.stack), next(filter(None, known), None))


def _jobs(size: machine.Size) -> Capability:
    """How much a run does at once here."""
    return Capability("jobs", True, told(size, usual(size)), "--jobs 4, or --jobs build=4,test=2, says otherwise")


def hosts_of(stack: Stack) -> dict[str, bool]:
    """Registries of a stack, and whether it publishes to them: the one it publishes to first."""
    everywhere = (*(target.repository for target in stack.targets), *([stack.records_in] if stack.records_in else []))
    places = [place for place in everywhere if not lacks_account(place)]
    ours = {place.host: True for place in places if stack.has_registry}
    bases = {base.repository.host: False for target in stack.targets for base in target.bases}
    return {**ours, **{host: False for host in bases if host not in ours}}
