"""Rules of the paper's rule set are proved; all of them by `bpfsmt prove`."""

from __future__ import annotations

import pytest

from bpfsmt.prover.cache import Cache
from bpfsmt.prover.prove import Done, Options, prove
from bpfsmt.rules import rule_set

PATIENT = Options(quick=30.0, slow=120.0)
SOME = ["tnum_and", "tnum_or", "bounds_from_sign", "alu64_and", "refine64_ult", "zext32"]


def failures(done: list[Done]) -> list[str]:
    return [f"{r.name}: {r.verdict} {r.why}" for d in done for r in d.results
            if r.verdict != "proved"]  # fmt: skip


@pytest.mark.parametrize("name", ["xdp-paper"])
def test_rules_are_proved(name: str) -> None:
    done = list(prove(rule_set(name), SOME, cache=Cache(None), options=PATIENT, jobs=1))
    assert sum(len(d.results) for d in done) > 30
    assert failures(done) == []
