"""SVG and Graphviz pictures: everything in them, nothing broken by odd names."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpfsmt.cfg import build_cfg, cfg_from_text, to_dot, to_svg
from bpfsmt.isa import Instruction
from bpfsmt.program import MapDef, Program, ProgramType

from .programs import Drawn, drawn_programs

SVG = "{http://www.w3.org/2000/svg}"

EXIT = Instruction(0x95)

WITH_DEAD_CODE = """
main:
    r1 = 0 ll
    call f
    r0 += -1
    if r0 s> 0 goto pc-2
    exit
    r0 = 9
    exit
f:
    r0 = r1
    exit
"""


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def with_class(svg: str, name: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    return [element for element in root.iter() if name in element.get("class", "").split()]


@given(drawn_programs())
@settings(max_examples=40)
def test_every_instruction_block_and_edge_is_drawn(drawn: Drawn) -> None:
    cfg = build_cfg(drawn.program)
    svg = to_svg(cfg)
    pcs = sorted(int(element.text or "") for element in with_class(svg, "pc"))
    assert pcs == sorted(cfg.block_starts)
    assert len(with_class(svg, "block")) == len(cfg.graph)
    titles = {t.text for edge in with_class(svg, "edge") for t in edge.iter(f"{SVG}title")}
    edges = {f"{a} to {b}: {kind}" for a, b, kind in cfg.graph.edges(data="kind")}
    assert titles - {None} == edges

    dot = to_dot(cfg)
    arrows = re.findall(r'^  (\d+) -> (\d+) .*tooltip="([a-z-]+)"', dot, re.MULTILINE)
    assert {f"{a} to {b}: {kind}" for a, b, kind in arrows} == edges
    assert set(map(int, re.findall(r"^    (\d+) \[label", dot, re.MULTILINE))) == set(cfg.graph)


def test_what_a_person_looks_for() -> None:
    cfg = cfg_from_text(WITH_DEAD_CODE)
    shown = texts(to_svg(cfg, {2: ["R0=scalar()", "R10=fp0"]}))
    assert "text" in shown  # the name of the program
    assert "9 instructions · 5 blocks · 2 functions · 1 loop · 1 unreachable block" in shown
    assert "call pc+5  ; f" in shown
    assert "if r0 s> 0x0 goto pc-2" in shown
    assert shown.index("call pc+5  ; f") < shown.index("R0=scalar()") < shown.index("R10=fp0")
    assert {"main", "f", "taken", "not-taken", "back edge"} <= set(shown)


def test_back_edges_are_dashed_and_dead_blocks_grey() -> None:
    cfg = cfg_from_text(WITH_DEAD_CODE)
    svg, dot = to_svg(cfg), to_dot(cfg)
    dashed = [t.text for e in with_class(svg, "back") for t in e.iter(f"{SVG}title")]
    assert dashed == ["3 to 3: taken"]
    (dead,) = with_class(svg, "dead")
    assert [e.text for e in dead.iter(f"{SVG}text")] == ["6", "r0 = 9", "7", "exit"]
    assert [line.split(" [")[0] for line in dot.splitlines() if "dashed" in line] == ["  3 -> 3"]
    assert [line.split(" [")[0] for line in dot.splitlines() if "#eeeeee" in line] == ["    6"]


def test_wires_that_leave_dead_blocks_are_faded() -> None:
    svg = to_svg(cfg_from_text("r0 = 0\ngoto pc+1\nr0 = 1\nexit"))
    faded = [t.text for e in with_class(svg, "faded") for t in e.iter(f"{SVG}title")]
    assert faded == ["2 to 3: fall"]


def test_maps_are_named() -> None:
    slots = (Instruction(0x18, 1, 1), None, Instruction(0x18, 2, 2, next_imm=8), None, EXIT)
    program = Program("maps", ProgramType.XDP, slots, (MapDef("flows", "array", 4, 16, 1),))
    shown = texts(to_svg(build_cfg(program)))
    assert "r1 = 0x0  ; map flows" in shown
    assert any(text.endswith("; map flows value + 8") for text in shown)


def test_an_invalid_instruction_is_shown_by_its_opcode() -> None:
    program = Program("odd", ProgramType.XDP, (Instruction(0xB7, 12), EXIT))
    assert "invalid opcode 0xb7" in texts(to_svg(build_cfg(program)))


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=40)
def test_any_text_keeps_the_svg_well_formed(name: str, note: str) -> None:
    program = replace(cfg_from_text("r0 = 0\nexit").program, name=name, functions={0: name})
    svg = to_svg(build_cfg(program), {0: [note]})
    assert len(with_class(svg, "block")) == 1
    assert svg.encode()


def test_markup_is_shown_as_text() -> None:
    nasty = "<b>&amp;\"'</b>"
    program = replace(cfg_from_text("r0 = 0\nexit").program, name=nasty, functions={0: nasty})
    assert texts(to_svg(build_cfg(program), {1: [nasty]})).count(nasty) == 3


def test_long_notes_are_wrapped_without_loss() -> None:
    note = " ".join(f"R{n}=scalar(umax={n})" for n in range(10))
    svg = to_svg(cfg_from_text("r0 = 0\nexit"), {0: [note]})
    lines = [element.text or "" for element in with_class(svg, "note")]
    assert len(lines) > 1
    assert max(map(len, lines)) <= 68
    assert " ".join(line.strip() for line in lines) == note


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_the_dot_text() -> None:
    nasty = 'x"\\<y>&'
    program = replace(cfg_from_text(WITH_DEAD_CODE).program, name=nasty)
    text = to_dot(build_cfg(program), {0: [nasty]})
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ElementTree.fromstring(done.stdout).tag == f"{SVG}svg"
