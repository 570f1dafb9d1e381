"""What is kept of commands about rules: proofs, the museum, mutants, precision."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from paper.tools.keep.numbers import Kept, curve, share, spread


def rule_sets(data: Any) -> Kept:
    """How many rules each rule set has."""
    sets: Sequence[Any] = [s for s in data if not s["name"].startswith("museum/")]
    return {
        "sets": {s["name"]: {"rules": len(s["rules"]), "changed": len(s["changed"])} for s in sets},
        "museum": sum(s["name"].startswith("museum/") for s in data),
    }


def text(data: Any) -> Kept:
    """A text as it is printed, by lines."""
    return {"lines": str(data).rstrip().splitlines()}


def prove(data: Any) -> Kept:
    """Verdicts, and how long the obligations of each kind took."""
    asked = data["obligations"]
    kinds: dict[str, list[float]] = {}
    for o in asked:
        kinds.setdefault(o["kind"], []).append(o["seconds"])
    solvers = Counter(word for o in asked for word in o["solver"].split(", "))
    return {
        "rules": data["rules"],
        "wall": round(data["seconds"], 1),
        "obligations": len(asked),
        "verdicts": data["verdicts"],
        "about": len({o["rule"] for o in asked if o.get("rule")}),
        "formulas": sum(len(o.get("formulas", ())) for o in asked),
        "seconds": spread(o["seconds"] for o in asked),
        "curve": curve(o["seconds"] for o in asked),
        "kinds": {kind: spread(found) for kind, found in sorted(kinds.items())},
        "product": spread(
            o["seconds"]
            for o in asked
            if o["name"].startswith("tnum_mul") and "/identity/" not in o["name"]
        ),
        "synced": sum(o["inputs"] == "synced" for o in asked),
        "invariant": sum(o.get("how") == "invariant" for o in asked),
        "solvers": dict(sorted(solvers.items())),
        "slowest": max(asked, key=lambda o: o["seconds"])["name"],
        "refuted": [o["name"] for o in asked if o["verdict"] == "refuted"],
        "unknown": [o["name"] for o in asked if o["verdict"] == "unknown"],
    }


def refutation(data: Any) -> Kept:
    """What the prover says of one wrong rule, and the program it makes from that."""
    found = next(o for o in data["obligations"] if o["verdict"] == "refuted")
    ((_, poc),) = data["pocs"].items()
    example = found["counterexample"]
    return {
        "name": found["name"],
        "arguments": [str(a) for a in example["arguments"]],
        "numbers": [str(number) for number in example["numbers"]],
        "result": str(example["result"]),
        "value": str(example["value"]),
        "seconds": round(found["seconds"], 3),
        "instructions": poc["instructions"],
        "lines": [line for line in poc["program"].splitlines() if line[:1] not in (".", ";")],
        "shows": poc["shows"],
    }


BEYOND = ("relation", "rewrite", "split", "subsumption")
"""Kinds of faults that a check of one operator on single registers does not see."""


def museum(data: Any) -> Kept:
    """One row for each exhibit, and what they come to together."""
    rows = [
        {
            "name": e["name"], "title": e["title"], "bad": e["bad"], "kind": e["kind"],
            "cve": e["cve"], "fix": e["fix"], "first": e["seconds"]["first"],
            "shown": e["program"] == "shown", "walk": e["kind"] == "program",
            "as_listed": not e["faults"] and not e["unknown"],
        }
        for e in data
    ]  # fmt: skip
    wrong = [_counts(e["obligations"]["wrong"]) for e in data]
    right = [_counts(e["obligations"]["corrected"]) for e in data]
    return {
        "exhibits": len(rows),
        "rules": sum(not r["walk"] for r in rows),
        "walks": sum(r["walk"] for r in rows),
        "cves": sum(bool(r["cve"]) for r in rows),
        "as_listed": sum(r["as_listed"] for r in rows),
        "shown": sum(r["shown"] for r in rows),
        "not_shown": sum(not r["shown"] for r in rows),
        "kinds": dict(sorted(Counter(r["kind"] for r in rows).items())),
        "beyond_one_register": sum(r["kind"] in BEYOND for r in rows),
        "first": spread(r["first"] for r in rows),
        "obligations": sum(sum(c.values()) for c in wrong),
        "refuted": sum(c["refuted"] for c in wrong),
        "corrected": sum(c["proved"] for c in right),
        "seconds": round(sum(e["seconds"]["wrong"] for e in data), 1),
        "corrected_seconds": round(sum(e["seconds"]["corrected"] for e in data), 1),
        "rows": rows,
    }


def _counts(words: str) -> Counter[str]:
    """From "3 refuted, 2 proved"."""
    counts: Counter[str] = Counter()
    for part in filter(None, words.split(", ")):
        number, _, word = part.partition(" ")
        counts[word] += int(number)
    return counts


def exhibit(data: Any) -> Kept:
    """One exhibit as the paper shows it: the rule as it was and is, and the program."""
    (rule,) = data["rules"]
    program = [line for line in data["assembly"].splitlines() if line.startswith(" ")]
    return {
        "name": data["name"],
        "bad": data["bad"],
        "wrong": rule["wrong"].splitlines(),
        "right": rule["right"].splitlines(),
        "program": [re.sub(r" {2,};", "  ;", line.strip()) for line in program],
        "replay": [line.strip() for line in data["replay"]],
        "counterexample": next(iter(data["counterexamples"].values())),
    }


def mutate(data: Any) -> Kept:
    """The mutation score, and what the mutants that are left were."""
    counts = dict(data["counts"])
    decided = data["mutants"] - counts["unknown"]
    return {
        "rules": data["rules"],
        "mutants": data["mutants"],
        "possible": data["possible"],
        "asked": len(data["by_rule"]),
        "counts": counts,
        "tighter": sorted({o["rule"] for o in data["outcomes"] if o.get("relation") == "tighter"}),
        "decided": share(decided, data["mutants"]),
        "score": round(100 * counts["score"], 1) if counts["score"] is not None else None,
        "proved_sound": sum(o["verdict"] == "sound" for o in data["outcomes"]),
        "by_running": sum(
            o["verdict"] == "refuted" and o["how"] == "run" for o in data["outcomes"]
        ),
        "cpu": round(sum(o["seconds"] for o in data["outcomes"]), 1),
        "kept": sum(o["cached"] for o in data["outcomes"]),
    }  # fmt: skip
