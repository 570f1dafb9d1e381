"""Searches that are kept: they stand for what is asked again, and for nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bpfsmt.cli import fuzz_history, main
from bpfsmt.fuzz import hunts
from bpfsmt.fuzz.finding import Found, Key, Oracle, Shown
from bpfsmt.fuzz.history import Hunt, Hunted
from bpfsmt.fuzz.hunts import Hunts
from bpfsmt.fuzz.settings import Settings
from bpfsmt.program import load_asm

EXHIBIT, OTHER = "cve-2017-16995", "cve-2021-3444"
ASKED = Settings(oracles=("machine", "step", "z3"))
HUNT = Hunt(EXHIBIT, ASKED, 100.0)
SHOWN = Shown(Key("run", "mov32_imm", "tnum"), Oracle.MACHINE, 1, "not in the tnum")
FOUND = Found("", 0, 7, load_asm("r0 = 0\nexit", "small"), SHOWN)
HUNTED = Hunted(EXHIBIT, 0, 8, 60.0, FOUND)


def kept(file: Path, hunt: Hunt) -> Hunted | None:
    store = Hunts(file)
    try:
        return store.find(hunt)
    finally:
        store.close()


def keep(file: Path, hunt: Hunt, hunted: Hunted) -> None:
    store = Hunts(file)
    store.keep(hunt, hunted)
    store.close()


def fuzz(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["fuzz", "--museum", *map(str, args)])


def test_a_search_is_found_again_by_all_that_it_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "h.sqlite"
    keep(file, HUNT, HUNTED)
    assert kept(file, HUNT) == HUNTED
    assert kept(file, replace(HUNT, exhibit=OTHER)) is None
    assert kept(file, replace(HUNT, settings=replace(ASKED, seed=1))) is None
    assert kept(file, replace(HUNT, settings=replace(ASKED, size=10))) is None
    monkeypatch.setattr(hunts, "_texts", lambda: "of another text")
    assert kept(file, HUNT) is None


def test_the_time_that_a_search_may_take_counts(tmp_path: Path) -> None:
    file = tmp_path / "h.sqlite"
    keep(file, HUNT, HUNTED)
    assert kept(file, replace(HUNT, seconds=61.0)) == HUNTED
    assert kept(file, replace(HUNT, seconds=59.0)) is None
    given_up = replace(HUNTED, found=None, seconds=101.0)
    keep(file, HUNT, given_up)
    assert kept(file, HUNT) == given_up
    assert kept(file, replace(HUNT, seconds=200.0)) is None


def test_what_is_kept_is_not_searched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(hunt: Hunt) -> Hunted:
        searched.append(hunt.settings.seed)
        return replace(HUNTED, seed=hunt.settings.seed, seconds=hunt.settings.seed + 0.5)

    searched: list[int] = []
    monkeypatch.setattr(fuzz_history, "run_apart", ended)
    args = (EXHIBIT, "--seeds", "2", "--time", "100", "-j", "1", "--json",
            "-o", "machine", "--save", tmp_path / "h.sqlite")  # fmt: skip
    first, second = json.loads(fuzz(*args).stdout), json.loads(fuzz(*args).stdout)
    assert searched == [0, 1]
    assert (first.pop("kept"), second.pop("kept")) == (0, 2)
    assert first == second
    assert first["exhibits"][0]["median_seconds"] == 1.0


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "h.sqlite"
    file.write_text("no database at all, but long enough to be read as one")
    result = fuzz(EXHIBIT, "--save", file, "-o", "machine")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    result = CliRunner().invoke(main, ["fuzz", "--save", str(file)])
    assert result.exit_code == 2 and "--museum" in result.stderr
