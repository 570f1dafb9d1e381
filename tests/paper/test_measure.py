"""Running the measurements: what is kept, what is tried again, and what one failure costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bpfsmt.cli import main as cli
from paper.tools import environment
from paper.tools.measure import Session
from paper.tools.needs import Needs
from paper.tools.store import Store
from paper.tools.table import MEASUREMENTS, Measurement


class Nothing(Needs):
    """A machine that has nothing but Python."""

    def missing(self, need: str) -> str:
        return "bpf() is refused" if need else ""


class Commands:
    """Answers in bpfsmt's place: a number of calls, or an exit code and no output."""

    def __init__(self, code: int = 0, text: str | None = None) -> None:
        self.code, self.text, self.calls = code, text, 0

    def __call__(self, words: Sequence[str], raw: Path) -> tuple[int, str]:
        self.calls += 1
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.write_text(json.dumps({"calls": self.calls}) if self.text is None else self.text)
        return self.code, "the last line on stderr"


def keep(data: Any) -> dict[str, Any]:
    return {"calls": data["calls"]}


ONE = Measurement("one", keep, "one --json", "one --json --all")


def session(tmp_path: Path, run: Commands, profile: str = "quick", force: bool = False) -> Session:
    return Session(Store(tmp_path / "results"), profile, Nothing(), run, tmp_path / "raw", force)


def test_a_result_says_of_what_it_is(tmp_path: Path) -> None:
    result = session(tmp_path, Commands()).measure(ONE)
    assert result.status == "measured"
    assert result.values == {"calls": 1}
    assert result.key.command == "bpfsmt one --json"
    assert result.key.sources == environment.sources()
    assert result.date and result.commit
    assert Store(tmp_path / "results").read("one") == result


def test_the_same_is_kept_and_anything_else_is_not(tmp_path: Path) -> None:
    run = Commands()
    first = session(tmp_path, run).measure(ONE)
    assert session(tmp_path, run).kept(ONE) == first
    assert session(tmp_path, run, profile="full").kept(ONE) is None
    assert session(tmp_path, run, force=True).kept(ONE) is None
    assert session(tmp_path, run).kept(replace(ONE, quick="one --json --more")) is None
    full = session(tmp_path, run, profile="full").measure(ONE)
    assert session(tmp_path, run).kept(ONE) == full


def test_a_change_of_the_sources_is_measured_again(tmp_path: Path) -> None:
    for name in environment.SOURCES[:2]:
        (tmp_path / name).mkdir()
    before = environment.sources(tmp_path)
    (tmp_path / "bpfsmt" / "rule.py").write_text("x = 1\n")
    environment.sources.cache_clear()
    assert environment.sources(tmp_path) != before
    environment.sources.cache_clear()


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (Commands(code=70), "exit code 70: the last line on stderr"),
        (Commands(code=2), "exit code 2: the last line on stderr"),
        (Commands(text='{"other": 1}'), "not understood: KeyError: 'calls'"),
        (Commands(text='{"calls": '), "not understood: JSONDecodeError"),
        (Commands(code=1, text=""), "exit code 1: the last line on stderr"),
    ],
)
def test_what_fails_has_no_values_and_is_tried_again(
    tmp_path: Path, run: Commands, reason: str
) -> None:
    result = session(tmp_path, run).measure(ONE)
    assert (result.status, result.values) == ("failed", {})
    assert result.reason.startswith(reason)
    assert session(tmp_path, run).kept(ONE) is None


def test_an_empty_text_is_a_failure(tmp_path: Path) -> None:
    show = Measurement("show", lambda text: {"lines": text.splitlines()}, "show --show rule")
    assert session(tmp_path, Commands(text="def rule")).measure(show).values["lines"]
    assert session(tmp_path, Commands(text="\n")).measure(show).status == "failed"


def test_what_is_not_to_be_had_is_left_out_with_the_reason(tmp_path: Path) -> None:
    run = Commands()
    result = session(tmp_path, run).measure(replace(ONE, needs="kernel"))
    assert (result.status, result.reason) == ("refused", "bpf() is refused")
    assert run.calls == 0


def test_refuted_and_unknown_are_answers(tmp_path: Path) -> None:
    for code in (1, 3):
        result = session(tmp_path, Commands(code)).measure(ONE)
        assert (result.status, result.exit) == ("measured", code)


def test_outputs_are_read_again_without_running(tmp_path: Path) -> None:
    run = Commands()
    session(tmp_path, run).measure(ONE)
    more = replace(ONE, keep=lambda data: {"twice": 2 * data["calls"]})
    again = session(tmp_path, run).read_again(more)
    assert again is not None and again.values == {"twice": 2}
    assert run.calls == 1


@pytest.mark.parametrize(("cpu", "known"), [("B", ["one"]), ("A", ["two"])])
def test_results_of_another_machine_or_of_no_measurement_are_dropped(
    tmp_path: Path, cpu: str, known: list[str]
) -> None:
    store = Store(tmp_path / "results")
    store.begin({"cpu": "A"}, ["one"])
    session(tmp_path, Commands()).measure(ONE)
    store.begin({"cpu": "A"}, ["one"])
    assert store.names() == ["one"]
    store.begin({"cpu": cpu}, known)
    assert store.names() == []
    assert json.loads((tmp_path / "results" / "index.json").read_text()) == {"names": []}


def test_the_kernel_tree_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BPFSMT_KERNEL_TREE", raising=False)
    assert "BPFSMT_KERNEL_TREE" in Needs().missing("tree")
    (tmp_path / "tools/testing/selftests/bpf").mkdir(parents=True)
    monkeypatch.setenv("BPFSMT_KERNEL_TREE", str(tmp_path))
    assert Needs().missing("tree") == ""
    assert Needs().fill("--kernel-tree KERNEL_TREE") == f"--kernel-tree {tmp_path}"


def test_the_table_is_one_of_commands_with_a_name_each() -> None:
    assert len({one.name for one in MEASUREMENTS}) == len(MEASUREMENTS)
    for one in MEASUREMENTS:
        for profile in ("quick", "full"):
            words = one.arguments(profile).split()
            assert {"--json", "--show", "disasm"} & set(words), one.name
            assert not {"-j", "--jobs"} & set(words), one.name


def test_a_campaign_goes_on_from_a_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []

    def run(words: Sequence[str], raw: Path) -> tuple[int, str]:
        asked.append(words)
        return Commands()(words, raw)

    campaign = replace(ONE, saved="--save")
    monkeypatch.delenv("BPFSMT_CAMPAIGNS", raising=False)
    first = Session(Store(tmp_path / "results"), "quick", Needs(), run, tmp_path / "raw")
    first.measure(campaign)
    monkeypatch.setenv("BPFSMT_CAMPAIGNS", str(tmp_path))
    result = first.measure(campaign)
    first.measure(ONE)
    file = str(tmp_path / "one.sqlite")
    assert asked == [["one", "--json"], ["one", "--json", "--save", file], ["one", "--json"]]
    assert result.key.command == "bpfsmt one --json", "the paper names no file of this machine"


def test_campaigns_of_hours_can_be_run_ahead() -> None:
    saved = {one.name: one for one in MEASUREMENTS if one.saved}
    assert set(saved) == {"mutate", "fuzz-museum"}
    for one in saved.values():
        command = one.arguments("full").split()[0]
        shown = CliRunner().invoke(cli, [command, "--help"])
        assert one.saved in shown.output, command
