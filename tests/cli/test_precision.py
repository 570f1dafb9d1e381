"""``precision`` and ``diff``: exit codes, tables, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .common import PLANTED_BUG, bpfsmt, written

LOOSE = """
from bpfsmt.bits import rule
from bpfsmt.domain import Tnum
from bpfsmt.rules import rule_set

@rule
def tnum_and(a: Tnum, b: Tnum) -> Tnum:
    ones = a.value & b.value
    return Tnum(ones, (a.mask | b.mask) & ~ones)

RULES = rule_set("xdp-paper").derive("loose", tnum_and)
"""


@pytest.fixture(autouse=True)
def nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def report(*args: str | Path) -> tuple[int, Any]:
    result = bpfsmt(*args, "--json")
    return result.exit_code, json.loads(result.stdout)


def test_precision_says_which_part_is_optimal(tmp_path: Path) -> None:
    file = written(tmp_path, "loose.py", LOOSE)
    code, found = report("precision", "-r", file, "tnum_and", "tnum_or", "--count", "20", "-j", "1")
    assert code == 0
    first, second = found["operations"]
    wrong, right = first["parts"]["tnum"], second["parts"]["tnum"]
    assert (wrong["verdict"], right["verdict"]) == ("not optimal", "optimal")
    assert wrong["example"]["arguments"] == ["(0; 0)", "(0; 1)"]
    assert wrong["example"]["best"] == [0, 0]
    assert wrong["small"]["best"] < wrong["small"]["cases"] == 729
    assert right["small"]["best"] == right["small"]["cases"]
    assert right["drawn"]["cases"] == 20


def test_precision_prints_the_example(tmp_path: Path) -> None:
    file = written(tmp_path, "loose.py", LOOSE)
    result = bpfsmt("precision", "-r", file, "tnum_and", "--count", "0", "--width", "0")
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("tnum_and   tnum")]
    assert "(0; 0), (0; 1) -> (0; 1), best (0; 0)" in row
    assert "1 parts of 1 operations: 0 optimal, 1 not optimal, 0 unknown" in result.stdout


def test_an_unsound_rule_is_reported_as_such() -> None:
    code, found = report("precision", "-r", PLANTED_BUG, "tnum_add", "--width", "0")
    assert code == 1
    assert found["verdicts"]["not sound"] == 1


def test_out_of_time_is_unknown() -> None:
    quick = ("--timeout", "0.01", "--search", "0.01", "--width", "0", "--count", "0")
    code, found = report("precision", "-r", "xdp-paper", "tnum_sub", *quick)
    assert code == 3
    assert "timeout" in found["operations"][0]["parts"]["tnum"]["why"]


def test_products_are_compared() -> None:
    pytest.importorskip("numpy")
    args = ("precision", "--products", "--width", "3", "--count", "50")
    code, found = report(*args, "-r", "linux-6.12", "-r", "linux-6.18")
    assert code == 0
    assert [(r["width"], r["drawn"]) for r in found] == [(1, 0), (2, 0), (3, 0), (64, 50), (64, 50)]
    (pair,) = [p for p in found[2]["pairs"] if p["B"] == "linux-6.18"]
    assert pair["pairs"] == 729 == pair["equal"] + pair["B_tighter"]
    assert bpfsmt(*args, "-r", "linux-6.12").exit_code == 2


def test_diff_of_a_set_with_itself() -> None:
    code, found = report("diff", "-r", "xdp-paper", "-r", "xdp-paper")
    assert code == 0
    assert found["verdicts"]["equal"] == len(found["rules"]) > 50


def test_diff_finds_what_differs(tmp_path: Path) -> None:
    file = written(tmp_path, "loose.py", LOOSE)
    args = ("diff", "-r", "xdp-paper", "-r", file, "-o", "tnum_and", "-o", "tnum_or")
    code, found = report(*args)
    assert code == 1
    verdicts = {r["rule"]: r["verdict"] for r in found["rules"]}
    assert verdicts == {"tnum_and": "A tighter", "tnum_or": "equal"}
    text = bpfsmt(*args).stdout
    assert "tnum_and: A says more\n  argument 1:" in text
    assert "2 rules: 1 equal, 1 A tighter" in text


def test_bad_input_is_one_line_and_exit_code_2() -> None:
    for args in (
        ("precision", "-r", "nonsense"),
        ("precision", "no_such_rule"),
        ("diff", "-r", "xdp-paper"),
        ("diff", "-r", "xdp-paper", "-r", "xdp-paper", "-o", "no_such_rule"),
    ):
        assert bpfsmt(*args).exit_code == 2, args


def test_answers_are_remembered_until_a_rule_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "loose.py", LOOSE)
    asked = ("precision", "-r", file, "tnum_and", "tnum_or", "--count", "5", "-j", "1")
    compared = ("diff", "-r", "xdp-paper", "-r", file, "-o", "tnum_and", "-j", "1")
    first = report(*asked), report(*compared)

    def not_again(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr("bpfsmt.precision.run.decide", not_again)
    monkeypatch.setattr("bpfsmt.precision.compare.Comparer.compare", not_again)
    again = report(*asked), report(*compared)
    assert first[0][1]["operations"] == again[0][1]["operations"]
    assert first[1][1]["rules"] == again[1][1]["rules"]
    assert bpfsmt(*asked, "--no-cache").exit_code == 70
    file.write_text(LOOSE.replace("& ~ones", "& ~ones | 0"))
    assert bpfsmt(*asked).exit_code == 70
