"""What is kept of commands about precision."""

from __future__ import annotations

from collections import Counter
from typing import Any

from paper.tools.keep.numbers import Kept, share


def products(data: Any) -> Kept:
    """The generations of the product: by width, at 64 bits, and beside few unknown bits."""
    small = [r for r in data if not r["drawn"]]
    drawn = [r for r in data if r["drawn"]]
    kept: Kept = {
        "widths": [_round(r) for r in small],
        "widest": _round(small[-1]),
        "drawn": _round(drawn[0]),
        "few": _round(drawn[1]),
    }
    return kept


def _round(r: Any) -> Kept:
    pairs = {
        f"{p['A']}:{p['B']}": {
            "equal": share(p["equal"], p["pairs"]),
            "a_tighter": share(p["A_tighter"], p["pairs"]),
            "b_tighter": share(p["B_tighter"], p["pairs"]),
            "incomparable": share(p["incomparable"], p["pairs"]),
            "b_counts": p["B_tighter"],
            "a_counts": p["A_tighter"],
        }
        for p in r["pairs"]
    }
    count = r["pairs"][0]["pairs"]
    means = {k: round(v / count, 4) for k, v in r["unknown_bits_of_products"].items()}
    return {
        "width": r["width"], "pairs": count, "unknown_bits": r["unknown_bits"],
        "by_pair": pairs, "mean_unknown": means,
    }  # fmt: skip


def precision(data: Any) -> Kept:
    """How many parts of the operations are the best that can be said, and what the others lose."""
    parts: list[tuple[str, str, Any]] = [
        (o["operation"], part, found)
        for o in data["operations"] for part, found in o["parts"].items()
    ]  # fmt: skip
    by_part: dict[str, Counter[str]] = {}
    for _, part, found in parts:
        by_part.setdefault(part, Counter())[found["verdict"]] += 1
    return {
        "rules": data["rules"],
        "width": data["width"],
        "count": data["count"],
        "seconds": round(data["seconds"], 1),
        "operations": len(data["operations"]),
        "parts": len(parts),
        "verdicts": data["verdicts"],
        "by_part": {part: dict(counts) for part, counts in by_part.items()},
        "gaps": [
            {"operation": name, "part": part, "verdict": found["verdict"],
             "small": _gap(found.get("small")), "drawn": _gap(found.get("drawn"))}
            for name, part, found in parts
        ],
    }  # fmt: skip


def _gap(found: Any) -> Kept | None:
    if found is None or not found["cases"]:
        return None
    return {"best": share(found["best"], found["cases"]), "bits": round(found["bits_lost"], 3)}


def diff(data: Any) -> Kept:
    """How many rules of two sets are equal, tighter in one, incomparable, unknown."""
    return {
        "rules": len(data["rules"]),
        "newer": [r["rule"] for r in data["rules"] if r["verdict"] == "B tighter"],
        "older": [r["rule"] for r in data["rules"] if r["verdict"] == "A tighter"],
        "apart": [r["rule"] for r in data["rules"] if r["verdict"] == "incomparable"],
        "verdicts": {verdict.replace(" ", "_"): n for verdict, n in data["verdicts"].items()},
        "seconds": round(data["seconds"], 1),
    }
