"""Is a rule optimal in a part?  An example where it is not, a proof, or unknown.

A proof shows at 64 bits, for all operands, that some members reach each end of the resulting
range, or both values of each unknown bit.  With soundness, which `bpfsmt prove` shows, nothing
smaller is sound.  The members are functions of the operands (`witnesses`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.bits.types import RecordType, type_of
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.precision.alone import chain
from bpfsmt.precision.cases import Case, Example, Question, inside
from bpfsmt.precision.kept import BEGIN, Keeper
from bpfsmt.precision.operations import below, result_of
from bpfsmt.precision.parts import RangePart, TnumPart
from bpfsmt.precision.plain import Plain
from bpfsmt.precision.search import drawn_example, smallest_example
from bpfsmt.precision.signs import Signs
from bpfsmt.precision.witnesses import around_bit, reaching
from bpfsmt.prover.compose import Composition, ids, well_formed
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import value_in
from bpfsmt.prover.solver import Answer, Proved, Refuted, Solver, words_only
from bpfsmt.prover.theorems import contracts_of
from bpfsmt.prover.theorems.numbers import STAGES
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Optimality:
    """What came of a question.

    ``verdict`` is "optimal" (proved at 64 bits; ``how``), "not optimal" (``example``, which is
    of ``width`` bits, or 64 if none so small was found), "not sound" (an example shows even
    that), or "unknown" (``why``).
    """

    operation: str
    rule: str
    part: str
    verdict: str
    how: str = ""
    why: str = ""
    example: Example | None = None
    width: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of processor time to search for a small example, and for the formulas of a part.

    A way to prove a part gets half of the latter; twice it the one for sums (`SIGNS`).
    """

    search: float = 20.0
    formula: float = 60.0


def decide(question: Question, keeper: Keeper, limits: Limits = Limits()) -> Optimality:
    """The verdict on one question."""
    start = time.process_time()
    out = Optimality(
        question.operation.name, question.operation.rule, question.part.name, "unknown"
    )
    found = smallest_example(question, limits.search)
    if found is not None:
        out = replace(out, verdict=_fault(question, found[0]), example=found[0], width=found[1])
    else:
        out = _proof(question, keeper, limits, out)
    if out.verdict == "unknown":
        drawn = drawn_example(question, limits.search)
        if drawn is not None:
            out = replace(out, verdict=_fault(question, drawn), why="", example=drawn, width=64)
    return replace(out, seconds=round(time.process_time() - start, 3))


def _fault(question: Question, example: Example) -> str:
    sound = question.part.covers(example.result, example.best)
    return "not optimal" if sound else "not sound"


def _proof(question: Question, keeper: Keeper, limits: Limits, out: Optimality) -> Optimality:
    """Without what comes last in `sync`; where that is not enough, more is read (`_HOW`)."""
    why = ""
    tried: list[_Attempt] = []
    for how in _HOW:
        try:
            attempt = _Attempt(question, keeper, how)
        except (ValueError, Loops) as e:
            why = why or f"no proof: {str(e).splitlines()[0]}"
            continue
        if how in (SIGNS, ASIDE, *BEGUN) and not attempt.began:
            continue
        if any(map(attempt.asks_the_same, tried)):
            continue
        tried.append(attempt)
        # What is asked once for all questions is not of this one's time.
        share = limits.formula * (2 if how == SIGNS else 0.5)
        found = _lost(question, attempt, keeper) or _answers(question, attempt, share)
        if not found:
            return replace(out, verdict="optimal", how=how)
        if isinstance(found, Example):
            return replace(out, verdict=_fault(question, found), example=found, width=64)
        why = found
    return replace(out, why=why)


BEGUN = ("witnesses, first steps of sync read", "witnesses, all but last steps of sync read")
READ = ("witnesses, all but sync read", BEGUN[1])
SIGNS = "witnesses, one step of sync read"
ASIDE = "witnesses, first steps of sync read but for single numbers"
_HOW = ("witnesses", SIGNS, ASIDE, BEGUN[0], READ[0], BEGUN[1])


def _lost(question: Question, attempt: _Attempt, keeper: Keeper) -> str:
    if attempt.of_one and not keeper.signs.stands_for_more(question.part):
        return f"no step of sync is shown to stand for those before it, for {question.part.name}"
    for stage in sorted(attempt.stages):
        for part in dict.fromkeys((question.part, question.given)):
            if not keeper.keeps(stage, part):
                return f"{stage} is not shown to keep the {part.name}"
    return ""


def _answers(question: Question, attempt: _Attempt, seconds: float) -> Example | str:
    """An example, or why there is neither one nor a proof; nothing if all is proved."""
    end = time.process_time() + seconds
    for term in attempt.of_one:
        answer = _impossible(z3.And(*attempt.given, z3.Not(term)), end)
        if not isinstance(answer, Proved):
            return f"two ranges together may tell the {question.part.name} more than each"
    for unreached in attempt.unreached():
        found = _answer(question, attempt, unreached, end)
        if found:
            return found
    possible = _impossible(z3.And(*attempt.given), time.process_time() + POSSIBLE)
    return "" if isinstance(possible, Refuted) else "vacuous: no operands satisfy the premises"


