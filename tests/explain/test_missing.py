"""The bound that was missing is the one that the verifier's own rule asks for."""

from __future__ import annotations

import pytest

from bpfsmt.explain.missing import Missing
from bpfsmt.rules import rule_set

from .common import PAPER, explained, rejected

FOUND = [
    ("packet_bounds_missing", "range", "0", 1),
    ("packet_bounds_off_by_one", "range", "14", 15),
    ("packet_bounds_wrong_side", "range", "0", 14),
    ("packet_metadata_missing", "range", "0", 4),
    ("packet_min_negative", "smin", "-128", 0),
    ("packet_offset_too_large", "umax", "131071", 65535),
    ("map_value_index_too_large", "smax", "31", 28),
    ("map_value_negative_index", "smin", "-8388608", 0),
    ("write_beyond_map_value", "off", "4", None),
    ("stack_out_of_bounds", "off", "-520", None),
    ("stack_uninitialised_read", "bytes", "? (never written)", None),
    ("stack_variable_offset", "var_off", "with bits 0x7 unknown", None),
    ("map_null_check_missing", "type", "map_value_or_null", None),
    ("register_uninitialised", "type", "? (never written)", None),
    ("scalar_dereference", "type", "scalar", None),
    ("helper_wrong_arg_type", "type", "ctx", None),
    ("helper_size_unbounded", "umax", "4294967295", 8),
    ("map_value_unbounded_index", "smin", "unbounded (-2^63)", -536870911),
    ("tnum_alignment_unknown", "var_off", "unknown in bits 0x7", None),
]


@pytest.mark.parametrize(("name", "component", "actual", "limit"), FOUND)
def test_component_and_numbers(name: str, component: str, actual: str, limit: int | None) -> None:
    (found,) = [m for m in explained(name).missing if m.component == component]
    assert (found.actual, found.limit) == (actual, limit)


@pytest.mark.parametrize("rules", ["xdp-paper", "linux-6.12"])
@pytest.mark.parametrize(
    "name", ["map_value_index_too_large", "map_value_negative_index", "pruning_different_states"]
)
def test_with_the_bounds_the_rule_admits_it_and_one_beyond_it_does_not(
    name: str, rules: str
) -> None:
    one = explained(name, rules)
    assert one.access is not None
    admits = rule_set(rules).ints.region_access_ok
    size = one.analysis.program.maps[0].value_size

    def passes(wanted: list[Missing], more: int) -> bool:
        assert one.access is not None
        scalar = one.access.claim.scalar
        for m in wanted:
            assert m.limit is not None
            away = -more if m.component == "smin" else more
            scalar = scalar._replace(**{m.component: m.limit + away})  # type: ignore[arg-type]
        return bool(admits(scalar, one.access.fixed, one.access.size, size))

    wanted = list(one.missing)
    assert wanted
    assert not passes([], 0)
    assert passes(wanted, 0)
    assert not passes(wanted, 1)
    assert all(not passes([m for m in wanted if m is not gone], 0) for gone in wanted)


def test_the_packet_rule_asks_for_just_this_range() -> None:
    for name in ("packet_bounds_missing", "packet_bounds_off_by_one", "packet_bounds_wrong_side"):
        one = explained(name)
        (m,) = one.missing
        access = one.access
        assert access is not None
        assert m.limit is not None
        ok = PAPER.ints.packet_access_ok
        assert ok(access.claim.scalar, access.fixed, access.size, m.limit)
        assert not ok(access.claim.scalar, access.fixed, access.size, m.limit - 1)


@pytest.mark.parametrize("name", list(rejected()))
def test_every_rejection_names_its_instruction(name: str) -> None:
    one = explained(name)
    if one.analysis.verdict.accepted:
        pytest.skip("rejected by other rules only")
    assert one.access is not None
    assert one.access.pc == one.analysis.verdict.pc
