"""The contracts of tnum operations, of stages, and of all arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from bpfsmt.prover.contract import Contract
from bpfsmt.prover.theorems.meanings import (
    OPS,
    binary,
    identity,
    mov32,
    sign_extended,
    unary,
    zero_extended,
)

WIDTHS = {"bits": (8, 16, 32)}


def tnums() -> Iterator[Contract]:
    """Tnum operations (`tnum_mul` has a proof of its own, `product`)."""
    for op in ("add", "sub", "mul", "and", "or", "xor"):
        yield Contract(f"tnum_{op}", binary(f"{op}64"))
    for op in ("lshift", "rshift", "arshift"):
        meaning = binary(f"{op[0] if op != 'arshift' else 'ar'}sh64")
        yield Contract(f"tnum_{op}", meaning, when=lambda x, n: z3.ULT(n, 64))
    yield Contract("tnum_neg", unary("neg64"))
    yield Contract("tnum_const", identity)
    yield Contract("tnum_zext32", mov32)
    yield Contract("tnum_sext", sign_extended, cases=WIDTHS)
    yield Contract("tnum_intersect", lambda x, y: x, when=lambda x, y: x == y)
    yield Contract(
        "tnum_range",
        lambda lo, hi, z: z,
        when=lambda lo, hi, z: z3.And(z3.ULE(lo, z), z3.ULE(z, hi)),
        free=True,
    )


STAGES = (
    "bounds_from_tnum",
    "bounds_from_sign",
    "tnum_from_bounds",
    "bounds32_from_tnum",
    "bounds32_from_u64",
    "bounds32_from_s64",
    "bounds32_from_neighbours",
    "bounds32_from_sign",
    "bounds64_from_sign",
    "bounds64_from_32",
    "bounds64_after_sext",
    "bound_offset32",  # Linux 5.5 alone
    "deduce32",
    "deduce",
    "single_value",
    "from_bits",
    "sync",
)


def stages() -> Iterator[Contract]:
    """What makes the parts of a scalar learn from each other loses no member."""
    for name in STAGES:
        yield Contract(name, identity, settles=name == "sync")
    # These forget what they are given of one width, so they are no ends that can be left out.
    for name in ("combine_64_into_32", "combine_32_into_64"):
        yield Contract(name, identity, stage=False)
    yield Contract("low_as_whole", identity, when=lambda x: z3.ULE(x, 0xFFFF_FFFF), stage=False)
    yield Contract("from_tnum", identity)
    yield Contract("from_umax", lambda top, z: z, when=lambda top, z: z3.ULE(z, top), free=True)
    yield Contract(
        "from_srange",
        lambda lo, hi, z: z,
        when=lambda lo, hi, z: z3.And(lo <= z, z <= hi),
        free=True,
    )
    yield Contract("scalar_intersect", lambda x, y: x, when=lambda x, y: x == y)
    one = lambda x, y, z, synced: z3.And(x == y, x == z)  # noqa: E731
    yield Contract("of_itself", lambda x, y, z, synced: x, when=one, synced=True)


def arithmetic() -> Iterator[Contract]:
    """The two widths of every operation, and the parts that they share."""
    for op in OPS:
        yield Contract(f"{op}_core", binary(f"{op}64"), synced=True)
        for bits in (64, 32):
            yield Contract(f"alu{bits}_{op}", binary(f"{op}{bits}"), synced=True)
    for bits in (64, 32):
        yield Contract(f"alu{bits}_neg", unary(f"neg{bits}"), synced=True)
    yield Contract("pointer_sum", binary("add64"), synced=True)
    yield Contract("pointer_difference", binary("sub64"), synced=True)
    yield Contract("zext32", mov32)
    yield Contract("mov64_imm", lambda imm: z3.SignExt(32, imm))
    yield Contract("mov32_imm", lambda imm: z3.ZeroExt(32, imm))
    yield Contract("sext", sign_extended, cases=WIDTHS)
    yield Contract("low_bits", zero_extended, cases=WIDTHS)
    yield Contract("movsx64", sign_extended, cases=WIDTHS, synced=True)
    yield Contract(
        "movsx32",
        lambda x, n: mov32(sign_extended(x, n)),
        cases={"bits": (8, 16)},
        synced=True,
    )
