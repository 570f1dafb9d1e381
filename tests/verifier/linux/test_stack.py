"""Spills and fills, parts of them, and offsets that are not known."""

from __future__ import annotations

from .common import LATER, accepted, rejected


def logged(text: str, line: str, **options: object) -> None:
    log = accepted(text, log=True, **options).log
    assert any(line in entry for entry in log), "\n".join(log)


def test_a_spilled_pointer_comes_back() -> None:
    accepted("*(u64 *)(r10 - 8) = r1\nr1 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r1 + 16)\nexit")


def test_part_of_a_spilled_pointer() -> None:
    text = "*(u64 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 8)\nexit"
    rejected(text, "invalid size of register fill", pc=1)


def test_a_narrow_spill_keeps_its_number() -> None:
    text = "r1 = 7\n*(u32 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 8)\nexit"
    logged(text, "R0=7")
    logged("r1 = 7\n*(u32 *)(r10 - 8) = r1\nr0 = *(u16 *)(r10 - 8)\nexit", "R0=7")


def test_bytes_next_to_each_other_are_no_spill() -> None:
    text = "r1 = 0\n*(u8 *)(r10 - 7) = r1\nr0 = *(u8 *)(r10 - 7)\nexit"
    logged(text, "R0=0 ")


def test_unwritten_stack_is_any_number() -> None:
    logged("r0 = *(u64 *)(r10 - 8)\nexit", "R0=scalar()")


VARIABLE = """
call bpf_get_prandom_u32
r0 &= {mask}
r1 = r10
r1 += -16
r1 += r0
r2 = 0
*(u8 *)(r1 + 0) = r2
r0 = 0
exit
"""


def test_a_store_at_an_unknown_offset() -> None:
    accepted(VARIABLE.format(mask=15))
    rejected(VARIABLE.format(mask=31), "invalid variable-offset write to stack R1", pc=6)


def test_below_the_stack() -> None:
    rejected("r0 = *(u64 *)(r10 - 520)\nexit", "invalid read from stack R10 off=-520 size=8", pc=0)


LOOKUP = """
r1 = {key}
*(u32 *)(r10 - 4) = r1
r2 = r10
r2 += -4
r1 = map[config]
call bpf_map_lookup_elem
r0 = *(u32 *)(r0 + 0)
exit
"""


def test_a_lookup_with_a_known_key_never_fails_in_later_kernels() -> None:
    accepted(LOOKUP.format(key=0), rules=LATER)
    rejected(LOOKUP.format(key=1), "R0 invalid mem access 'map_value_or_null'", rules=LATER)
    rejected(LOOKUP.format(key=0), "R0 invalid mem access 'map_value_or_null'")
