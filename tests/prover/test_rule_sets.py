"""Every rule of the paper's rule set is proved: nothing refuted, nothing unknown."""

from __future__ import annotations

import pytest

from bpfsmt.prover.cache import Cache
from bpfsmt.prover.prove import Done, Options, prove
from bpfsmt.rules import rule_set

PATIENT = Options(quick=30.0, slow=120.0)


def failures(done: list[Done]) -> list[str]:
    return [f"{r.name}: {r.verdict} {r.why}" for d in done for r in d.results
            if r.verdict != "proved"]  # fmt: skip


@pytest.mark.parametrize("name", ["xdp-paper"])
def test_all_rules_are_proved(name: str) -> None:
    done = list(prove(rule_set(name), cache=Cache(None), options=PATIENT, jobs=1))
    assert sum(len(d.results) for d in done) > 200
    assert failures(done) == []
