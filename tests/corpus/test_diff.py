"""``bpfsmt diff`` over programs: exit codes, tables, JSON, several processes, bad input."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bpfsmt.agree.spread import spread
from bpfsmt.corpus import work
from bpfsmt.corpus.difference import Difference, difference
from bpfsmt.corpus.side import silent

from .common import (
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


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("corpus"), STATES, VERDICT, WALKED, "xdp_drop.o")


def test_no_difference(corpus: Path) -> None:
    done = bpfsmt("diff", "-r", RULES, "-r", RULES, corpus)
    assert done.exit_code == 0, done.output
    assert "4 programs: 4 unchanged; 0 verdict, 0 states, 0 walked, 0 unknown" in done.output
    assert STATES not in done.output, "what is the same is counted, not listed"
    assert STATES in bpfsmt("diff", "-r", RULES, "-r", RULES, corpus / STATES, "--all").output


def test_differences_are_listed(corpus: Path) -> None:
    done = bpfsmt("diff", "-r", RULES, "-r", LOOSE_AND, corpus)
    assert done.exit_code == 1
    assert "4 programs: 1 unchanged; 1 verdict, 3 states, 1 walked, 0 unknown" in done.output
    assert f"{STATES}: first after 1: r6 &= 12\n    A  R6=" in done.output
    assert "B  reject at 11, misaligned: misaligned value access" in done.output
    assert "they part after: 3 × r &= N" in done.output
    assert "xdp_drop.o" not in done.output


@pytest.mark.parametrize(
    ("name", "rules", "codes"),
    [
        (STATES, LOOSE_AND, {"verdict": 0, "states": 1, "any": 1}),
        (VERDICT, LOOSE_AND, {"verdict": 1, "states": 1, "any": 1}),
        (WALKED, NO_PRUNING, {"verdict": 0, "states": 0, "any": 1}),
    ],
)
def test_what_counts(corpus: Path, name: str, rules: str, codes: dict[str, int]) -> None:
    for level, code in codes.items():
        arguments = ["-r", RULES, "-r", rules, "--fail-on", level]
        assert bpfsmt("diff", *arguments, corpus / name).exit_code == code, level


def test_json_has_everything_for_any_number_of_processes(corpus: Path) -> None:
    one, two = (report("diff", "-r", RULES, "-r", LOOSE_AND, corpus, jobs=n) for n in (1, 2))
    for each in (one, two):
        del each["seconds"]
        for program in each["programs"]:
            del program["seconds"]
    assert one == two
    assert (one["A"], one["B"]) == (RULES, LOOSE_AND)
    assert one["total"]["differ"] == {"verdict": 1, "states": 3, "walked": 1, "unknown": 0}
    verdict = next(each for each in one["programs"] if VERDICT in each["program"])
    assert (verdict["A"]["verdict"], verdict["B"]["verdict"]) == ("accept", "reject")
    assert verdict["B"]["pc"] == 11
    assert verdict["first"]["pc"] == 1
    assert verdict["first"]["states"]["A"].startswith("R1=ctx()")
    assert verdict["states"]["looser"] > 0
    assert verdict["states"]["tighter"] == 0


def test_unsupported_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "odd.bpfasm").write_text(UNSUPPORTED)
    done = bpfsmt("diff", "-r", "xdp-paper", "-r", RULES, tmp_path)
    assert done.exit_code == 3
    assert "unknown" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-r", RULES, "FILE"], "two of --rules and --oracle"),
        (["-r", RULES, "-r", RULES, "-r", RULES, "FILE"], "two of --rules and --oracle"),
        (["-r", RULES, "-r", "nope", "FILE"], "no rule set 'nope'"),
        (["-r", RULES, "--oracle", "delphi", "FILE"], "no oracle 'delphi'"),
        (["-r", RULES, "-r", RULES, "-o", "tnum_add", "FILE"], "--rule is about rules"),
        (["-r", RULES, "--oracle", "kernel"], "two rule sets, please"),
        (["-r", RULES, "-r", RULES, "no-such.o"], "no-such.o"),
    ],
)
def test_bad_usage(corpus: Path, arguments: list[str], words: str) -> None:
    done = bpfsmt("diff", *(str(corpus / STATES) if a == "FILE" else a for a in arguments))
    assert done.exit_code == 2, done.output
    assert words in done.stderr


# Files that hold no program: one line each, whatever the command

X86 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\x3e\x00" + bytes(44)
BAD: dict[str, Callable[[], bytes]] = {
    "empty.o": lambda: b"",
    "random.o": lambda: random.Random(1).randbytes(999),
    "x86.o": lambda: X86,
    "large.o": lambda: random.Random(2).randbytes(10_000_000),
    "binary.bpfasm": lambda: bytes(range(256)),
}


@pytest.mark.parametrize("name", [*BAD, "cut.o"])
@pytest.mark.parametrize("command", ["diff", "record", "replay"])
def test_bad_files(corpus: Path, tmp_path: Path, command: str, name: str) -> None:
    folder(tmp_path, STATES)
    if command == "replay":
        assert bpfsmt("record", "-r", RULES, tmp_path).exit_code == 0
    whole = (corpus / "xdp_drop.o").read_bytes()
    (tmp_path / name).write_bytes(BAD[name]() if name in BAD else whole[:1000])
    sides = ["-r", RULES] * {"diff": 2, "record": 1, "replay": 0}[command]
    done = bpfsmt(command, *sides, tmp_path)
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert name in line
    assert "1 program" in done.stdout, "the others are done"


# Ctrl-C, and workers that die


def test_ctrl_c_shows_what_is_done(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(program: Any, a: Any, b: Any) -> Difference:
        if program.name == "xdp_drop":
            raise KeyboardInterrupt
        return difference(program, a, b)

    monkeypatch.setattr(work, "difference", interrupted)
    done = bpfsmt("diff", "-r", RULES, "-r", LOOSE_AND, corpus)
    assert done.exit_code == 130
    assert "3 programs: 0 unchanged" in done.output
    assert "interrupted" in done.output


def test_ctrl_c_loses_nothing_that_waits_for_its_turn() -> None:
    def answers() -> Iterator[tuple[int, str]]:
        yield from [(0, "a"), (3, "d"), (2, "c")]
        raise KeyboardInterrupt

    found: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        for answer in work.in_order(answers()):
            found.append(answer)
    assert found == ["a", "c", "d"]


def die(index: int, name: str, *_: object) -> tuple[int, Difference]:
    if "drop" in name:
        os.kill(os.getpid(), signal.SIGKILL)
    same = silent("x", "y").verdict
    return index, Difference(name, same, same)


def test_a_worker_that_dies_takes_nobody_with_it(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_compare", die)
    found = report("diff", "-r", RULES, "-r", RULES, corpus, jobs=2)["programs"]
    reasons = {each["program"].rpartition("/")[2]: each["A"]["kind"] for each in found}
    assert reasons.pop("xdp_drop.o:xdp_drop") == "no-verdict"
    assert set(reasons.values()) == {"x"}
    assert len(reasons) == 3


def test_programs_are_read_as_they_are_needed() -> None:
    """A corpus may be larger than what fits into memory."""
    taken: list[int] = []

    def programs() -> Iterator[tuple[int]]:
        for n in range(100):
            taken.append(n)
            yield (n,)

    answers = work.in_order(spread(programs(), lambda n: (n, n), lambda n: (n, n), 1))
    assert next(answers) == 0
    assert len(taken) == 1
