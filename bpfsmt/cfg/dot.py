"""The control-flow graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from bpfsmt.cfg.graph import ControlFlow
from bpfsmt.cfg.order import back_edges, reachable_blocks
from bpfsmt.cfg.picture import EDGE_COLOURS, Line, Notes, block_lines, summary


def to_dot(cfg: ControlFlow, notes: Notes | None = None) -> str:
    """A picture of ``cfg`` as a Graphviz ``digraph``.

    ``notes`` maps pcs to texts that are shown beneath the instruction.

    >>> from bpfsmt.cfg import cfg_from_text
    >>> print(to_dot(cfg_from_text("r0 = 2\\nexit")).splitlines()[0])
    digraph "text" {
    """
    lines = [
        f"digraph {_quoted(cfg.program.name)} {{",
        f"  label={_quoted(f'{cfg.program.name}: {summary(cfg)}')};",
        '  labelloc=t; fontname="Helvetica"; ranksep=0.4;',
        '  node [shape=box, style="filled,rounded", fillcolor="#ffffff", color="#aeb6c2",'
        ' fontname="DejaVu Sans Mono", fontsize=10];',
        '  edge [fontname="Helvetica", fontsize=9, arrowsize=0.7];',
    ]
    for entry in cfg.functions:
        lines.extend(_function(cfg, entry, notes or {}))
    lines.extend(_edges(cfg))
    return "\n".join([*lines, "}", ""])


def _function(cfg: ControlFlow, entry: int, notes: Notes) -> Iterator[str]:
    live = reachable_blocks(cfg)
    yield f"  subgraph cluster_{entry} {{"
    yield f'    label={_quoted(cfg.calls.nodes[entry]["name"])}; color="#d5dae1";'
    for block, function in cfg.graph.nodes(data="function"):
        if function == entry:
            dead = "" if block in live else ', fillcolor="#eeeeee", fontcolor="#999999"'
            yield f"    {block} [label=<{_label(block_lines(cfg, block, notes))}>{dead}];"
    yield "  }"


def _label(lines: tuple[Line, ...]) -> str:
    """The lines as one HTML-like label; every <BR> ends a line and sets it to the left."""
    left = '<BR ALIGN="LEFT"/>'
    return "".join(
        f'<FONT COLOR="#8792a2">{line.pc}:</FONT> {escape(line.text)}{left}'
        if line.pc is not None
        else f'<FONT COLOR="#6f7fa8">    {escape(line.text)}</FONT>{left}'
        for line in lines
    )


def _edges(cfg: ControlFlow) -> Iterator[str]:
    back = {(cfg.block_of(edge.pc), edge.target) for edge in back_edges(cfg)}
    for tail, head, kind in cfg.graph.edges(data="kind"):
        style = ", style=dashed, constraint=false" if (tail, head) in back else ""
        yield f'  {tail} -> {head} [color="{EDGE_COLOURS[kind]}", tooltip="{kind}"{style}];'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
