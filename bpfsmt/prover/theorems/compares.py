"""The contracts of compares: where a condition holds, both operands keep their members."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.prover.contract import Contract
from bpfsmt.prover.theorems.meanings import CONDITIONS, condition


def refinements() -> Iterator[Contract]:
    """Both operands of each compare, where it is true."""
    for bits in (64, 32):
        for name in (*CONDITIONS, "nset"):
            yield Contract(
                f"refine{bits}_{name}",
                lambda x, y: (x, y),
                when=condition(name, bits),
                synced=True,
            )
        for name in ("ult", "slt"):
            meets = condition(name, bits)
            yield Contract(f"below{bits}_{name}", lambda x, y: (x, y), when=meets, synced=True)
