"""What ``bpfsmt mutate`` prints: a row for each rule, survivors, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bpfsmt.cli.prove_text import plain_counterexample, show_value
from bpfsmt.mutation.baseline import Baseline
from bpfsmt.mutation.campaign import Judged, Plan
from bpfsmt.mutation.mutant import Mutants
from bpfsmt.mutation.outcome import Outcome
from bpfsmt.mutation.score import COLUMNS, Score, by_rule, total

_HEADS = {"equal": "sound: equal", "looser": "looser", "tighter": "tighter"}


def show(
    baseline: Baseline,
    found: Sequence[Mutants],
    judged: Sequence[Judged],
    wanted: int,
    seconds: float,
    every: bool,
) -> None:
    """The table, what is unknown, what says more than the original, and a line for the whole."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 150
    outcomes = [j.outcome for j in judged]
    console.print(_table(outcomes))
    for o in outcomes:
        if every or o.verdict == "unknown" or o.relation == "tighter":
            console.print(outcome_text(o), markup=False, soft_wrap=True)
    console.print(_summary(baseline, found, judged, wanted, seconds), markup=False, soft_wrap=True)


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    for name in ("mutants", *(_HEADS.get(c, c) for c in COLUMNS), "sampled", "score", "CPU s"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = [*by_rule(outcomes).items(), ("all", total(outcomes))]
    for name, score in rows:
        took = sum(o.seconds for o in outcomes if name in ("all", o.mutant.rule))
        if name == "all":
            table.add_section()
        counts = (str(score.counts[c] or "") for c in COLUMNS)
        sampled = str(score.sampled or "")
        table.add_row(name, str(score.mutants), *counts, sampled, _share(score), f"{took:.1f}")
    return table


def _share(score: Score) -> str:
    return "-" if score.share is None else f"{100 * score.share:.0f}%"


def outcome_text(o: Outcome) -> str:
    """One mutant: the fault, what came of it, and why."""
    m = o.mutant
    head = f"{m.rule}:{m.line} {m.operator}: {m.says}"
    if o.verdict == "refuted":
        assert o.counterexample is not None
        args = "; ".join(show_value(a) for a in o.counterexample.args)
        said = f"refuted in {o.obligation}, {o.how}, for {args}"
    elif o.verdict == "unknown":
        said = f"unknown {o.obligation}: {o.why}"
    elif o.equal:
        said = "sound: the original for all arguments"
    else:
        said = _sound_text(o)
    return f"{head}\n    {said}"


def _sound_text(o: Outcome) -> str:
    """What proves it, and where it says less or more than the original."""
    names = ", ".join(r.name for r in o.proofs)
    needs = ", for synced operands only" if o.needs_synced else ""
    lines = [f"{o.relation} ({o.compared or 'not compared'}); sound by {names}{needs}"]
    for e in o.examples:
        args = "; ".join(map(show_value, e.args))
        results = f"{show_value(e.original)} → {show_value(e.mutant)}"
        lines.append(f"{e.relation.value}: {e.rule}({args}): {results}")
    return "\n    ".join(lines)


def _summary(
    baseline: Baseline,
    found: Sequence[Mutants],
    judged: Sequence[Judged],
    wanted: int,
    seconds: float,
) -> str:
    outcomes = [j.outcome for j in judged]
    score = total(outcomes)
    sound = sum(o.verdict == "sound" for o in outcomes)
    refuted, unknown = score.counts["refuted"], score.counts["unknown"]
    said = f"{refuted} refuted, {sound} proved sound, {unknown} unknown"
    every = sum(len(m.found) for m in found)
    of = f" of {wanted}" if wanted != len(judged) else ""
    drawn = f" drawn from {every}" if wanted != every else ""
    left = sum(m.invalid.total() for m in found), sum(m.same for m in found)
    again = sum(j.cached for j in judged)
    cpu = sum(o.seconds for o in outcomes)
    unproved = baseline.unproved
    held = f"  no mutant is held to {', '.join(unproved)}: not proved\n" if unproved else ""
    return (
        f"{baseline.rules.name}: {len(judged)}{of} mutants{drawn}: {said}; "
        f"mutation score {_share(score)}\n"
        f"  of the sound, how they compare with the original is proved for "
        f"{sound - score.sampled - score.counts['open']}, sampled for {score.sampled}, "
        f"open for {score.counts['open']}\n"
        f"{held}"
        f"  not counted: {left[0]} that do not compile, {left[1]} that compile to another or to "
        f"the original\n"
        f"  {seconds:.1f} s, {cpu:.1f} s of processor time, {again} outcomes from earlier runs"
    )


def mutation_json(
    baseline: Baseline,
    found: Sequence[Mutants],
    judged: Sequence[Judged],
    plan: Plan,
    seconds: float,
    interrupted: bool,
) -> dict[str, Any]:
    """Everything as plain data."""
    outcomes = [j.outcome for j in judged]
    invalid: Counter[str] = Counter()
    for m in found:
        invalid += m.invalid
    return {
        "rules": baseline.rules.name,
        "fingerprint": baseline.rules.fingerprint,
        "sample": plan.sample,
        "seed": plan.seed,
        "seconds": round(seconds, 3),
        "interrupted": interrupted,
        "mutants": len(outcomes),
        "possible": sum(len(m.found) for m in found),
        "invalid": dict(invalid),
        "same": sum(m.same for m in found),
        "unproved": baseline.unproved,
        "counts": _counts(total(outcomes)),
        "by_rule": {name: _counts(score) for name, score in by_rule(outcomes).items()},
        "by_operator": _by_operator(outcomes),
        "outcomes": [_outcome(j) for j in judged],
    }


def _counts(score: Score) -> dict[str, Any]:
    counts = {c: score.counts[c] for c in COLUMNS}
    return {**counts, "sampled": score.sampled, "score": score.share}


def _by_operator(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    found: dict[str, Score] = {}
    for o in outcomes:
        found.setdefault(o.mutant.operator, Score()).add(o)
    return {name: _counts(score) for name, score in sorted(found.items())}


def _outcome(j: Judged) -> dict[str, Any]:
    o = j.outcome
    data: dict[str, Any] = {
        "mutant": o.mutant.name,
        "rule": o.mutant.rule,
        "operator": o.mutant.operator,
        "line": o.mutant.line,
        "before": o.mutant.before,
        "after": o.mutant.after,
        "verdict": o.verdict,
        "obligation": o.obligation,
        "how": o.how,
        "counterexample": plain_counterexample(o.counterexample),
        "relation": o.relation,
        "compared": o.compared,
        "why": o.why,
        "equal": o.equal,
        "proofs": [
            {"obligation": r.name, "inputs": r.inputs, "how": r.how, "uses": r.uses,
             "formulas": r.formulas}
            for r in o.proofs
        ],
        "needs_synced": o.needs_synced or None,
        "examples": [
            {"relation": e.relation.value, "rule": e.rule,
             "arguments": [show_value(a) for a in e.args],
             "original": show_value(e.original), "mutant": show_value(e.mutant)}
            for e in o.examples
        ],
        "asked": o.asked,
        "runs": o.runs,
        "seconds": o.seconds,
        "cached": j.cached,
    }  # fmt: skip
    return {k: v for k, v in data.items() if v not in ("", None, [], ())}
