"""The text and the figures of campaigns, with invented results."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typst", reason="typst is not installed (pip install 'bpfsmt[paper]')")

from paper.tools import typeset
from paper.tools.store import Key, Result, Store
from paper.tools.table import MEASUREMENTS

KNOWN = {one.name: one for one in MEASUREMENTS}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    parts = shutil.ignore_patterns("tools", "*.pdf", "__pycache__")
    return Path(shutil.copytree(typeset.PAPER, tmp_path / "paper", ignore=parts))


def invent(paper: Path, name: str, printed: Any) -> None:
    """A result file of what a command is said to have printed."""
    key = Key("bpfsmt " + KNOWN[name].arguments("full"), "full", "invented")
    values = KNOWN[name].keep(printed)
    Store(paper / "results").write(Result(name, key, "measured", commit="0" * 12, values=values))


def hunted(names: Sequence[str], seconds: Sequence[float | None]) -> dict[str, Any]:
    """What ``fuzz --museum`` prints; None is an exhibit that is not found."""
    exhibits: list[dict[str, Any]] = [
        {"exhibit": name, "median_seconds": s, "median_programs": s, "found": 5 * (s is not None),
         "hunts": [{}] * 5}
        for name, s in zip(names, seconds, strict=True)
    ]  # fmt: skip
    return {"seeds": 5, "kept": 7, "exhibits": exhibits}


@pytest.mark.parametrize("found", ["all", "some", "none"])
def test_campaigns_that_find_much_or_nothing(copy: Path, found: str) -> None:
    museum = Store(copy / "results").read("museum")
    if museum is None or not museum.measured:
        pytest.skip("the museum is not measured")
    names = [row["name"] for row in museum.values["rows"]]
    times: list[float | None] = [1.5 * 1.13**k for k in range(len(names))]
    if found != "all":
        times = [t if found == "some" and k % 3 else None for k, t in enumerate(times)]
    invent(copy, "fuzz-museum", hunted(names, times))
    for rules in ("xdp-paper", "linux-6.1", "linux-6.12", "linux-6.18"):
        counts = {"programs": 123456, "accepted": 100000, "runs": 999999, "z3 proved": 123456}
        findings = (
            [{"rule": "links_fill", "component": "link", "cause": ""}] if found == "some" else []
        )
        printed = {"rules": {rules: {"counts": counts, "seconds": 600.0}}, "findings": findings}
        invent(copy, f"fuzz-{rules}", printed)
    counts = dict.fromkeys(("refuted", "equal", "looser", "tighter", "other", "open"), 1001)
    invent(copy, "mutate", {
        "rules": "linux-6.12", "mutants": 7004, "possible": 7004, "by_rule": {"tnum_add": {}},
        "counts": {**counts, "unknown": 998, "score": 0.8 if found == "all" else None},
        "outcomes": [],
    })  # fmt: skip
    assert typeset.unmeasured(copy)["missing"].isdisjoint(
        {"mutate", "fuzz-museum", "fuzz-xdp-paper", "fuzz-linux-6.18"}
    )
    assert typeset.pdf(copy)[1] == []
