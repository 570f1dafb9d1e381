"""Contents of maps from JSON: every kind of map, and what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bpfsmt.errors import LoadError
from bpfsmt.machine import UserMap
from bpfsmt.network.contents import lines
from bpfsmt.network.entries import fill
from bpfsmt.network.loaded import Loaded
from bpfsmt.network.node import Node
from bpfsmt.program import load

from .common import PROGRAMS, asm

MAPS = """
    .map inner type=array key=4 value=4 entries=4
    .map counts type=percpu_hash key=2 value=8 entries=8
    .map prefixes type=lpm_trie key=8 value=1 entries=8 flags=1
    .map stages type=prog_array key=4 value=4 entries=4
    .map ports type=devmap key=4 value=8 entries=4
    .map nested type=array_of_maps key=4 value=4 entries=4 inner=inner
    .map waiting type=queue key=0 value=4 entries=4
    r0 = 2
    exit
"""


@pytest.fixture
def node() -> Node:
    node = Node("node", cpus=2)
    node.load(asm(MAPS))
    return node


def filled(node: Node, folder: Path, name: str, content: Any) -> UserMap:
    path = folder / "x.json"
    path.write_text(json.dumps(content))

    def loader(file: Path) -> Loaded:
        (program,) = load(file).programs
        return node.load(program)

    fill(node.map(name), path, loader)
    return node.map(name)


def test_every_cpu_gets_the_value(node: Node, tmp_path: Path) -> None:
    counts = filled(node, tmp_path, "counts", {"7": 300, "0x0102": "u64:5"})
    assert counts.lookup(7) == (300).to_bytes(8, "little") * 2
    assert counts.lookup(b"\1\2") == (5).to_bytes(8, "little") * 2
    assert [str(line.value) for line in lines(counts, zeros=False)] == [
        "2c01000000000000 (300), 2c01000000000000 (300)",
        "0500000000000000 (5), 0500000000000000 (5)",
    ]


def test_prefixes(node: Node, tmp_path: Path) -> None:
    prefixes = filled(node, tmp_path, "prefixes", [[["u32:8", "10.0.0.0"], 1]])
    assert prefixes.lookup(b"\x20\0\0\0\x0a\1\2\3") == b"\1"


def test_programs(node: Node, tmp_path: Path) -> None:
    file = PROGRAMS / "xdp" / "xdp_tx.o"
    stages = filled(node, tmp_path, "stages", [[2, str(file)]])
    assert [line.value for line in lines(stages, zeros=False)] == ["program xdp_tx"]
    ports = filled(node, tmp_path, "ports", {"1": {"value": ["u32:3", "zero:4"],
                                                   "program": str(file)}})  # fmt: skip
    found = ports.lookup(1)
    assert isinstance(found, bytes)
    assert found[:4] == b"\3\0\0\0"


def test_a_program_from_where_the_file_is(node: Node, tmp_path: Path) -> None:
    (tmp_path / "pass.bpfasm").write_text("r0 = 2\nexit")
    stages = filled(node, tmp_path, "stages", {"0": "pass.bpfasm"})
    assert len(stages) == 1


def test_maps_in_maps(node: Node, tmp_path: Path) -> None:
    nested = filled(node, tmp_path, "nested", [[1, {"0": 7, "3": 9}]])
    (line,) = lines(nested, zeros=False)
    assert line.value == "{00000000 (0): 07000000 (7); 03000000 (3): 09000000 (9)}"


def test_a_queue(node: Node, tmp_path: Path) -> None:
    waiting = filled(node, tmp_path, "waiting", [1, "0x02000000", 3])
    assert [waiting.pop() for _ in range(4)] == [b"\1\0\0\0", b"\2\0\0\0", b"\3\0\0\0", None]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("counts", [[1, 2], ["0x01", 3]], "map counts: entry 2: '0x01' has 1 bytes, not 2"),
        ("counts", [[1, "0x01"]], "map counts: entry 1: '0x01' has 1 bytes, not 8"),
        ("counts", [[n, 1] for n in range(9)], "map counts: entry 9: update of 0800: E2BIG"),
        ("counts", "text", "map counts: neither a list of [key, value] nor an object"),
        ("counts", [[1, 2, 3]], "map counts: entry 1: [1, 2, 3] is no [key, value]"),
        ("prefixes", [[["u32:40", "10.0.0.0"], 1]], "EINVAL"),
        ("stages", {"0": 5}, "map stages: entry 1: 5 is no program's file"),
        ("stages", {"0": "none.o"}, "none.o: No such file or directory"),
        ("nested", {"0": [[4, 1]]}, "map nested: entry 1: entry 1: update of 04000000: E2BIG"),
        ("waiting", {"0": 1}, "map waiting: a queue's or stack's content is a list of values"),
        ("waiting", [1, 2, 3, 4, 5], "E2BIG"),
    ],
)
def test_what_does_not_fit(node: Node, tmp_path: Path, name: str, content: Any, why: str) -> None:
    with pytest.raises(LoadError) as caught:
        filled(node, tmp_path, name, content)
    assert str(caught.value).startswith(f"{tmp_path / 'x.json'}: map {name}: ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
