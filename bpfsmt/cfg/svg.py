"""The control-flow graph as an SVG picture, drawn without any other program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import hypot

import networkx as nx

from bpfsmt.cfg.graph import ControlFlow
from bpfsmt.cfg.layout import Box, Layout, layered_layout
from bpfsmt.cfg.order import reachable_blocks
from bpfsmt.cfg.picture import EDGE_COLOURS, Line, Notes, block_lines, summary
from bpfsmt.cfg.wires import Point

CHAR = 7.25
"""The advance of one character of the 12 pixel monospaced font."""
LINE = 16.0
PAD = 6.0
MARGIN = 24.0
HEADER = 74.0
FUNCTION_HEADER = 34.0
PANEL_PAD = 20.0
CORNER = 6.0
PAGE = 1200.0
"""Functions stand side by side up to this width, or more where the page grows long."""

STYLE = """
text { font-family: "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace;
       font-size: 12px; fill: #1d2733; white-space: pre; }
.title { font-family: "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 19px;
         font-weight: bold; }
.small { font-family: "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 12px;
         fill: #5c6878; }
.function { font-family: "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 14px;
            font-weight: bold; fill: #33475f; }
.panel { fill: #f7f8fa; stroke: #e1e5ea; }
.block { fill: #ffffff; stroke: #aeb6c2; }
.gutter { fill: #eef1f5; }
.pc { fill: #8792a2; text-anchor: end; }
.note { fill: #6f7fa8; font-size: 11px; }
.dead .block { fill: #f0f0f0; stroke: #d2d2d2; }
.dead .gutter { fill: #e8e8e8; }
.dead text { fill: #a3a3a3; }
.edge { fill: none; stroke-width: 1.4; }
.back { stroke-dasharray: 5 3; }
.faded { opacity: 0.4; }
""".strip()


def to_svg(cfg: ControlFlow, notes: Notes | None = None) -> str:
    """A picture of ``cfg`` as a complete SVG document.

    One panel for each function; blocks in rows, control going down; branches green where
    taken and red where not, jumps blue, back edges dashed, unreachable blocks grey.
    ``notes`` maps pcs to texts that are shown beneath the instruction.

    >>> from bpfsmt.cfg import cfg_from_text
    >>> to_svg(cfg_from_text("r0 = 2\\nexit")).count('class="block"')
    1
    """
    panels = _shelves([_panel(cfg, entry, notes or {}) for entry in cfg.functions])
    legend_width = 560.0
    width = max([legend_width, *(x + panel.width for panel, x, _ in panels)]) + 2 * MARGIN
    height = max([0.0, *(y + panel.height for panel, _, y in panels)]) + HEADER + 2 * MARGIN
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<title>{_text(cfg.program.name)}</title>",
        f"<style>{STYLE}</style>",
        *_markers(),
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 16}">{_text(cfg.program.name)}</text>',
        f'<text class="small" x="{MARGIN}" y="{MARGIN + 38}">{summary(cfg)}</text>',
        *_legend(cfg, MARGIN, MARGIN + 58),
    ]
    for panel, x, y in panels:
        body.append(f'<g transform="translate({x + MARGIN:.1f} {y + HEADER + MARGIN:.1f})">')
        body.extend(_drawn(cfg, panel))
        body.append("</g>")
    return "\n".join([*body, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Panel:
    """One function, laid out: its texts and its size with header and padding."""

    entry: int
    lines: dict[int, tuple[Line, ...]]
    layout: Layout

    @property
    def width(self) -> float:
        return max(self.layout.width, 160.0) + 2 * PANEL_PAD

    @property
    def height(self) -> float:
        return self.layout.height + FUNCTION_HEADER + PANEL_PAD


def _panel(cfg: ControlFlow, entry: int, notes: Notes) -> _Panel:
    blocks = [block for block, owner in cfg.graph.nodes(data="function") if owner == entry]
    lines = {block: block_lines(cfg, block, notes) for block in blocks}
    sizes = {block: _size(lines[block]) for block in blocks}
    kinds = {(tail, head): kind for tail, head, kind in cfg.graph.edges(data="kind")}
    graph = cfg.graph.subgraph(blocks)
    return _Panel(entry, lines, layered_layout(graph, sizes, lambda edge: kinds[edge]))


def _gutter(lines: Sequence[Line]) -> float:
    digits = max(len(str(line.pc)) for line in lines if line.pc is not None)
    return digits * CHAR + 2 * PAD


def _size(lines: Sequence[Line]) -> tuple[float, float]:
    longest = max(len(line.text) for line in lines)
    return _gutter(lines) + longest * CHAR + 2 * PAD, len(lines) * LINE + PAD


def _shelves(panels: Sequence[_Panel]) -> list[tuple[_Panel, float, float]]:
    """Put the panels side by side, in as many rows as make a handy page."""
    area = sum(panel.width * panel.height for panel in panels)
    page = max([PAGE, (1.6 * area) ** 0.5, *(panel.width for panel in panels)])
    placed = []
    x = y = shelf = 0.0
    for panel in panels:
        if x > 0 and x + panel.width > page:
            x, y, shelf = 0.0, y + shelf + MARGIN, 0.0
        placed.append((panel, x, y))
        x += panel.width + MARGIN
        shelf = max(shelf, panel.height)
    return placed


def _drawn(cfg: ControlFlow, panel: _Panel) -> Iterator[str]:
    name = _text(cfg.calls.nodes[panel.entry]["name"])
    yield f'<rect class="panel" width="{panel.width:.1f}" height="{panel.height:.1f}" rx="8"/>'
    yield f'<text class="function" x="{PANEL_PAD}" y="22">{name}</text>'
    left = PANEL_PAD + (panel.width - 2 * PANEL_PAD - panel.layout.width) / 2
    yield f'<g transform="translate({left:.1f} {FUNCTION_HEADER})">'
    live = reachable_blocks(cfg)
    for (tail, head), route in panel.layout.routes.items():
        kind = cfg.graph.edges[tail, head]["kind"]
        style = "edge back" if (tail, head) in panel.layout.back else "edge"
        style += "" if tail in live else " faded"
        yield (
            f'<path class="{style}" stroke="{EDGE_COLOURS[kind]}"'
            f' marker-end="url(#{kind})" d="{_path(route)}">'
            f"<title>{tail} to {head}: {kind}</title></path>"
        )
    for block, box in panel.layout.boxes.items():
        assert isinstance(block, int)
        yield from _block(panel.lines[block], box, dead=block not in live)
    yield "</g>"


def _block(lines: Sequence[Line], box: Box, *, dead: bool) -> Iterator[str]:
    gutter = _gutter(lines)
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" height="{box.height:.1f}" rx="4"'
    yield '<g class="dead">' if dead else "<g>"
    yield f'<rect class="block" {place} width="{box.width:.1f}"/>'
    yield (
        f'<rect class="gutter" x="{box.x + 0.7:.1f}" y="{box.y + 0.7:.1f}" rx="3.5"'
        f' width="{gutter - 0.7:.1f}" height="{box.height - 1.4:.1f}"/>'
    )
    for number, line in enumerate(lines):
        y = box.y + PAD / 2 + LINE * number + 12
        x = box.x + gutter + PAD
        if line.pc is not None:
            yield f'<text class="pc" x="{x - 2 * PAD:.1f}" y="{y:.1f}">{line.pc}</text>'
        style = "" if line.pc is not None else ' class="note"'
        yield f'<text{style} x="{x:.1f}" y="{y:.1f}">{_text(line.text)}</text>'
    yield "</g>"


def _path(route: Sequence[Point]) -> str:
    """The polyline with its corners rounded, as SVG path data."""
    corners = [p for i, p in enumerate(route) if i == 0 or p != route[i - 1]]
    data = [f"M{corners[0][0]:.1f} {corners[0][1]:.1f}"]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        radius = min(CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        enter, leave = _on_the_way(corner, before, radius), _on_the_way(corner, after, radius)
        data.append(f"L{enter[0]:.1f} {enter[1]:.1f}")
        data.append(f"Q{corner[0]:.1f} {corner[1]:.1f} {leave[0]:.1f} {leave[1]:.1f}")
    data.append(f"L{corners[-1][0]:.1f} {corners[-1][1]:.1f}")
    return "".join(data)


def _distance(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def _on_the_way(start: Point, goal: Point, distance: float) -> Point:
    share = distance / (_distance(start, goal) or 1.0)
    return start[0] + (goal[0] - start[0]) * share, start[1] + (goal[1] - start[1]) * share


def _markers() -> Iterator[str]:
    yield "<defs>"
    for kind, colour in EDGE_COLOURS.items():
        yield (
            f'<marker id="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8"'
            ' markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path d="M0 1L10 5L0 9z" fill="{colour}"/></marker>'
        )
    yield "</defs>"


def _legend(cfg: ControlFlow, x: float, y: float) -> Iterator[str]:
    """The colours of the kinds of edges that occur."""
    used = {kind for _, _, kind in cfg.graph.edges(data="kind")}
    entries = [(kind, kind, "edge") for kind in EDGE_COLOURS if kind in used]
    if not nx.is_directed_acyclic_graph(cfg.graph):
        entries.append(("back edge", "fall", "edge back"))
    for label, kind, style in entries:
        yield (
            f'<path class="{style}" stroke="{EDGE_COLOURS[kind]}" marker-end="url(#{kind})"'
            f' d="M{x:.0f} {y - 4:.0f}h28"/>'
        )
        yield f'<text class="small" x="{x + 35:.0f}" y="{y:.0f}">{label}</text>'
        x += 52 + 7.5 * len(label)


def _text(text: str) -> str:
    """Escaped for XML; characters that XML cannot hold at all are shown as U+FFFD."""
    legal = (c if c in "\t\n" or 0x20 <= ord(c) < 0xD800 or ord(c) > 0xDFFF else "�" for c in text)
    return escape("".join(legal))