def _answer(question: Question, attempt: _Attempt, unreached: Any, end: float) -> Example | str:
    formula = z3.And(*attempt.given, unreached)
    for _ in range(MODELS):
        answer = _impossible(formula, end)
        if isinstance(answer, Proved):
            return ""
        if not isinstance(answer, Refuted):
            return answer.why
        example = Case(question, attempt.values(answer.model)).example()
        if example is not None:
            return example
        formula = z3.And(formula, z3.Not(attempt.known_to_be(answer.model)))
    return "the witnesses do not reach every end"


def _impossible(formula: Any, end: float) -> Answer:
    """Asked until this process has worked for so many seconds."""
    left = max(end - time.process_time(), 0.1)
    return Solver(make=words_only, cpu=True).impossible(formula, left)


POSSIBLE = 10.0
"""Seconds to find operands that satisfy the premises."""

MODELS = 24
"""How many operands that the witnesses fail on are looked at."""


class Loops(Exception):
    """The rule has a loop, which would have to be unrolled."""


class _Begun(Composition):
    """Of a `sync` that comes last the first steps are not left out.

    What the others are given they keep, where it is the best.  With ``plain`` it is these texts
    that are read, if they are others, and the stages that are read have to keep it too.
    With ``tells_one`` the others are known to make a tnum of one number of a range of one.
    """

    began = False

    def __init__(
        self,
        rules: RuleSet,
        stages: dict[str, Contract],
        plain: Plain | None = None,
        tells_one: bool = False,
    ) -> None:
        super().__init__(rules, stages)
        self._plain, self._tells_one = plain, tells_one

    def _skip(self, name: str, r: Any) -> Any:
        steps = chain(self.rules, name)
        if name != "sync" or len(steps) <= BEGIN:
            return super()._skip(name, r)
        begin, plain = steps[:BEGIN], self._plain
        self.began = plain is None or any(map(plain.matters, begin))
        for step in begin:
            r = (plain.terms if plain else self.rules.linked.terms)[step](r)
        left_out = super()._skip(name, _one_told(r) if self._tells_one else r)
        self.stages = self.stages - {name} | set(steps if plain else steps[BEGIN:])
        return left_out


def _one_told(r: Any) -> Any:
    """r with a tnum of one number, if its unsigned range is one of one number."""
    one, t = r.umin == r.umax, r.var_off
    tnum = Tnum(z3.If(one, r.umin, t.value), z3.If(one, z3.BitVecVal(0, 64), t.mask))
    return r._replace(var_off=tnum)


class _Signed(Composition):
    """Of a `sync` that comes last one step alone is read: where the part's range learns (`signs`).

    ``of_one`` collects what has to hold for that.
    """

    def __init__(
        self, rules: RuleSet, stages: dict[str, Contract], signs: Signs, part: RangePart
    ) -> None:
        super().__init__(rules, stages)
        self._signs, self._part = signs, part
        self.of_one: list[Any] = []

    def _skip(self, name: str, r: Any) -> Any:
        found = self._signs.split(self._part) if name == "sync" else None
        if found is None:
            return super()._skip(name, r)
        self.of_one.append(self._signs.of_one(self._part, r))
        left_out = super()._skip(name, self._signs.step(self._part, r))
        self.stages = self.stages - {name} | set(found.behind)
        return left_out


