"""``bpfsmt cfg``: the control-flow graph as pictures, with what the verifier knows in it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bpfsmt.cfg import (
    ControlFlow,
    back_edges,
    build_cfg,
    natural_loops,
    to_dot,
    to_svg,
    unreachable,
)
from bpfsmt.cli.boundary import EXIT_INPUT, EXIT_PROVED, clean, complain, describe
from bpfsmt.cli.common import file_argument, json_option, load_programs, rules_option, type_option
from bpfsmt.domain import format_state
from bpfsmt.errors import LoadError
from bpfsmt.program import Program
from bpfsmt.rules import load_rules
from bpfsmt.verifier import verify

MAX_STATES = 4
"""More states than this at one instruction are only counted in a picture."""


@click.command()
@file_argument()
@click.option("--svg", type=click.Path(), help="Where the SVG goes.  [default: NAME.svg]")
@click.option("--dot", type=click.Path(), help="Where the Graphviz text goes.  [default: NAME.dot]")
@click.option("--program", "only", metavar="NAME", help="Only the program of this name.")
@click.option("--states", is_flag=True, help="Write the verifier's states at each instruction.")
@rules_option
@type_option
@json_option
def cfg(
    file: str, svg: str | None, dot: str | None, only: str | None, states: bool, rules: str,
    kind: str, as_json: bool,
) -> int:  # fmt: skip
    """Draw the control-flow graph of the programs in FILE, as NAME.dot and NAME.svg.

    With --svg or --dot only what these name is written.  With --json the graph is
    printed, and no file is written that is not asked for.
    """
    chosen = load_rules(rules)
    programs, skipped = load_programs(file, kind)
    for error in skipped:
        complain(describe(error))
    if only is not None:
        programs = [_named(file, programs, only)]
    if (svg or dot) and len(programs) > 1:
        names = ", ".join(program.name for program in programs)
        raise LoadError(f"{file}: several programs in it, choose with --program: {names}")
    documents = []
    for program in programs:
        flow = build_cfg(program, strict=False)
        notes = _states(program, chosen) if states else {}
        _write(flow, notes, svg, dot, neither=as_json)
        documents.append(_to_json(flow, notes))
    if as_json:
        click.echo(json.dumps(documents, indent=2))
    return EXIT_INPUT if skipped else EXIT_PROVED


def _named(file: str, programs: Sequence[Program], name: str) -> Program:
    for program in programs:
        if program.name == name:
            return program
    known = ", ".join(program.name for program in programs)
    raise LoadError(f"{file}: no program {name!r} (there are: {known})")


def _states(program: Program, rules: Any) -> Mapping[int, Sequence[str]]:
    """The states that the verifier claims at each pc, each once."""
    analysis = verify(program, rules)
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for visit in analysis.visits:
        found[visit.pc].setdefault(format_state(visit.state, program.maps))
    notes: dict[int, list[str]] = {}
    for pc, texts in found.items():
        shown = list(texts)[:MAX_STATES]
        more = len(texts) - len(shown)
        notes[pc] = [*shown, f"and {more} more"] if more else shown
    if not analysis.verdict.accepted:
        notes.setdefault(analysis.verdict.pc, []).append(f"rejected: {analysis.verdict.reason}")
    return notes


def _write(
    flow: ControlFlow,
    notes: Mapping[int, Sequence[str]],
    svg: str | None,
    dot: str | None,
    *,
    neither: bool,
) -> None:
    """Write the pictures asked for; both under the program's name if none is."""
    if not (svg or dot or neither):
        # A program's name comes from its file: it must not lead out of this folder.
        name = clean(flow.program.name).replace("/", "_") or "program"
        svg, dot = f"{name}.svg", f"{name}.dot"
    for path, draw in ((dot, to_dot), (svg, to_svg)):
        if path:
            Path(path).write_text(draw(flow, notes), encoding="utf-8")
            click.echo(f"wrote {clean(path)}", err=True)


def _to_json(flow: ControlFlow, notes: Mapping[int, Sequence[str]]) -> dict[str, Any]:
    graph = flow.graph
    return {
        "program": flow.program.name,
        "blocks": [
            {
                "start": block,
                "end": data["end"],
                "function": data["function"],
                "pcs": [pc for pc, _ in data["insns"]],
            }
            for block, data in graph.nodes(data=True)
        ],
        "edges": [
            {"from": a, "to": b, "kind": kind} for a, b, kind in graph.edges(data="kind")
        ],
        "calls": [list(edge) for edge in flow.calls.edges],
        "back_edges": [[edge.pc, edge.target] for edge in back_edges(flow)],
        "loops": len(natural_loops(flow)),
        "unreachable": list(unreachable(flow)),
        "problems": [{"pc": p.pc, "message": p.message} for p in flow.problems],
        "states": {str(pc): list(texts) for pc, texts in sorted(notes.items())},
    }  # fmt: skip
