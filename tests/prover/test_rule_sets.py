"""Every rule of the rule sets is proved; nothing is refuted, nothing unknown, all covered.

The suite proves the paper's set and 6.12's; what the others change is proved for them too.
"""

from __future__ import annotations

import pytest

from bpfsmt.prover.cache import Cache
from bpfsmt.prover.prove import Done, Options, prove
from bpfsmt.prover.theorems import theorems, uncovered
from bpfsmt.rules import RuleSet, rule_set

PATIENT = Options(quick=30.0, slow=120.0)
NEED_SYNC = {"linux-6.1": {"and_core", "or_core", "xor_core"}}
"""Where an operation is sound on synced inputs only (Vishwanathan et al., SAS 2024)."""


def failures(done: list[Done]) -> list[str]:
    return [f"{r.name}: {r.verdict} {r.why}" for d in done for r in d.results
            if r.verdict != "proved"]  # fmt: skip


def overridden(rules: RuleSet) -> list[str]:
    """The theorems about rules whose text differs from that in the set it derives from."""
    base = rule_set("linux-6.12")
    have, old = rules.linked.rules, base.linked.rules
    changed = {n for n, r in have.items() if n not in old or old[n] is not r}
    return [t.name for t in theorems(rules) if t.rule in changed]


@pytest.mark.parametrize("name", ["xdp-paper", "linux-6.12"])
def test_all_rules_are_proved(name: str) -> None:
    done = list(prove(rule_set(name), cache=Cache(None), options=PATIENT, jobs=1))
    assert sum(len(d.results) for d in done) > 200
    assert failures(done) == []


@pytest.mark.parametrize("name", ["linux-6.1", "linux-6.18"])
def test_what_other_releases_change_is_proved(name: str) -> None:
    rules = rule_set(name)
    done = list(prove(rules, overridden(rules), cache=Cache(None), options=PATIENT, jobs=1))
    assert done
    assert failures(done) == []
    needs = {
        d.rule for d in done for r in d.results if r.inputs == "synced" and r.kind == "operator"
    }
    assert needs == NEED_SYNC.get(name, set())


@pytest.mark.parametrize("name", ["xdp-paper", "linux-6.1", "linux-6.12", "linux-6.18"])
def test_what_no_obligation_speaks_of_is_known(name: str) -> None:
    """Rules that no proof reaches: they decide what is followed, or are for other sets."""
    rules = rule_set(name)
    missing = {n for n in uncovered(rules, theorems(rules)) if not n.startswith("links_")}
    allowed = {
        "bswap16", "bswap32", "bswap64", "tnum_bswap16", "tnum_bswap32", "tnum_bswap64",
        "swap_bytes", "keep_bytes", "byte_swap", "checked", "contradicts", "decides32",
        "decides64", "size_arg_ok", "spill_tracked", "stack_access_ok", "tnum_union", "widened",
    }  # fmt: skip
    assert missing <= allowed
