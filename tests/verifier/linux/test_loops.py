"""Bounded loops, loops that never end, and the limits of a walk."""

from __future__ import annotations

from dataclasses import replace

from .common import LINUX, accepted, rejected

COUNT = """
r1 = 0
again:
r1 += 1
if r1 < 10 goto again
r0 = 0
exit
"""


def test_bounded_loop_is_walked_to_its_end() -> None:
    assert accepted(COUNT).walked == 1 + 2 * 10 + 2


def test_loop_in_which_nothing_changes() -> None:
    rejected("again:\nif r1 == 0 goto again\ngoto again", "infinite loop detected at insn")


def test_loop_with_too_many_rounds() -> None:
    small = LINUX.derive("small", policy=replace(LINUX.policy, max_walked=500))
    text = COUNT.replace("10", "100000")
    rejected(text, "BPF program is too large. Processed 500 insn", rules=small)


def test_may_goto_ends_where_a_later_round_brings_nothing_new() -> None:
    accepted("r1 = 0\nagain:\nr1 += 1\nmay_goto done\ngoto again\ndone:\nr0 = 0\nexit")


def test_unreachable_code() -> None:
    rejected("goto end\nr0 = 1\nend:\nr0 = 0\nexit", "unreachable insn 1", pc=1)
