"""Logs of three kernels, read back: nothing is left unread, and nothing comes as a surprise."""

from __future__ import annotations

import re

import pytest

from bpfsmt.domain import RegType, format_reg
from bpfsmt.domain.analysis import Outcome
from bpfsmt.errors import LogError
from bpfsmt.kernel.log import ParsedLog, parse_log

from .common import ALL, RELEASES, program, text

REJECTED = {
    "jump_out_of_range": (1, "bad-jump"),
    "map_null_check_missing": (6, "possibly-null"),
    "packet_bounds_off_by_one": (6, "packet-bounds"),
    "pruning_different_states": (13, "map-value-bounds"),
    "tnum_alignment_unknown": (11, "misaligned"),
    "unreachable_instruction": (2, "unreachable"),
}


def parsed(release: str, name: str) -> ParsedLog:
    return parse_log(program(name), text(release, name))


@pytest.mark.parametrize(("release", "name"), ALL)
def test_every_line_is_understood(release: str, name: str) -> None:
    log = parsed(release, name)
    assert log.unread == []
    assert log.surprises == []


@pytest.mark.parametrize(("release", "name"), ALL)
def test_all_instructions_and_states_are_there(release: str, name: str) -> None:
    """The kernel's own counts: instructions walked, states kept for pruning."""
    log = parsed(release, name)
    walked, kept = re.findall(r"processed (\d+) insns.* total_states (\d+)", text(release, name))[0]
    pruned = sum(edge.pruned for edge in log.analysis.edges)
    assert len(log.analysis.visits) + pruned == int(walked)
    assert log.kept == int(kept)


@pytest.mark.parametrize(("release", "name"), ALL)
def test_verdict(release: str, name: str) -> None:
    verdict = parsed(release, name).analysis.verdict
    if name in REJECTED:
        assert verdict.outcome is Outcome.REJECT
        assert (verdict.pc, verdict.kind) == REJECTED[name]
    else:
        assert verdict.outcome is Outcome.ACCEPT


@pytest.mark.parametrize("release", RELEASES)
def test_edges_make_a_walk(release: str) -> None:
    analysis = parsed(release, "stack_of_the_caller").analysis
    kinds = {edge.kind for edge in analysis.edges}
    assert kinds == {"next", "taken", "not-taken", "call", "return"}
    entered = {edge.dst for edge in analysis.edges if not edge.pruned}
    assert entered == set(range(1, len(analysis.visits)))
    for edge in analysis.edges:
        assert analysis.visits[edge.dst].pc == edge.pc


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_not_printed_is_carried_along(release: str) -> None:
    """Copies of a packet pointer, and a store through a pointer into another frame."""
    analysis = parsed(release, "xdp_tx").analysis
    behind = next(analysis.at(6)).state
    assert [format_reg(behind.regs[n]) for n in (1, 3)] == ["pkt(r=14)", "pkt(off=14,r=14)"]
    inner = next(parsed(release, "stack_of_the_caller").analysis.at(14)).state
    spilled = inner.frames[0].stack[0].spill
    assert spilled is not None
    assert spilled.type is RegType.SCALAR_VALUE
    assert spilled.scalar.umax == 0xFFFFFFFF


@pytest.mark.parametrize("release", RELEASES)
def test_arms_that_never_came_are_dead(release: str) -> None:
    analysis = parsed(release, "loop_back_edge").analysis
    assert [(arm.pc, arm.kind) for arm in analysis.dead] == [
        (3, "not-taken"), (3, "not-taken"), (1, "taken"),
    ]  # fmt: skip


def test_bounds_that_linux_6_1_leaves_out() -> None:
    old = next(parsed("6.1", "branch_refines_both_sides").analysis.at(9)).state.regs[6]
    new = next(parsed("6.12", "branch_refines_both_sides").analysis.at(9)).state.regs[6]
    assert old.scalar == new.scalar
    assert old.scalar.s32max == 63


def test_a_log_that_is_cut_off() -> None:
    whole = text("6.18", "xdp_drop")
    with pytest.raises(LogError, match="cut off after line 3"):
        parse_log(program("xdp_drop"), "\n".join(whole.splitlines()[:3]))


def test_a_log_of_another_program() -> None:
    with pytest.raises(LogError, match="it is about another program"):
        parse_log(program("xdp_drop"), text("6.18", "xdp_tx"))


def test_lines_that_are_not_understood_are_reported() -> None:
    lines = text("6.18", "xdp_drop").splitlines()
    lines.insert(22, "a line that no kernel prints")
    at = next(n for n, line in enumerate(lines) if line.startswith("11: (bf)"))
    lines[at] = lines[at].replace("vs=8)", "vs=8,new=1)", 1)
    log = parse_log(program("xdp_drop"), "\n".join(lines))
    assert log.unread == [(23, "a line that no kernel prints")]
    assert log.analysis.verdict.outcome is Outcome.UNSUPPORTED
    assert log.analysis.verdict.pc == 11
    assert "map_value with new" in log.analysis.verdict.reason


def test_missing_instructions_are_noticed() -> None:
    lines = text("6.18", "xdp_drop").splitlines()
    lines[-1] = lines[-1].replace("processed 18", "processed 19")
    ((number, why),) = parse_log(program("xdp_drop"), "\n".join(lines)).unread
    assert number == len(lines)
    assert "18 of these instructions were found" in why


def test_types_outside_the_domain_are_unsupported() -> None:
    changed = text("6.18", "xdp_drop").replace("R0=map_value(", "R0=ptr_sock(", 1)
    verdict = parse_log(program("xdp_drop"), changed).analysis.verdict
    assert verdict.outcome is Outcome.UNSUPPORTED
    assert verdict.reason == "bpfsmt does not model registers of type ptr_sock: no verdict."
