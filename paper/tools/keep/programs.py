"""What is kept of commands about programs: cross-checks, explanations, campaigns."""

from __future__ import annotations

from typing import Any

from paper.tools.keep.numbers import Kept, share, spread


def crosscheck(data: Any) -> Kept:
    """Programs, claims and obligations; how rejections were settled; how wide claims are."""
    total = data["total"]
    measured = [r for r in data["results"] if "precision" in r]
    gaps = [
        r["precision"]["median_bits"] for r in measured
        if r["precision"] and r["precision"]["median_bits"] is not None
    ]  # fmt: skip
    return {
        "programs": total["programs"],
        "instructions": sum(r.get("instructions", 0) for r in measured),
        "verdicts": total["verdicts"],
        "rejections": total["rejections"],
        "settled": total["rejections"]["true"] + total["rejections"]["false"],
        "claims": total["claims"],
        "obligations": sum(total["obligations"].values()),
        "answers": total["obligations"],
        "inferred": total["inferred"],
        "seconds": round(total["seconds"], 1),
        "exact": sum(g == 0 for g in gaps),
        "gaps": len(gaps),
        "producer": next((r["producer"] for r in measured), ""),
    }


def false_claims(data: Any) -> Kept:
    """Of each program how many obligations about a kernel's claims are refuted, and whether a run
    shows it."""
    return {
        "kernel": data["results"][0]["producer"],
        "programs": {
            r["program"]: {
                "verdict": r["verdict"],
                "obligations": sum(r["obligations"].values()),
                "refuted": r["obligations"]["refuted"],
                "replayed": sum(f["replayed"] for f in r["findings"]),
            }
            for r in data["results"]
        },
    }


def explain(data: Any) -> Kept:
    """One explanation, as far as the paper quotes it."""
    (found,) = data if isinstance(data, list) else (data,)
    return {
        "program": found["program"],
        "reason": found["reason"],
        "missing": found["missing"][0],
        "lost": found["loss"],
        "truth": found["truth"]["word"],
        "accepting": [o["name"] for o in found["others"] if o["verdict"] == "accept"],
        "added": [a["text"] for a in found["check"]["added"]],
        "tried": found["check"]["tried"],
        "text": [line["text"] for line in found["check"]["program"]],
    }


def generate(data: Any) -> Kept:
    """What generated programs reach."""
    reached = {
        name: {**data[name], "share": share(data[name]["reached"], data[name]["of"])}
        for name in ("instructions", "rules", "outcomes")
    }
    kernel = data["kernel"]
    return {
        **reached,
        "maker": data["maker"],
        "programs": data["programs"],
        "accepted": share(data["verdicts"].get("accept", 0), data["programs"]),
        "states_per_thousand": round(data["states_per_thousand"]),
        "kernel_asked": kernel["asked"] if kernel else None,
        "kernel_accepted": share(kernel["accepted"], kernel["asked"]) if kernel else None,
        "kernel_different": len(kernel["different"]) if kernel else None,
    }


def fuzz(data: Any) -> Kept:
    """One campaign on one rule set."""
    ((rules, done),) = data["rules"].items()
    counts = done["counts"]
    programs = counts.get("programs", 0)
    words = ("runs", "steps", "z3 programs", "z3 proved", "z3 refuted", "z3 unknown",
             "kernel loads", "kernel states", "kernel runs")  # fmt: skip
    return {
        "rules": rules,
        "programs": programs,
        "accepted": share(counts.get("accepted", 0), programs),
        "seconds": round(done["seconds"], 1),
        "per_second": round(programs / done["seconds"], 2) if done["seconds"] else None,
        "findings": len(data["findings"]),
        "found": sorted({f"{f['rule']} {f['component']}".strip() for f in data["findings"]}),
        "unexplained": sum(not f["cause"] for f in data["findings"]),
        **{word.replace(" ", "_"): counts.get(word, 0) for word in words},
    }


def fuzz_museum(data: Any) -> Kept:
    """How soon the campaign finds each exhibit: medians over the seeds, of processor time."""
    rows = [
        {"name": e["exhibit"], "seconds": e["median_seconds"], "programs": e["median_programs"],
         "searches": len(e["hunts"]), "found": e["found"]}
        for e in data["exhibits"]
    ]  # fmt: skip
    found = [r for r in rows if r["seconds"] is not None]
    return {
        "entries": len(rows),
        "seeds": data["seeds"],
        "searches": sum(r["searches"] for r in rows),
        "kept": data["kept"],
        "found": len(found),
        "seconds": spread(r["seconds"] for r in found),
        "programs": spread(r["programs"] for r in found),
        "rows": rows,
    }
