"""What is kept of each command fits what the command prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from bpfsmt.cli import main
from paper.tools import keep
from paper.tools.keep.numbers import curve, share, spread

Keep = Callable[[Any], dict[str, Any]]


def output(arguments: str) -> Any:
    """What a command prints, as the measurements read it."""
    result = CliRunner().invoke(main, arguments.split())
    assert result.exit_code in (0, 1, 3), result.output
    text = result.stdout
    return json.loads(text) if "--json" in arguments else text


def test_rule_sets_and_texts() -> None:
    sets = keep.rule_sets(output("rules --json"))["sets"]
    assert sets["linux-6.18"]["rules"] > sets["linux-6.18"]["changed"] > 0
    lines = keep.text(output("rules xdp-paper --show tnum_and"))["lines"]
    assert lines[0].startswith("def tnum_and(")


def test_proofs() -> None:
    kept = keep.prove(output("prove --json --no-cache --no-poc -j 1 --rules xdp-paper tnum_and"))
    assert kept["verdicts"] == {"proved": kept["obligations"], "refuted": 0, "unknown": 0}
    assert kept["about"] == 1
    assert kept["kinds"]["operator"]["count"] == kept["obligations"]
    assert kept["unknown"] == kept["refuted"] == []
    assert len(kept["curve"]) > 2


def test_the_museum() -> None:
    kept = keep.museum(output("museum --json -j 1 cve-2022-2905 cve-2021-3444"))
    assert (kept["exhibits"], kept["as_listed"], kept["shown"]) == (2, 2, 2)
    assert (kept["rules"], kept["walks"], kept["beyond_one_register"]) == (2, 0, 1)
    assert 0 < kept["refuted"] < kept["obligations"]
    assert [row["name"] for row in kept["rows"]] == ["cve-2022-2905", "cve-2021-3444"]


def test_the_generations_of_the_product() -> None:
    kept = keep.products(output("precision --json --products --width 3 --count 50"))
    assert kept["widest"]["pairs"] == 3**6
    pair = kept["widest"]["by_pair"]["linux-6.18:best"]
    assert pair["equal"] + pair["b_tighter"] == pytest.approx(100)
    assert pair["a_tighter"] == 0
    assert kept["drawn"]["pairs"] == kept["few"]["pairs"] == 50


def test_precision_and_differences() -> None:
    arguments = "precision --json --no-cache -j 1 --search 1 --timeout 5 --count 5 tnum_and"
    kept = keep.precision(output(arguments))
    assert kept["verdicts"]["optimal"] == kept["parts"] == 1
    assert kept["gaps"][0]["small"]["best"] == 100
    kept = keep.diff(
        output("diff --json --no-cache -j 1 -r linux-6.12 -r linux-6.18 -o bounds64_from_32")
    )
    assert kept["older"] == ["bounds64_from_32"]
    assert kept["verdicts"]["A_tighter"] == 1


def test_claims_about_programs() -> None:
    planted = "--rules tests/cli/planted_bug.py tests/cli/carry.bpfasm"
    kept = keep.crosscheck(output(f"crosscheck --json -j 1 {planted}"))
    assert kept["programs"] == kept["verdicts"]["accept"] == 1
    assert kept["answers"]["refuted"] > 0
    assert sum(kept["answers"].values()) == kept["obligations"]


def test_an_explanation() -> None:
    file = "bench_programs/rules/false_rejection_copied_number.bpfasm"
    kept = keep.explain(output(f"explain --json {file}"))
    assert (kept["truth"], kept["lost"]["word"]) == ("safe", "lost")
    assert kept["added"] and kept["missing"]["needed"]


def test_shares_and_spreads() -> None:
    assert share(1, 4) == 25.0
    assert share(0, 0) is None
    assert spread([]) == {"count": 0, "sum": 0, "median": None, "max": None}
    assert spread([3.0, 1.0, 2.0]) == {"count": 3, "sum": 6.0, "median": 2.0, "max": 3.0}
    assert curve([]) == []
    assert (curve(range(100))[0], curve(range(100))[-1]) == (0, 99)


def test_how_much_of_a_campaign_was_there_before() -> None:
    counts = {"refuted": 2, "equal": 0, "unknown": 1, "score": 0.5}
    outcomes = [
        {
            "rule": "one",
            "verdict": verdict,
            "how": "run",
            "seconds": 1.5,
            "cached": verdict != "unknown",
        }
        for verdict in ("refuted", "refuted", "unknown")
    ]
    kept = keep.mutate({"rules": "set", "mutants": 3, "possible": 9, "counts": counts,
                        "by_rule": {"one": counts}, "outcomes": outcomes})  # fmt: skip
    assert (kept["kept"], kept["decided"], kept["score"], kept["cpu"]) == (2, 66.667, 50.0, 4.5)
    hunt = {"seed": 0, "programs": 3, "seconds": 1.5, "found": None}
    row = {"exhibit": "one", "median_programs": 3, "median_seconds": 1.5, "found": 1}
    kept = keep.fuzz_museum({"seeds": 2, "kept": 1, "exhibits": [{**row, "hunts": [hunt, hunt]}]})
    assert (kept["kept"], kept["searches"], kept["found"]) == (1, 2, 1)


def test_false_claims_about_programs() -> None:
    """What is kept of a kernel's claims, here of a wrong rule's."""
    planted = "--rules tests/cli/planted_bug.py tests/cli/carry.bpfasm"
    kept = keep.false_claims(output(f"crosscheck --json -j 1 {planted}"))["programs"]["carry"]
    assert kept["verdict"] == "accept"
    assert 0 < kept["replayed"] <= kept["refuted"] < kept["obligations"]
