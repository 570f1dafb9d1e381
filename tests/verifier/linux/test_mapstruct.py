"""A map's own structure can be read, as far as that is modelled, and not written."""

from __future__ import annotations

import pytest

from bpfsmt.domain.analysis import Outcome

from .common import LATER, accepted, rejected, run


@pytest.mark.parametrize(
    ("access", "message"),
    [
        ("*(u32 *)(r1 + 0) = 3", "only read from bpf_htab is supported"),
        ("r0 = *(u32 *)(r1 - 4)", "R1 is bpf_htab invalid negative access: off=-4"),
        ("*(u32 *)(r1 - 4) = 3", "R1 is bpf_htab invalid negative access: off=-4"),
        ("r0 = *(u32 *)(r1 + 1)", "member ops with moff 0 in struct bpf_map with off 1 size 4"),
        ("r0 = *(u32 *)(r1 + 0)", "member ops with moff 0 in struct bpf_map with off 0 size 4"),
    ],
)
def test_what_is_refused(access: str, message: str) -> None:
    rejected(f"r1 = map[counts]\n{access}\nr0 = 0\nexit", message, pc=2)


def test_in_6_18_a_hash_is_in_front() -> None:
    text = "r1 = map[counts]\nr0 = *(u{bits} *)(r1 + {off})\nr0 = 0\nexit"
    for off, bits in ((0, 64), (1, 32), (31, 8)):
        accepted(text.format(off=off, bits=bits), rules=LATER)
    rejected(text.format(off=31, bits=16), "moff 32 in struct bpf_map with off 31", rules=LATER)
    rejected(text.format(off=36, bits=32), "moff 32 in struct bpf_map with off 36", rules=LATER)
    assert run(text.format(off=32, bits=64), rules=LATER).verdict.outcome is Outcome.UNSUPPORTED


@pytest.mark.parametrize("off", [0, 8, 64])
def test_what_a_field_holds_is_not_modelled(off: int) -> None:
    verdict = run(f"r1 = map[counts]\nr0 = *(u64 *)(r1 + {off})\nr0 = 0\nexit").verdict
    assert verdict.outcome is Outcome.UNSUPPORTED
