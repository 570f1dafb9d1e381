"""The paper: its numbers come from result files, and it can be typeset."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("typst", reason="typst is not installed (pip install 'bpfsmt[paper]')")

from paper.tools import literals, typeset
from paper.tools.store import Store
from paper.tools.table import MEASUREMENTS

FINAL = os.environ.get("BPFSMT_PAPER") == "final"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The paper in another place, to plant something in."""
    parts = shutil.ignore_patterns("tools", "*.pdf", "__pycache__")
    return Path(shutil.copytree(typeset.PAPER, tmp_path / "paper", ignore=parts))


def append(paper: Path, section: str, text: str) -> None:
    with (paper / "sections" / f"{section}.typ").open("a") as file:
        file.write(f"\n{text}\n")


def test_no_number_was_typed() -> None:
    assert literals.unmeasured() == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("We proved 1407 obligations.", "1407"),
        ("It took 3.5 s.", "3.5"),
        ("A score of 97% is good.", "97%"),
        ("#table(columns: 2, [a], [12])", "12"),
        ('#text("in 88 cases")', "88"),
        ("#figure(rect(), caption: [About 17 of them.])", "17"),
        ("All $n = 1234$ of them.", "1234"),
        ("There are `33` exhibits.", "33"),
        ("#(40 + 2) programs.", "42"),
        ("== The 19 faults", "19"),
        ("In words: fifty-one faults.", "fifty-one"),
        ("Nineteen are open.", "Nineteen"),
    ],
)
def test_a_planted_number_is_found(copy: Path, planted: str, found: str) -> None:
    append(copy, "conclusion", planted)
    assert [one.text for one in literals.unmeasured(copy)] == [found]


@pytest.mark.parametrize("file", ["figures/gaps.typ", "figures/commands.typ", "bpfsmt.typ"])
def test_a_number_that_is_planted_elsewhere_is_found(copy: Path, file: str) -> None:
    with (copy / file).open("a") as text:
        text.write("\nOf these 77 are new.\n")
    assert [one.text for one in literals.unmeasured(copy)] == ["77"]


def test_widths_and_versions_may_be_typed(copy: Path) -> None:
    append(copy, "conclusion", "A 64-bit `u32` in Linux~6.12 after CVE-2017-16995 and $2^64$.")
    assert literals.unmeasured(copy) == []


def test_every_result_that_is_used_has_a_measurement() -> None:
    assert typeset.used() <= {one.name for one in MEASUREMENTS}


def test_every_measurement_is_used() -> None:
    assert {one.name for one in MEASUREMENTS} <= typeset.used()


def test_every_result_says_how_it_was_made() -> None:
    store = Store()
    assert {"bpfsmt", "python", "z3", "kernel", "cpu", "cores"} <= set(store.environment())
    known = {one.name: one for one in MEASUREMENTS}
    for name in store.names():
        result = store.read(name)
        assert result is not None, name
        assert result.key.command == f"bpfsmt {known[name].arguments(result.key.profile)}", name
        assert result.key.sources and result.commit and result.date, name
        assert result.measured == bool(result.values), name
        assert result.measured or result.reason, name


@pytest.mark.skipif(not FINAL, reason="for the final paper: BPFSMT_PAPER=final")
def test_everything_is_measured() -> None:
    assert typeset.unmeasured()["missing"] == set()
    assert [r.name for r in Store().all() if r.status == "failed"] == []
    assert len({r.key.sources for r in Store().all()}) == 1


def test_what_was_not_measured_is_said(copy: Path) -> None:
    (copy / "results" / "museum.json").unlink()
    store = Store(copy / "results")
    store.begin(store.environment(), store.names())
    assert "museum" in typeset.unmeasured(copy)["missing"]
    assert "museum" not in typeset.unmeasured()["missing"]


def test_it_is_typeset_where_nothing_can_be_asked(copy: Path) -> None:
    store = Store(copy / "results")
    refused = {one.name for one in MEASUREMENTS if one.needs}
    for name in refused & set(store.names()):
        result = store.read(name)
        assert result is not None
        store.write(replace(result, status="refused", reason="bpf() is refused", values={}))
    assert typeset.unmeasured(copy)["refused"] >= refused & set(store.names())
    assert typeset.pdf(copy)[1] == []


def test_it_is_typeset_without_any_result(copy: Path) -> None:
    store = Store(copy / "results")
    store.begin(store.environment(), [])
    assert typeset.unmeasured(copy)["missing"] == typeset.used(copy)
    assert typeset.used(copy) == {one.name for one in MEASUREMENTS}


def test_a_value_that_is_not_there_is_an_error(copy: Path) -> None:
    append(copy, "conclusion", '#import "../lib/results.typ": n\n#n("museum/nonsense")')
    with pytest.raises(RuntimeError, match="no nonsense in the result museum/nonsense"):
        typeset.used(copy)


def test_the_pdf_is_built_and_always_the_same() -> None:
    data, warnings = typeset.pdf()
    assert data.startswith(b"%PDF-")
    assert warnings == []
    assert typeset.pdf()[0] == data
