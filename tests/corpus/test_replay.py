"""``bpfsmt record`` and ``replay``: what was said once is said again, or it is seen where not."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpfsmt.corpus import work
from bpfsmt.corpus.expected import By, Entry, ExpectedError, entry, parting, read

from .common import (
    BENCH,
    LOOSE_AND,
    NO_PRUNING,
    RULES,
    STATES,
    UNSUPPORTED,
    VERDICT,
    WALKED,
    bpfsmt,
    folder,
    report,
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder, recorded."""
    where = folder(tmp_path / "corpus", STATES, VERDICT, "xdp_drop.o")
    done = bpfsmt("record", "-r", RULES, where)
    assert done.exit_code == 0, done.output
    assert "3 programs (3 accept); " in done.output
    return where


def edit(corpus: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what the file says."""
    path = corpus / "expected.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


# The programs that come with bpfsmt


def test_bench_programs_are_verified_as_they_were() -> None:
    """If this is meant to change: ``bpfsmt record --rules linux-6.12 bench_programs``."""
    done = bpfsmt("replay", BENCH)
    assert done.exit_code == 0, done.output


def test_a_planted_change_is_seen_in_them() -> None:
    done = bpfsmt("replay", BENCH, "-r", NO_PRUNING, "-r", LOOSE_AND)
    assert done.exit_code == 2, "one rule set at a time"
    found = report("replay", BENCH, "-r", LOOSE_AND)
    first = {each["program"]: each["first"] for each in found["programs"] if each["differs"]}
    masked = first["rules/tnum_masked_index.bpfasm:tnum_masked_index"]
    assert (masked["pc"], masked["insn"]) == (1, "r6 &= 12")
    assert first["xdp/xdp_l2fwd.o:xdp_l2fwd"]["pc"] == 19
    assert found["total"]["differ"]["verdict"] == 2
    assert found["total"]["unchanged"] > 100


# The file


def test_the_file_is_the_same_in_another_place_and_with_more_processes(
    corpus: Path, tmp_path: Path
) -> None:
    other = folder(tmp_path / "elsewhere", "xdp_drop.o", VERDICT, STATES)
    assert bpfsmt("record", "-r", RULES, other, jobs=2).exit_code == 0
    text = (corpus / "expected.json").read_bytes()
    assert text == (other / "expected.json").read_bytes()
    assert str(tmp_path).encode() not in text
    assert sorted(path.name for path in other.iterdir()) == sorted(
        ["expected.json", "xdp_drop.o", VERDICT, STATES]
    )


def test_the_file_says_what_was_said(corpus: Path) -> None:
    by, entries = read(corpus / "expected.json")
    assert by.rules == RULES
    drop = next(each for each in entries if each.program == "xdp_drop.o:xdp_drop")
    assert (drop.verdict, drop.walked, drop.every) == ("accept", 19, 1)
    assert [step.partition(":")[0] for step in drop.steps[:4]] == ["0", "0", "1", "2"]
    assert [each.program for each in entries] == sorted(each.program for each in entries)


def test_it_may_be_elsewhere(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    (corpus / "expected.json").rename(path)
    assert bpfsmt("replay", corpus).exit_code == 2
    assert bpfsmt("replay", corpus, "--expected", path).exit_code == 0
    assert bpfsmt("record", corpus, "-r", RULES, "--out", tmp_path / "new.json").exit_code == 0
    assert (tmp_path / "new.json").read_bytes() == path.read_bytes()


BROKEN: dict[str, Callable[[str], str]] = {
    "cut off": lambda text: text[: len(text) // 2],
    "without its end": lambda text: text.rstrip()[:-1],
    "empty": lambda text: "",
    "no JSON": lambda text: "what is this?",
    "a list": lambda text: "[]",
    "of another format": lambda text: text.replace('"format": 1', '"format": 2'),
    "without programs": lambda text: json.dumps({"format": 1, "by": {"rules": RULES}}),
    "with an odd key": lambda text: text.replace('"walked"', '"wandered"'),
    "with an odd verdict": lambda text: text.replace('"accept"', '"maybe"'),
    "with an odd number": lambda text: text.replace('"walked": 19', '"walked": "19"'),
    "with odd steps": lambda text: text.replace('"0:', '"zero:', 1),
    "with a program twice": lambda text: text.replace("xdp_drop.o:xdp_drop", _twice(text)),
}


def _twice(text: str) -> str:
    return str(json.loads(text)["programs"][0]["program"])


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_file_is_one_line(corpus: Path, how: str) -> None:
    path = corpus / "expected.json"
    path.write_text(BROKEN[how](path.read_text()))
    done = bpfsmt("replay", corpus)
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert str(path) in line
    assert not done.stdout


def _two() -> str:
    document = json.loads((BENCH / "expected.json").read_text())
    return json.dumps({**document, "programs": document["programs"][:2]})


TWO = _two()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner,
                                                               max_size=2), max_leaves=4,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_other_value_is_an_error_or_one_that_can_be_compared(data: st.DataObject) -> None:
    """One value somewhere in a file is another."""
    document = json.loads(TWO)
    _, whole = _read(document)
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict)
                                        else range(len(place))))  # fmt: skip
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(JSON)
        break
    try:
        by, entries = _read(document)
    except ExpectedError as error:
        assert str(error).startswith(tempfile.gettempdir())
        return
    assert isinstance(work.comparable(by, By()), bool)
    for each in entries:
        assert each.said.outcome.value == each.verdict
        parting(each, whole[0])
        parting(whole[1], each)


def _read(document: object) -> tuple[By, list[Entry]]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        return read(Path(file.name))


def test_binary_is_no_file_of_expectations(corpus: Path) -> None:
    (corpus / "expected.json").write_bytes(bytes(range(256)))
    done = bpfsmt("replay", corpus)
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)


# What differs


def test_nothing(corpus: Path) -> None:
    done = bpfsmt("replay", corpus)
    assert done.exit_code == 0, done.output
    assert "3 programs: 3 unchanged" in done.output


def forget_rules(data: dict[str, Any]) -> None:
    """The rules of the record have changed since: there are only digests."""
    data["by"]["fingerprint"] = "0" * 16


@pytest.mark.parametrize("by_digests", [False, True])
def test_states_and_verdicts(corpus: Path, by_digests: bool) -> None:
    if by_digests:
        edit(corpus, forget_rules)
    done = bpfsmt("replay", corpus, "-r", LOOSE_AND)
    assert done.exit_code == 1
    assert f"{STATES}: first after 1: r6 &= 12" in done.output
    assert ("R6=scalar" in done.output) is not by_digests
    assert "B  reject at 11, misaligned" in done.output
    assert "3 programs: 1 unchanged; 1 verdict, 2 states, 1 walked, 0 unknown" in done.output


@pytest.mark.parametrize("by_digests", [False, True])
def test_a_longer_walk_alone(tmp_path: Path, by_digests: bool) -> None:
    where = folder(tmp_path, WALKED)
    assert bpfsmt("record", "-r", RULES, where).exit_code == 0
    if by_digests:
        edit(where, forget_rules)
    found = report("replay", where, "-r", NO_PRUNING)
    (program,) = found["programs"]
    # digests alone do not tell a way that is gone from a state
    assert program["differs"] == (["states", "walked"] if by_digests else ["walked"])
    assert program["walked"]["A"] < program["walked"]["B"]
    assert bpfsmt("replay", where, "-r", NO_PRUNING, "--fail-on", "verdict").exit_code == 0


def test_an_edited_digest_is_seen_where_it_is(corpus: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        drop = data["programs"][2]
        rows = " ".join(drop["steps"]).split()
        assert rows[5].startswith("4:")
        rows[5] = "4:0000"
        drop["steps"], drop["states"] = rows, "0" * 16

    edit(corpus, change)
    found = report("replay", corpus)
    assert [each["first"] and each["first"]["pc"] for each in found["programs"]] == [None, None, 4]
    assert found["programs"][2]["differs"] == ["states"]


def test_a_long_walk_has_several_instructions_to_a_digest(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bpfsmt.corpus.expected._GROUPS", 4)
    assert bpfsmt("record", "-r", RULES, corpus).exit_code == 0
    _, entries = read(corpus / "expected.json")
    assert all(each.every > 1 and len(each.steps) <= 4 for each in entries)
    assert bpfsmt("replay", corpus).exit_code == 0
    assert bpfsmt("replay", corpus, "-r", LOOSE_AND).exit_code == 1


def test_unsupported_is_unknown(corpus: Path) -> None:
    (corpus / "odd.bpfasm").write_text(UNSUPPORTED)
    done = bpfsmt("record", "-r", "xdp-paper", corpus)
    assert done.exit_code == 0
    assert "1 unsupported" in done.output
    assert bpfsmt("replay", corpus).exit_code == 3


# Programs that are not those of the record


def test_a_changed_program(corpus: Path) -> None:
    path = corpus / STATES
    path.write_text(path.read_text().replace("&= 12", "&= 8"))
    done = bpfsmt("replay", corpus)
    assert done.exit_code == 2
    assert done.stderr == (
        f"bpfsmt: {corpus}: {STATES}:tnum_masked_index: not the program that was recorded\n"
    )
    assert "2 programs: 2 unchanged" in done.output


def test_a_comment_is_no_change(corpus: Path) -> None:
    path = corpus / STATES
    path.write_text("; more to say\n" + path.read_text())
    assert bpfsmt("replay", corpus).exit_code == 0


def test_a_missing_and_a_new_program(corpus: Path) -> None:
    (corpus / STATES).rename(corpus / "other.bpfasm")
    done = bpfsmt("replay", corpus)
    assert done.exit_code == 2
    assert "other.bpfasm:other: not in" in done.stderr
    assert f"{STATES}:tnum_masked_index: recorded in" in done.stderr


@pytest.mark.parametrize("command", ["record", "replay"])
def test_no_folder(tmp_path: Path, command: str) -> None:
    done = bpfsmt(command, tmp_path / "nothing", "-r", RULES)
    assert done.exit_code == 2
    assert "no folder" in done.stderr


def test_an_empty_folder(tmp_path: Path) -> None:
    done = bpfsmt("record", tmp_path, "-r", RULES)
    assert done.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_users_rules_have_to_be_given_again(corpus: Path) -> None:
    assert bpfsmt("record", "-r", LOOSE_AND, corpus).exit_code == 0
    assert LOOSE_AND not in (corpus / "expected.json").read_text()
    done = bpfsmt("replay", corpus)
    assert done.exit_code == 2
    assert "recorded with loose-and: give --rules or --oracle" in done.stderr
    assert bpfsmt("replay", corpus, "-r", LOOSE_AND).exit_code == 0


# A recording that is interrupted


def test_an_interrupted_recording_goes_on(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = corpus / "expected.json"
    whole = path.read_bytes()
    path.unlink()
    done: list[str] = []

    def interrupted(name: str, program: Any, said: Any) -> Entry:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(name)
        return entry(name, program, said)

    monkeypatch.setattr(work, "entry", interrupted)
    assert bpfsmt("record", "-r", RULES, corpus).exit_code == 130
    assert not path.exists()
    done.clear()
    with path.with_name("expected.json.part").open("a") as part:
        part.write('{"program": "cut o')
    assert bpfsmt("record", "-r", RULES, corpus).exit_code == 0
    assert len(done) == 1, "the others were there"
    assert path.read_bytes() == whole
    assert not path.with_name("expected.json.part").exists()


def test_of_an_interrupted_recording_nothing_is_used_that_is_not_the_same(corpus: Path) -> None:
    part = corpus / "expected.json.part"
    part.write_text(
        '{"rules": "xdp-paper", "fingerprint": "", "kernel": "", "oracle": ""}\n{"odd": 1}\n'
    )
    before = (corpus / "expected.json").read_bytes()
    assert bpfsmt("record", "-r", RULES, corpus).exit_code == 0
    assert (corpus / "expected.json").read_bytes() == before
