"""``bpfsmt run``: a program on packets, with what it makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from bpfsmt.cli.boundary import (
    EXIT_INTERRUPTED,
    EXIT_PROVED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    complain,
    describe,
    worst,
)
from bpfsmt.cli.common import file_argument, json_option, load_programs, rules_option, type_option
from bpfsmt.cli.run_json import ran_to_json, totals_to_json
from bpfsmt.cli.run_text import show_ran, show_totals
from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.machine import Environment
from bpfsmt.network.capture import Captured, read_capture, write_capture
from bpfsmt.network.control import Control
from bpfsmt.network.entries import fill
from bpfsmt.network.loaded import Loaded
from bpfsmt.network.routefile import read_routes
from bpfsmt.network.runner import WITH_PACKETS, Ran, Runner
from bpfsmt.network.traffic import KINDS, generate
from bpfsmt.program import Program
from bpfsmt.rules import load_rules

_PACE = 1_000
"""Nanoseconds from one packet to the next where no capture says when they came."""

_EPILOG = (
    "\b\nKinds of --generate:\n"
    + "\n".join(f"  {name:<9} {what}" for name, (what, _) in KINDS.items())
    + """

\b
After the number may follow, separated by commas: src=NET, dst=NET,
sport=PORT, dport=PORT, ttl=N, size=BYTES of payload, vlan=N.

\b
FILE.json of --map holds a list of [KEY, VALUE], or an object from keys
to values.  They are numbers, bytes in hexadecimal ("0x0a000001"),
addresses ("10.0.0.1", "02:00:00:00:00:01"), numbers of a width ("u16:80",
"be16:80" in network order), or lists of these.  What a prog_array holds
are files of programs.

