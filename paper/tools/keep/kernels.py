"""What is kept of commands that put us beside a kernel: agreement, meaning, speed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from paper.tools.keep.numbers import Kept, share


def agree(data: Any) -> Kept:
    """How many verdicts, reasons and states are the same as the kernel's."""
    total = data["total"]
    pairs = total["states"]["pairs"]
    states = sum(pairs.values())
    return {
        "kernel": data["kernel"],
        "rules": data["rules"],
        "programs": total["programs"],
        "same": total["verdicts"]["same"],
        "other": total["programs"] - total["verdicts"]["same"],
        "unsafe": len(total["unsafe"]),
        "same_pc": total["same_pc"],
        "states": states,
        "equal": pairs["equal"],
        "differ": states - pairs["equal"],
        # Where no cause is told apart, none is known.
        "unexplained": total["states"].get("unexplained", states - pairs["equal"]),
        "wider": pairs["wider"],
        "share": share(pairs["equal"], states),
        "seconds": round(data["seconds"], 1),
    }


def selftests(data: Any) -> Kept:
    """The same of the kernel's own tests, those of the core class."""
    return agree(data | {"total": data["core"]})


def machine_check(data: Any) -> Kept:
    """How many test runs of the kernel and of the machine gave the same."""
    groups = data["groups"]
    words = Counter[str]()
    for group in groups.values():
        words.update(group["programs"])
    return {
        "pairs": sum(g["pairs_the_same"] for g in groups.values()),
        "groups": {name: g["pairs_the_same"] for name, g in groups.items()},
        "programs": dict(words),
        "different": words["different"],
        "seconds": round(data["seconds"], 1),
    }


def bench_xdp(data: Any) -> Kept:
    """Packets per second of each case, in the kernel and in the machine."""
    rows = [
        {
            "name": r["name"], "entries": r["entries"], "answer": r["action"],
            "instructions": r["instructions_per_packet"],
            "kernel": _rate(r["kernel_pps"]), "machine": _rate(r["machine_pps"]),
            "wrong": bool(r["wrong"]),
        }
        for r in data["rows"]
    ]  # fmt: skip
    return {
        "rows": rows,
        "cases": len(rows),
        "jit": data["jit"],
        "runs": data["runs"],
        "wrong": sum(r["wrong"] for r in rows),
    }


def _rate(found: Any) -> Kept | None:
    if found is None:
        return None
    return {k: round(found[k]) for k in ("median", "min", "max")}


def bench_verify(data: Any) -> Kept:
    """How fast programs are verified, here and in the kernel."""
    return {
        "programs": len(data["rows"]),
        "compared": data["compared"],
        "walked_no_more": data["walked_no_more"],
        "median_ms": round(data["median_ms"], 2),
        "times_slower": _rounded(data["median_times_slower"]),
        "per_second": round(data["walked_per_second"]),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value)