class _Attempt:
    """The rule on what `sync` makes of open operands, left out where it comes last.

    If it is `SIGNS`, one step of it is read.  If it is `BEGUN` (or `ASIDE`), only its later steps
    are left out; if all else is `READ`, no other stage is, whether it comes last or not.
    """

    def __init__(self, question: Question, keeper: Keeper, how: str) -> None:
        self.q, self.alone = question, keeper.alone
        rules = question.rules
        rule = rules.linked.rules[question.operation.rule]
        if "mul" in rule.name:
            raise Loops("the product of tnums is a loop")
        left_out = ("sync",) if how in READ else STAGES
        stages = {n: c for n, c in contracts_of(rules).items() if n in left_out}
        c = Composition(rules, stages)
        if how == SIGNS and isinstance(question.part, RangePart):
            c = _Signed(rules, stages, keeper.signs, question.part)
        elif how in (ASIDE, *BEGUN):
            tells_one = isinstance(question.part, TnumPart) and keeper.tells_one
            c = _Begun(rules, stages, keeper.plain if how == ASIDE else None, tells_one)
        self.given = c.given
        self.known: list[Any] = []
        args = self._operands(rule.params)
        self._alive()
        self.result = result_of(question.operation, c.run(rule.name, *args))
        self.stages = set(c.stages)
        self.of_one = c.of_one if isinstance(c, _Signed) else []
        self.began = bool(self.of_one) or (isinstance(c, _Begun) and c.began)

    def asks_the_same(self, other: _Attempt) -> bool:
        """Nothing is left out of one that is not left out of the other."""
        return self.stages == other.stages and ids(self.result) == ids(other.result)

    def _operands(self, params: Any) -> list[Any]:
        args: list[Any] = []
        left = iter(params)
        for operand in self.q.operation.operands:
            name, type_ = next(left)
            record = type_.cls if isinstance(type_, RecordType) else None
            if isinstance(operand, int):
                args.append(terms.constant(type_, operand))
            elif operand == "ends":
                ends = (terms.fresh(type_, name), terms.fresh(*next(left)[::-1]))
                self.given.append(self.q.given.le(*ends))  # type: ignore[union-attr]
                self.known.append(ends)
                args += ends
            elif operand == "count":
                n = z3.BitVec(name, 64)
                self.given.append(below(n, self.q.operation.below))
                self.known.append(n)
                args.append(self._known_number(n) if record else n)
            else:
                args.append(self._set(terms.fresh(type_, name)))
        return args

    def _known_number(self, n: Any) -> Scalar:
        low = z3.Extract(31, 0, n)
        r = Scalar(Tnum(n, z3.BitVecVal(0, 64)), n, n, n, n, low, low, low, low)
        return r if self.q.subregisters else r._replace(**_widest_low())

    def _set(self, r: Any) -> Any:
        """An operand of which one part alone is known, that of the fresh ``r``."""
        self.given.append(well_formed(r))
        value = self.q.given.of(r)
        self.known.append(value)
        if isinstance(self.q.given, RangePart):
            self.given.append(self.q.given.le(*value))
        return self.alone(self.q.given, value) if isinstance(r, Scalar) else r

    def _alive(self) -> None:
        """Some pair of members is one that the rule is applied to."""
        when = self.q.operation.when
        if when is not None:
            x, y = z3.BitVecs("x~ y~", 64)
            self.given += [inside(self.q.given, v, n)
                           for v, n in zip(self.known, (x, y), strict=True)]  # fmt: skip
            self.given.append(when.terms(x, y))

    def unreached(self) -> list[Any]:
        """That an end, or a value of an unknown bit, is reached by no witness: one formula each."""
        part = self.q.part
        value = part.of(self.result)
        if isinstance(part, TnumPart):
            bit = z3.BitVec("bit", 64)
            here = [bit != 0, bit & (bit - 1) == 0, value.mask & bit != 0]
            pairs = around_bit(self.q.operation, self.known, bit)
            return [
                z3.And(*here, z3.Not(self._reached(pairs, lambda v, s=s: says(v & bit, s))))
                for s in (False, True)
            ]
        return [
            z3.Not(self._reached(
                reaching(self.q.operation, part, self.known, end),
                lambda v, end=end: part.read_term(v) == end))
            for end in value
        ]  # fmt: skip

    def _reached(self, pairs: list[Any], wanted: Any) -> Any:
        o = self.q.operation
        ways = []
        for pair in pairs:
            x, y = (terms.lift(_U64, n) for n in pair)
            fine = [inside(self.q.given, v, n)
                    for v, n, kind in zip(self.known, (x, y), o.kinds, strict=False)
                    if kind != "count"]  # fmt: skip
            if o.when is not None:
                fine.append(o.when.terms(x, y))
            ways += [z3.And(*fine, wanted(m.terms(x, y))) for m in o.values]
        return z3.Or(*ways)

    def known_to_be(self, model: Any) -> Any:
        """What is known of the first operand is what the model says, as a term."""
        value = self.known[0]
        leaves = value if isinstance(value, tuple) else (value,)
        return z3.And(*(x == model.eval(x, model_completion=True) for x in leaves))

    def values(self, model: Any) -> tuple[Any, ...]:
        """What the model says is known of each operand."""
        found = []
        for v, kind in zip(self.known, self.q.operation.kinds, strict=True):
            if isinstance(v, Tnum):
                found.append(value_in(model, _TNUM, v))
            elif kind == "count":
                found.append(model.eval(v, model_completion=True).as_long())
            else:
                word = self.q.given.word  # type: ignore[union-attr]
                found.append(tuple(word(model.eval(e, model_completion=True).as_long()) for e in v))
        return tuple(found)


def says(word: Any, set_: bool) -> Any:
    """The one bit of the word is set, or not."""
    return word != 0 if set_ else word == 0


def _widest_low() -> dict[str, Any]:
    names = ("u32min", "u32max", "s32min", "s32max")
    return {n: z3.BitVecVal(getattr(UNKNOWN, n), 32) for n in names}


_U64 = Word(64, signed=False)
_TNUM = type_of(Tnum)