\b
Exit codes: 0 the program ran on all packets, and with --check no claim
was refuted; 1 a claim was refuted, or an accepted program went wrong;
2 bad usage or input, or the program was rejected; 3 a run came to no
end, or to something that is not modelled.
"""
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    file: str
    program: str | None
    packet: tuple[str, ...]
    hex: tuple[str, ...]
    generate: tuple[str, ...]
    seed: int
    out: str | None
    map: tuple[str, ...]
    routes: str | None
    ifindex: int
    queue: int
    meta: str
    rules: str
    kind: str
    unverified: bool
    trace: bool
    check: bool
    quiet: bool
    everything: bool
    as_json: bool


@click.command(epilog=_EPILOG)
@file_argument()
@click.option("--program", help="Which of the programs in FILE, if there are several.")
@click.option("--packet", multiple=True, metavar="IN.pcap", help="Frames of a capture.")
@click.option("--hex", multiple=True, metavar="BYTES", help="A frame in hexadecimal.")
@click.option(
    "--generate", multiple=True, metavar="KIND:N[,...]", help="Frames from a seed, see below."
)
@click.option("--seed", default=0, show_default=True, help="For traffic and random numbers.")
@click.option("--out", metavar="OUT.pcap", help="Write the frames that go on, as they then are.")
@click.option(
    "--map", multiple=True, metavar="NAME=FILE.json", help="What a map holds at the start."
)
@click.option("--routes", metavar="FILE.json", help="The routing table for bpf_fib_lookup.")
@click.option(
    "--ifindex", default=1, show_default=True, type=click.IntRange(1, 2**31 - 1),
    help="The interface that frames come in by.",
)  # fmt: skip
@click.option(
    "--queue", default=0, show_default=True, type=click.IntRange(0, 2**16 - 1),
    help="The receive queue that they come in by.",
)  # fmt: skip
@click.option("--meta", default="", metavar="BYTES", help="Metadata in front of every frame.")
@rules_option
@type_option
@click.option("--unverified", is_flag=True, help="Run a program even if it is rejected.")
@click.option("--trace", is_flag=True, help="Show every instruction, beside what is claimed.")
@click.option("--check", is_flag=True, help="Check every claim at every step.")
@click.option("--quiet", "-q", is_flag=True, help="Show totals, maps and what is wrong only.")
@click.option("--all", "everything", is_flag=True, help="Show maps whole: zeros too, no limit.")
@json_option
def run(**options: Any) -> int:
    """Run the program in FILE on packets: what it answers and changes, what maps hold then.

    The program is verified first.  Maps live on from packet to packet, and somebody listens
    to what it sends to user space.  A trace, and checked claims, are those of this program
    up to a tail call.
    """
    given = Options(**options)
    program = _program(given)
    frames = _frames(given)
    env = Environment(seed=given.seed, routes=read_routes(given.routes) if given.routes else None)
    control = Control(env, load_rules(given.rules))
    loaded = control.load(program, unverified=given.unverified)
    if given.check and not loaded.analysis.verdict.accepted:
        raise click.UsageError("--check: a program that was not accepted has no claims to check.")
    _fill_maps(control, given)
    runner = Runner(
        loaded, env, given.ifindex, given.queue, _from_hex(given.meta, "--meta"),
        trace=given.trace, check=given.check,
    )  # fmt: skip
    if given.out is not None:
        write_capture(given.out, ())  # so that what is wrong with it is said first
    return _run(runner, frames, given)


def _run(runner: Runner, frames: Sequence[Captured], given: Options) -> int:
    """Every frame, and what there is to say about it; what was done is said if interrupted."""
    start, first = runner.env.time, frames[0].time
    report = _Report(runner.loaded, given)
    try:
        for captured in _progress(frames, shown=given.quiet or given.as_json):
            report.add(captured, runner.feed(captured.data, start + captured.time - first))
    except KeyboardInterrupt:
        complain("interrupted")
        report.codes.add(EXIT_INTERRUPTED)
    report.finish(runner)
    return worst(report.codes)


class _Report:
    """What is printed and written, packet by packet and at the end."""

    def __init__(self, loaded: Loaded, given: Options) -> None:
        self.loaded = loaded
        self.given = given
        self.codes: set[int] = set()
        self._left: list[Captured] = []
        self._described: list[dict[str, Any]] = []

    def add(self, captured: Captured, ran: Ran) -> None:
        """One packet."""
        code = _code(self.loaded, ran)
        self.codes.add(code)
        if self.given.as_json:
            self._described.append(ran_to_json(ran, self.loaded, trace=self.given.trace))
        elif code or not self.given.quiet:
            show_ran(ran, self.loaded, trace=self.given.trace)
        if ran.goes_on and self.given.out is not None:
            self._left.append(Captured(captured.time, ran.after))

    def finish(self, runner: Runner) -> None:
        """The totals, and the frames that go on."""
        everything = self.given.everything
        if self.given.out is not None:
            write_capture(self.given.out, self._left)
        if self.given.as_json:
            totals = totals_to_json(runner, everything=everything)
            click.echo(json.dumps({**totals, "packets": self._described}, indent=2))
        else:
            show_totals(runner, everything=everything)


def _code(loaded: Loaded, ran: Ran) -> int:
    """What one run says: a fault of an accepted program refutes that it is safe."""
    if ran.violations:
        return EXIT_REFUTED
    if ran.result.outcome == "fault":
        return EXIT_REFUTED if loaded.analysis.verdict.accepted else EXIT_PROVED
    return EXIT_UNKNOWN if ran.result.outcome != "exit" else EXIT_PROVED


# Input -----------------------------------------------------------------------------------


def _program(given: Options) -> Program:
    programs, skipped = load_programs(given.file, given.kind)
    for error in skipped:
        complain(describe(error))
    names = ", ".join(program.name for program in programs) or "none"
    if given.program is not None:
        programs = [program for program in programs if program.name == given.program]
    if len(programs) == 1:
        kind = programs[0].type
        if kind not in WITH_PACKETS:
            raise LoadError(f"{given.file}: a program of type {kind.value} runs on no packets")
        return programs[0]
    if given.program is not None:
        raise LoadError(f"{given.file}: no program {given.program!r} (there are: {names})")
    raise LoadError(f"{given.file}: choose one of its programs with --program: {names}")


def _frames(given: Options) -> list[Captured]:
    """All frames in the order of the options' kinds, with the times at which they come."""
    frames: list[Captured] = []
    for path in given.packet:
        frames += read_capture(path)
    made = [_from_hex(text, "--hex") for text in given.hex]
    for specification in given.generate:
        made += generate(specification, seed=given.seed)
    last = frames[-1].time if frames else 0
    frames += [Captured(last + _PACE * n, data) for n, data in enumerate(made, 1)]
    if not frames:
        raise click.UsageError("No packets: give --packet, --hex or --generate.")
    return frames


def _from_hex(text: str, option: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x").replace(":", " "))
    except ValueError:
        raise BpfsmtError(f"{option} {text!r}: no bytes in hexadecimal") from None


def _fill_maps(control: Control, given: Options) -> None:
    def load(path: Path) -> Loaded:
        programs, _ = load_programs(path, given.kind)
        if len(programs) != 1:
            raise LoadError(f"{path}: {len(programs)} programs in it, not one")
        return control.load(programs[0], unverified=given.unverified)

    for text in given.map:
        name, equals, path = text.partition("=")
        if not equals:
            raise click.UsageError(f"--map {text}: NAME=FILE.json is wanted.")
        fill(control.map(name), path, load)


def _progress(frames: Sequence[Captured], *, shown: bool) -> Iterator[Captured]:
    """The same frames, with a bar on stderr if that is a terminal and nothing else is shown."""
    err = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    off = not shown or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=off) as progress:
        yield from progress.track(frames)
