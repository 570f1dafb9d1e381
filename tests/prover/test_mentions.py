"""What a term mentions stays the same after others were let go of."""

from __future__ import annotations

import pytest
import z3

from bpfsmt.prover import mentions as module
from bpfsmt.prover.mentions import mentions


def test_letting_go_of_terms_keeps_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = z3.BitVecs("x y", 64)
    before = mentions(x * y), mentions(x & y)
    monkeypatch.setattr(module, "LIMIT", 10)
    for k in range(50):
        assert mentions(x + k).sums
        assert mentions(x + k).variables == mentions(x).variables
    assert len(module._MEMORY.terms) < 20
    assert (mentions(x * y), mentions(x & y)) == before
