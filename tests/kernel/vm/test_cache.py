"""Answers that are kept: found by the same question only, and lost without harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel import LoadResult, RunInput, RunResult
from bpfsmt.kernel.vm import VmOracle, answers
from bpfsmt.kernel.vm.cache import ResultCache
from bpfsmt.kernel.vm.images import read_image
from bpfsmt.program import MapDef, Program, load_asm

from .common import fake_image

PROGRAM = replace(
    load_asm("r0 = 2\nexit", "pass"), maps=(MapDef("m", "array", 4, 8, 1, data=bytes(8)),)
)
LOG = "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 m\n"


@pytest.fixture
def cache(empty_cache: Path) -> ResultCache:
    return ResultCache(read_image(fake_image(empty_cache, "6.12.1")))


OTHERS: list[Callable[[Program], Program]] = [
    lambda p: replace(p, slots=load_asm("r0 = 3\nexit", "pass").slots),
    lambda p: replace(p, maps=()),
    lambda p: replace(p, maps=(replace(p.maps[0], max_entries=2),)),
    lambda p: replace(p, maps=(replace(p.maps[0], data=b"12345678"),)),
    lambda p: replace(p, license=""),
    lambda p: replace(p, flags=1),
    lambda p: replace(p, name="other"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_another_program(cache: ResultCache, other: Callable[[Program], Program]) -> None:
    assert cache.path(PROGRAM, "load", 0) != cache.path(other(PROGRAM), "load", 0)


def test_another_question(cache: ResultCache, empty_cache: Path) -> None:
    one = cache.path(PROGRAM, "load", 0)
    assert one == cache.path(replace(PROGRAM, title="of no interest", source={0: "x"}), "load", 0)
    assert one != cache.path(PROGRAM, "load", 1)
    assert one != cache.path(PROGRAM, "run", [])
    rebuilt = ResultCache(read_image(fake_image(empty_cache, "6.12.1", b"rebuilt")))
    assert one != rebuilt.path(PROGRAM, "load", 0)


def test_other_inputs() -> None:
    inputs = [
        RunInput(b"a" * 14),
        RunInput(b"b" * 14),
        RunInput(b"a" * 14, ctx={"ingress_ifindex": 1}),
        RunInput(b"a" * 14, data_meta=bytes(4)),
        RunInput(b"a" * 14, maps={"m": {bytes(4): bytes(8)}}),
        RunInput(b"a" * 14, repeat=2),
    ]
    assert len({repr(answers.question([each])) for each in inputs}) == len(inputs)


def test_answers_come_back(cache: ResultCache) -> None:
    path = cache.path(PROGRAM, "load", 0)
    assert cache.get(path) is None
    result = LoadResult(PROGRAM, "6.12.1", False, 13, LOG + "ä\x1b", False, None, ("warned",))
    cache.put(path, answers.load_to_json(result))
    kept = answers.load_from_json(PROGRAM, cache.get(path))
    assert kept.stats is not None
    assert kept.stats.insns_processed == 2
    assert replace(kept, stats=None) == result
    runs = [RunResult(0, 7, b"p", b"m", b"c", 9, {"m": {b"k": b"v"}}), RunResult(errno=22)]
    cache.put(path, answers.runs_to_json(runs))
    assert answers.runs_from_json(cache.get(path)) == runs


@pytest.mark.parametrize("damage", [b"", b"no gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff\0\0"])
def test_a_damaged_answer_is_none(cache: ResultCache, damage: bytes) -> None:
    path = cache.path(PROGRAM, "load", 0)
    cache.put(path, {"a": 1})
    assert cache.get(path) == {"a": 1}
    path.write_bytes(damage or path.read_bytes()[:-9])
    assert cache.get(path) is None


def test_where_nothing_can_be_kept(cache: ResultCache) -> None:
    cache.directory.parent.mkdir(parents=True)
    cache.directory.write_text("a file, where the directory should be")
    path = cache.path(PROGRAM, "load", 0)
    cache.put(path, {"a": 1})
    assert cache.get(path) is None


def test_what_was_asked_before_boots_nothing(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = read_image(fake_image(empty_cache, "6.12.1"))
    asked = []

    def load(program: Program, flags: int, max_log: int) -> LoadResult:
        asked.append(flags)
        return LoadResult(program, "6.12.1", True, 0, LOG)

    oracle = VmOracle("vm:6.12", image)
    monkeypatch.setattr(oracle, "_load", load)
    first = oracle.load(PROGRAM)
    assert replace(oracle.load(PROGRAM), stats=None) == first
    oracle.load(PROGRAM, flags=1)
    assert asked == [0, 1]
    again = VmOracle("vm:6.12", image)
    assert again.load(PROGRAM).accepted


def test_a_failure_is_not_kept(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = VmOracle("vm:6.12", read_image(fake_image(empty_cache, "6.12.1")))

    def fail(program: Program, flags: int, max_log: int) -> LoadResult:
        raise OracleError("planted")

    monkeypatch.setattr(oracle, "_load", fail)
    for _ in range(2):
        with pytest.raises(OracleError, match="planted"):
            oracle.load(PROGRAM)
