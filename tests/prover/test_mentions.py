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
    sums = [x]
    for k in range(50):
        sums.append(sums[-1] + k)
        assert mentions(sums[-1]).sums
    assert len(module._MEMORY.terms) < 30
    assert (mentions(x * y), mentions(x & y)) == before
    assert mentions(sums[-1]).variables == mentions(x).variables
