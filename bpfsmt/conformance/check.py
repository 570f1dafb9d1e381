"""One case on both sides: the machine and the running kernel must answer the same.

The machine has two engines, and each is compared, on maps of its own.

Compared are, for each input, the return value (32 bits, what a test run shows), the packet,
the metadata in front of it, what the context gives back, and the contents of all maps that
user space can read: after each input where the maps are small, else after the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from bpfsmt.conformance.case import Agreement, Case, Checked, Difference
from bpfsmt.conformance.ours import BEHIND_ETHERNET, ETHERNET, SKB, Bench, Ours
from bpfsmt.errors import UnsupportedError
from bpfsmt.kernel import Loaded, load_program, possible_cpus
from bpfsmt.kernel.cpu import one_cpu
from bpfsmt.kernel.oracle import MapContent, RunResult
from bpfsmt.kernel.stats import last_words
from bpfsmt.kernel.syscall import describe_errno
from bpfsmt.machine import Environment
from bpfsmt.machine.context import fields_of
from bpfsmt.machine.run import EngineName
from bpfsmt.program.program import Program

SMALL_MAPS = 1024
"""With so many entries in all its maps, they are compared after every input."""

ENGINES: tuple[EngineName, ...] = ("interpret", "translate")
"""Both of the machine's."""

GIVEN_BACK = frozenset({"mark", "priority", "cb"})
"""The fields of ``__sk_buff`` that programs write and a test run gives back."""

MOST_DIFFERENCES = 8
"""Of one case, so many are told."""

_SHOWN_BYTES = 96

EnvironmentFor: TypeAlias = Callable[[int], Environment]
"""The surroundings of a program on the CPU of that number."""


def surroundings(cpu: int) -> Environment:
    """What surrounds a test run on that CPU."""
    return Environment(cpu=cpu, cpus=possible_cpus())


def check(
    case: Case,
    environment: EnvironmentFor = surroundings,
    engines: Sequence[EngineName] = ENGINES,
    *,
    instead: Program | None = None,
) -> Checked:
    """Run a case on both sides and compare; the machine runs ``instead``, if that is given.

    Stops at the first input where they differ (what follows is the consequence), and at one
    that the machine does not model.  Raises `OracleError` where the kernel cannot be asked.
    """
    with one_cpu() as cpu, load_program(case.program, log_level=1) as loaded:
        if not loaded.accepted:
            why = last_words(loaded.log) or describe_errno(loaded.result.errno)
            return Checked(case, Agreement.REJECTED, why=why)
        try:
            ours = instead or case.program
            benches = [Bench(ours, environment(cpu), engine) for engine in engines]
        except UnsupportedError as error:
            return Checked(case, Agreement.UNKNOWN, why=str(error))
        return _compare(case, loaded, benches)


def _compare(case: Case, loaded: Loaded, benches: Sequence[Bench]) -> Checked:
    pairs = 0
    refused = ""
    every = compared_each_time(case.program)
    try:
        for n, inputs in enumerate(case.inputs):
            contents = every or n == len(case.inputs) - 1
            for bench in benches:
                bench.prepare(inputs)
            theirs = loaded.run(inputs, contents=contents)
            if theirs.errno:
                refused = f"the kernel refuses to run it: {describe_errno(theirs.errno)}"
                continue
            pairs += 1
            for bench in benches:
                ours = bench.run(inputs, contents=contents)
                found = tuple(differences(n, case.program, ours, theirs))[:MOST_DIFFERENCES]
                if found:
                    named = tuple(replace(each, engine=bench.engine) for each in found)
                    return Checked(case, Agreement.DIFFERENT, pairs, named)
    except UnsupportedError as error:
        return Checked(case, Agreement.UNKNOWN, pairs, why=str(error))
    if not pairs:
        return Checked(case, Agreement.NOT_RUN, why=refused or "no inputs")
    return Checked(case, Agreement.SAME, pairs)


def compared_each_time(program: Program) -> bool:
    """Whether the maps are small enough (a ring buffer is only read once, at the end)."""
    entries = sum(m.max_entries for m in program.maps)
    return entries <= SMALL_MAPS and all(m.type != "ringbuf" for m in program.maps)


def differences(
    number: int, program: Program, ours: Ours, theirs: RunResult
) -> Iterator[Difference]:
    """Where two results of input ``number`` differ."""
    if ours.problem:
        yield Difference(number, "how it ends", ours.problem, f"returns {theirs.retval:#x}")
        return
    if ours.retval != theirs.retval:
        yield Difference(number, "return value", f"{ours.retval:#x}", f"{theirs.retval:#x}")
    hidden = ETHERNET if program.type in BEHIND_ETHERNET else 0
    yield from _bytes(number, "packet", ours.packet, theirs.packet[hidden:])
    yield from _bytes(number, "metadata", ours.data_meta, theirs.data_meta)
    if program.type in SKB:
        yield from _context(number, ours.ctx, fields_of(program.type, theirs.ctx))
    for name in theirs.maps:
        yield from _entries(number, name, ours.maps.get(name, {}), theirs.maps[name])


def _context(
    number: int, ours: Mapping[str, int], theirs: Mapping[str, int]
) -> Iterator[Difference]:
    for name in GIVEN_BACK & ours.keys():
        if ours[name] != theirs[name]:
            yield Difference(number, f"context {name}", f"{ours[name]:#x}", f"{theirs[name]:#x}")


def _bytes(number: int, what: str, ours: bytes, theirs: bytes) -> Iterator[Difference]:
    if ours == theirs:
        return
    if len(ours) != len(theirs):
        what = f"length of the {what}"
        yield Difference(number, what, f"{len(ours)} bytes", f"{len(theirs)} bytes")
        return
    at = next(n for n, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
    yield Difference(number, f"{what} from byte {at}", _hex(ours[at:]), _hex(theirs[at:]))


def _entries(
    number: int, name: str, ours: MapContent, theirs: Mapping[bytes, bytes]
) -> Iterator[Difference]:
    if ours == theirs:
        return
    for key in sorted(ours.keys() | theirs.keys()):
        mine, its = ours.get(key), theirs.get(key)
        if mine != its:
            yield Difference(number, f"map {name} at {key.hex()}", _value(mine), _value(its))


def _value(value: bytes | None) -> str:
    return "has nothing" if value is None else _hex(value)


def _hex(data: bytes) -> str:
    return data.hex() if len(data) <= _SHOWN_BYTES else f"{data[:_SHOWN_BYTES].hex()}..."
