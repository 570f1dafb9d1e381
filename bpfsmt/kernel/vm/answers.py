"""Results to plain data and back, for keeping them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpfsmt.kernel.oracle import LoadResult, MapContent, RunInput, RunResult
from bpfsmt.kernel.stats import read_stats
from bpfsmt.program.program import Program


def load_to_json(result: LoadResult) -> dict[str, Any]:
    """A load without its program, and without what can be read from the log again."""
    return {
        "release": result.release,
        "accepted": result.accepted,
        "errno": result.errno,
        "log": result.log,
        "complete": result.complete,
        "warnings": result.warnings,
    }


def load_from_json(program: Program, data: Mapping[str, Any]) -> LoadResult:
    """The same again, of the same program."""
    rest = {**data, "warnings": tuple(data["warnings"])}
    return LoadResult(program=program, stats=read_stats(data["log"]), **rest)


def runs_to_json(results: Sequence[RunResult]) -> list[dict[str, Any]]:
    """Test runs; bytes as hexadecimal digits."""
    return [
        {
            "errno": each.errno,
            "retval": each.retval,
            "packet": each.packet.hex(),
            "data_meta": each.data_meta.hex(),
            "ctx": each.ctx.hex(),
            "nanoseconds": each.nanoseconds,
            "maps": {name: _hex(content) for name, content in each.maps.items()},
        }
        for each in results
    ]


def runs_from_json(data: Sequence[Mapping[str, Any]]) -> list[RunResult]:
    """The same again."""
    return [
        RunResult(
            errno=each["errno"],
            retval=each["retval"],
            packet=bytes.fromhex(each["packet"]),
            data_meta=bytes.fromhex(each["data_meta"]),
            ctx=bytes.fromhex(each["ctx"]),
            nanoseconds=each["nanoseconds"],
            maps={name: _unhex(content) for name, content in each["maps"].items()},
        )
        for each in data
    ]


def question(inputs: Sequence[RunInput]) -> list[object]:
    """Inputs in a form that reads the same whenever they are the same."""
    return [
        (
            each.packet,
            sorted(each.ctx.items()),
            each.data_meta,
            sorted((name, list(content.items())) for name, content in each.maps.items()),
            each.repeat,
        )
        for each in inputs
    ]


def _hex(content: MapContent) -> dict[str, str]:
    return {key.hex(): value.hex() for key, value in content.items()}


def _unhex(content: Mapping[str, str]) -> dict[bytes, bytes]:
    return {bytes.fromhex(key): bytes.fromhex(value) for key, value in content.items()}
