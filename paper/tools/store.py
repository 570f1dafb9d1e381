"""The result files: one for each measurement, and where they were made, once.

results/environment.json   the machine and the versions
results/index.json         which names there are (typst cannot ask whether a file exists)
results/NAME.json          a `Result`
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results"


@dataclass(frozen=True, slots=True)
class Key:
    """What a result is the result of; if it is the same, measuring again is not needed."""

    command: str
    profile: str
    sources: str


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement: ``values`` if there are any, else the ``reason`` why there are none.

    ``status`` is "measured", "refused" (what it needs is not to be had on this machine) or
    "failed" (it should have worked).  ``seconds`` is the wall time of the command, ``load``
    what else ran when it began (the load average of the last minute).
    """

    name: str
    key: Key
    status: str
    reason: str = ""
    seconds: float = 0.0
    load: float = 0.0
    exit: int = 0
    commit: str = ""
    date: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether there are values."""
        return self.status == "measured"


class Store:
    """The result files of one directory."""

    def __init__(self, directory: Path = RESULTS) -> None:
        self.directory = directory

    def read(self, name: str) -> Result | None:
        """A result, or None if there is none (or none that can be read)."""
        try:
            data = json.loads((self.directory / f"{name}.json").read_text())
            return Result(**{**data, "key": Key(**data["key"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, result: Result) -> None:
        """Keep a result, and list it."""
        self._dump(result.name, asdict(result))
        self._dump("index", {"names": sorted({*self.names(), result.name})})

    def names(self) -> list[str]:
        """The names of all results that are there."""
        others = ("index", "environment")
        return sorted(p.stem for p in self.directory.glob("*.json") if p.stem not in others)

    def all(self) -> list[Result]:
        """All results that are there."""
        return [r for r in map(self.read, self.names()) if r is not None]

    def environment(self) -> dict[str, Any]:
        """Where they were made; empty if there are none yet."""
        try:
            return dict(json.loads((self.directory / "environment.json").read_text()))
        except (OSError, ValueError):
            return {}

    def begin(self, environment: dict[str, Any], known: Collection[str]) -> None:
        """Results are made here from now on; those of another machine, or unknown, are dropped."""
        elsewhere = self.environment() != environment
        for name in self.names():
            if elsewhere or name not in known:
                (self.directory / f"{name}.json").unlink()
        self._dump("environment", environment)
        self._dump("index", {"names": self.names()})

    def _dump(self, name: str, data: dict[str, Any]) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{name}.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        part.replace(path)
