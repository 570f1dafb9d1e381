"""Logs that were edited so that they lie: every lie is refuted, and the honest log is proved."""

from __future__ import annotations

import re

import pytest

from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.run import check_log

from .common import RELEASES, program, text

HONEST = (
    "branch_refines_both_sides", "forgotten_number", "linked_numbers", "loop_of_two_paths",
    "map_null_check_other_copy", "narrow_spills", "packet_bounds_off_by_one", "socket_dns",
    "split_mask", "stack_of_the_caller", "tc_mark", "xdp_drop",
)  # fmt: skip


def checked(name: str, log: str) -> Report:
    return check_log(program(name), log, timeout=20, precision_seconds=0)


def refutations(name: str, log: str) -> set[tuple[str, int]]:
    report = checked(name, log)
    assert report.exit_code == 1
    return {(f.check, f.pc) for f in report.refuted}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", HONEST)
def test_the_honest_log_is_proved(release: str, name: str) -> None:
    report = checked(name, text(release, name))
    assert {f.status for f in report.findings} == {Status.PROVED}
    assert report.exit_code == 0


def edited(release: str, name: str, old: str, new: str, count: int = 1) -> str:
    honest = text(release, name)
    assert old in honest
    return honest.replace(old, new, count)


BOUND = {"6.1": ("umax=31,", "umax=30,"), "6.12": ("umax32=31,", "umax32=30,")}


@pytest.mark.parametrize("release", RELEASES)
def test_a_bound_off_by_one(release: str) -> None:
    """Of the number behind ``if r6 > 31``, in the state behind the compare only."""
    old, new = BOUND.get(release, BOUND["6.12"])
    log = edited(release, "branch_refines_both_sides", old, new)
    assert ("inductive", 10) in refutations("branch_refines_both_sides", log)


@pytest.mark.parametrize("release", RELEASES)
def test_a_lower_bound_off_by_one(release: str) -> None:
    """In the arm that comes back off the stack: printed twice, so edited twice."""
    name = "branch_refines_both_sides"
    old = "umin=32," if release == "6.1" else "umin32=32,"
    assert ("inductive", 11) in refutations(name, edited(release, name, old, old[:-2] + "3,", 2))


@pytest.mark.parametrize("release", RELEASES)
def test_a_known_bit_too_many(release: str) -> None:
    name = "branch_refines_both_sides"
    log = edited(release, name, "var_off=(0x0; 0x3f)", "var_off=(0x0; 0x3e)")
    assert ("inductive", 9) in refutations(name, log)


@pytest.mark.parametrize("release", RELEASES)
def test_a_packet_range_off_by_one(release: str) -> None:
    log = edited(release, "xdp_tx", "off=14,r=14", "off=14,r=15")
    assert ("inductive", 6) in refutations("xdp_tx", log)


@pytest.mark.parametrize("release", RELEASES)
def test_a_pointer_that_cannot_be_null(release: str) -> None:
    name = "map_null_check_other_copy"
    old = "map_value_or_null(id=1,"
    log = edited(release, name, old, "map_value(")
    assert refutations(name, log) & {("inductive", 6), ("inductive", 7)}


@pytest.mark.parametrize("release", ["6.12", "6.18"])
def test_a_link_off_by_one(release: str) -> None:
    log = edited(release, "linked_numbers", "+9,", "+8,")
    assert refutations("linked_numbers", log)


@pytest.mark.parametrize("release", RELEASES)
def test_bytes_that_are_no_zeros(release: str) -> None:
    log = edited(release, "branch_refines_both_sides", "fp-8=mmmm????", "fp-8=0000????")
    assert ("inductive", 2) in refutations("branch_refines_both_sides", log)


@pytest.mark.parametrize("release", RELEASES)
def test_an_edge_dropped(release: str) -> None:
    """The taken arm of 9 is not walked: then the log says that it never is."""
    name = "branch_refines_both_sides"
    arm = re.compile(r"^from 9 to 11: .*?(?=^\n?from 7 to 14)", re.MULTILINE | re.DOTALL)
    log, count = arm.subn("", text(release, name))
    assert count == 1
    log = re.sub(r"processed \d+", f"processed {15}", log)
    assert refutations(name, log) >= {("dead-arm", 9), ("unreachable", 11)}


@pytest.mark.parametrize("release", RELEASES)
def test_a_pruned_arm_dropped(release: str) -> None:
    name = "branch_refines_both_sides"
    log = edited(release, name, "from 7 to 14: safe", "").replace("processed 20", "processed 19")
    assert ("dead-arm", 7) in refutations(name, log)


@pytest.mark.parametrize("release", RELEASES)
def test_pruned_although_it_matters(release: str) -> None:
    """A rejected program made an accepted one: the second path is said to be like the first.

    It is not, r6 is unbounded on it; this is the mistake of CVE-2023-2163.
    """
    name = "pruning_different_states"
    second = re.compile(
        r"^from 10 to 12: .*?(?=^(stack depth|processed))", re.MULTILINE | re.DOTALL
    )
    log, count = second.subn("from 10 to 12: safe\n\nfrom 8 to 14: safe\n", text(release, name))
    assert count == 1
    log = re.sub(r"processed \d+", "processed 17", log)
    assert ("safety", 13) in refutations(name, log)


@pytest.mark.parametrize("release", RELEASES)
def test_accepted_without_a_reason(release: str) -> None:
    """The message of a rejection is gone: then the last access is claimed to be safe."""
    name = "packet_bounds_off_by_one"
    said = ("invalid access to packet", "R2 offset", "R3 offset", "R4 offset")
    lines = [x for x in text(release, name).splitlines() if not x.startswith(said)]
    assert ("safety", 6) in refutations(name, "\n".join(lines))


@pytest.mark.parametrize("release", RELEASES)
def test_what_the_kernels_themselves_claim_falsely(release: str) -> None:
    """That a pointer stays behind the packet's end whatever is subtracted from it."""
    name = "packet_end_forgotten"
    report = checked(name, text(release, name))
    assert {(f.check, f.pc) for f in report.refuted} == {
        ("inductive", 7), ("global", 7), ("unreachable", 8), ("unreachable", 9),
    }  # fmt: skip
    assert all(f.replayed for f in report.refuted if f.check != "inductive")
