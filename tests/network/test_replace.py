"""Hot replacement under traffic: every frame sees the old programs or the new, nothing between.

The programs here mark a frame at two places and count in a map before and after, with a look
at the clock in the middle, during which somebody changes what is attached.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Environment
from bpfsmt.network.config import Table
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.journey import Journey
from bpfsmt.network.loaded import Loaded, RejectedError
from bpfsmt.network.node import Node
from bpfsmt.network.xdp import Path
from bpfsmt.program import Program, ProgramType

from .common import asm

FRAME = bytes(60)


def marking(version: int) -> Program:
    """Writes its version at 20 and 40, and counts in its slot before and after."""
    count = f"""
        *(u32 *)(r10 - 4) = {version}
        r2 = r10
        r2 += -4
        r1 = map[seen]
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        r1 = *(u64 *)(r0 + {{at}})
        r1 += 1
        *(u64 *)(r0 + {{at}}) = r1
    """
    return asm(
        f"""
        .map seen type=array key=4 value=16 entries=8
        r6 = r1
        {count.format(at=0)}
        r7 = *(u32 *)(r6 + 0)
        r2 = *(u32 *)(r6 + 4)
        r3 = r7
        r3 += 60
        if r3 > r2 goto out
        *(u8 *)(r7 + 20) = {version}
        call bpf_ktime_get_ns
        *(u8 *)(r7 + 40) = {version}
        {count.format(at=8)}
        r0 = 2
        exit
    out:
        r0 = 0
        exit
        """,
        name=f"version {version}",
    )


def tc_marking(version: int) -> Program:
    """The same for traffic control, at 50."""
    return asm(
        f"""
        .type sched_cls
        r2 = *(u32 *)(r1 + 76)
        r3 = *(u32 *)(r1 + 80)
        r4 = r2
        r4 += 60
        if r4 > r3 goto out
        *(u8 *)(r2 + 50) = {version}
    out:
        r0 = 0
        exit
        """,
        ProgramType.SCHED_CLS,
        f"tc version {version}",
    )


class Disturbed(Environment):
    """While a program looks at the clock, something else happens."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.meanwhile: Callable[[], None] | None = None

    def bpf_ktime_get_ns(self, m: Any, *args: int) -> int:
        """The time, after what happens meanwhile."""
        if self.meanwhile is not None:
            event, self.meanwhile = self.meanwhile, None
            event()
        return super().bpf_ktime_get_ns(m, *args)


def marks(node: Node) -> tuple[int, int, int]:
    """What a frame that passes through looks like."""
    (end,) = node.receive(1, FRAME).ends
    return end.frame[20], end.frame[40], end.frame[50]


@pytest.fixture
def node() -> Node:
    return Node("node", env=Disturbed())


def disturb(node: Node, event: Callable[[], None]) -> None:
    assert isinstance(node.env, Disturbed)
    node.env.meanwhile = event


def test_replaced_in_the_middle_of_a_run(node: Node) -> None:
    old, new = node.load(marking(1)), node.load(marking(2))
    node.attach(Hook.XDP, 1, old)
    disturb(node, lambda: node.attach(Hook.XDP, 1, new))
    assert marks(node) == (1, 1, 0)
    assert marks(node) == (2, 2, 0)


def test_two_places_change_at_once(node: Node) -> None:
    def programs(version: int) -> dict[tuple[Hook, int | str], list[Loaded]]:
        xdp, tc = node.load(marking(version)), node.load(tc_marking(version))
        return {(Hook.XDP, 1): [xdp], (Hook.TC_INGRESS, 1): [tc]}

    old, new = programs(1), programs(2)
    node.swap(old)
    disturb(node, lambda: node.swap(new))
    assert marks(node) == (1, 1, 1)  # the frame was between XDP and traffic control
    assert marks(node) == (2, 2, 2)


def test_a_node_that_looked_again_at_every_hook_would_be_found(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above, of a node as it must not be: the frame is of both versions."""

    class LooksAgain(Path):
        def __init__(self, node: Node, table: Table, journey: Journey, *, trace: bool) -> None:
            super().__init__(node, table, journey, trace=trace)
            self.table = Live(node)

    class Live(dict[Place, tuple[Loaded, ...]]):
        def __init__(self, node: Node) -> None:
            self.node = node

        def get(self, place: Place, default: Any = None) -> Any:
            return self.node.attachments.at(place)

    monkeypatch.setattr("bpfsmt.network.node.Path", LooksAgain)
    with pytest.raises(AssertionError, match=r"assert \(1, 1, 2\) == \(1, 1, 1\)"):
        test_two_places_change_at_once(node)


def test_replaced_by_another_thread(node: Node) -> None:
    """A thousand frames, as many changes as fit in between, and every frame is one version's."""
    versions = [node.load(marking(n)) for n in range(1, 5)]
    node.attach(Hook.XDP, 1, versions[0])
    done = threading.Event()
    changes = 0

    def replace_for_ever() -> None:
        nonlocal changes
        while not done.is_set():
            changes += 1
            node.attach(Hook.XDP, 1, versions[changes % len(versions)])

    thread = threading.Thread(target=replace_for_ever)
    thread.start()
    try:
        seen = [marks(node) for _ in range(1000)]
    finally:
        done.set()
        thread.join()
    assert all(first == second and 1 <= first <= 4 for first, second, _ in seen)
    assert len({first for first, _, _ in seen}) > 1
    for version in range(1, 5):
        counted = node.map("seen").lookup(version)
        assert isinstance(counted, bytes)
        frames = sum(first == version for first, _, _ in seen)
        assert counted == frames.to_bytes(8, "little") * 2


def test_a_rejected_program_changes_nothing(node: Node) -> None:
    node.attach(Hook.XDP, 1, node.load(marking(1)))
    with pytest.raises(RejectedError, match="wild: rejected at 0"):
        node.attach(Hook.XDP, 1, node.load(asm("r0 = *(u8 *)(r1 + 9999)\nexit", name="wild")))
    assert marks(node) == (1, 1, 0)


def test_only_if_the_expected_program_is_there(node: Node) -> None:
    one, two, three = (node.load(marking(n)) for n in (1, 2, 3))
    node.attach(Hook.XDP, 1, one)
    with pytest.raises(BpfsmtError, match="xdp of 1: another program is attached"):
        node.attach(Hook.XDP, 1, three, expected=two)
    assert marks(node) == (1, 1, 0)
    node.attach(Hook.XDP, 1, three, expected=one)
    assert marks(node) == (3, 3, 0)
    node.attach(Hook.XDP, 1)
    assert marks(node) == (0, 0, 0)


@pytest.mark.parametrize(
    ("hook", "at", "why"),
    [
        (Hook.TC_INGRESS, 1, "takes sched_cls or sched_act, and version 1 is xdp"),
        (Hook.XDP, 9, "node has no port 9"),
        (Hook.DEVMAP, 1, "go into the map's entries"),
    ],
)
def test_not_there(node: Node, hook: Hook, at: int, why: str) -> None:
    with pytest.raises(BpfsmtError, match=why):
        node.attach(hook, at, node.load(marking(1)))
    assert node.attachments.table == {}


def test_one_program_for_xdp(node: Node) -> None:
    with pytest.raises(BpfsmtError, match="holds one program, not 2"):
        node.attach(Hook.XDP, 1, node.load(marking(1)), node.load(marking(2)))
