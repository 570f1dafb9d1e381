"""Accesses as Linux checks them, where a rule is easily got almost right."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.verifier import verify

from .common import LATER, accepted, program, rejected

LOOKED_UP = """
    *(u32 *)(r10 - 4) = 0
    r2 = r10
    r2 += -4
    r1 = map[config]
    call bpf_map_lookup_elem
    if r0 == 0 goto +2
    r8 = 1
"""


def test_an_atomic_that_loads_into_its_own_pointer() -> None:
    """The store is checked through what the register holds then (Linux ``check_atomic``)."""
    rejected(
        LOOKED_UP + "r0 = atomic64_cmpxchg((u64 *)(r0 +8), r0, r8)\nr0 = 0\nexit",
        "misaligned access off (0x0; 0xffffffffffffffff)+0+8 size 8",
    )
    rejected(
        LOOKED_UP + "r0 = atomic64_fetch_add((u64 *)(r0 +0), r0)\nr0 = 0\nexit",
        "misaligned access off (0x0; 0xffffffffffffffff)+0+0 size 8",
    )
    accepted(LOOKED_UP + "r8 = atomic64_fetch_add((u64 *)(r0 +0), r8)\nr0 = 0\nexit")


def test_only_a_devmap_has_an_outgoing_interface() -> None:
    text = "r0 = *(u32 *)(r1 + 20)\nexit"
    rejected(text, "invalid bpf_context access off=20 size=4")
    for section in ("xdp/devmap", "?xdp/devmap", "xdp.frags/devmap"):
        assert verify(replace(program(text), section=section), LATER).verdict.accepted


def test_a_function_without_stack_takes_none() -> None:
    """As where programs are compiled (Linux ``round_up_stack_depth``)."""
    accepted("*(u64 *)(r10 - 512) = 0\ncall f\nexit\n.func f\nr0 = 0\nexit")
    rejected(
        "*(u64 *)(r10 - 512) = 0\ncall f\nexit\n.func f\n*(u8 *)(r10 - 1) = 0\nr0 = 0\nexit",
        "combined stack size of 2 calls is 528",
    )
