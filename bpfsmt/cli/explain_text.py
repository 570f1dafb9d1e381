"""An explanation in words: what a program's author reads, the log below it."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.cli.witness import witness_lines
from bpfsmt.domain import format_reg
from bpfsmt.domain.analysis import Outcome
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.explain import Explanation, Repair
from bpfsmt.explain.access import instruction_text, region_name
from bpfsmt.explain.explanation import TOO_LONG
from bpfsmt.explain.loss import EXACT, LOST, NO_RUN, TIMED_OUT
from bpfsmt.explain.repair import FOUND, NONE
from bpfsmt.explain.repair import TIMED_OUT as LATE
from bpfsmt.explain.trail import Mattered
from bpfsmt.isa.opcodes import Class
from bpfsmt.program import Program

FIRST, LAST = 3, 9
"""Of a long slice so many lines are shown at its beginning and at its end."""


OTHER_HARM = (
    "misaligned", "atomic-target", "stack-pointer-part", "stack-pointer-escape", "pointer-leak",
    "modified-ctx", "map-read-only", "read-only", "packet-write", "special-field", "return-value",
    "reference", "reference-leak", "lock-held", "spin-lock", "licence", "signature",
)  # fmt: skip
"""Rejections that are not about memory being out of bounds or never written."""


def explanation_lines(one: Explanation, *, log: int) -> Iterator[str]:
    """The whole explanation; of the log the last ``log`` lines, all if that is negative."""
    verdict, program = one.analysis.verdict, one.analysis.program
    if verdict.outcome is not Outcome.REJECT:
        nothing = ": nothing to explain" if verdict.accepted else ""
        yield f"{program.name}: {verdict.outcome.value} with {one.analysis.producer}{nothing}"
        if not verdict.accepted:
            yield f"  {verdict.reason}"
        yield from _others(one)
        return
    yield (
        f"{program.name}: rejected by {one.analysis.producer} at instruction {verdict.pc} "
        f"({verdict.kind})"
    )
    yield from _access(one)
    yield from _missing(one)
    yield from _slice(one)
    yield from _loss(one)
    yield from _truth(one)
    yield from _others(one)
    yield from _check(one)
    yield from _log(one.analysis.log, log)


def _access(one: Explanation) -> Iterator[str]:
    access, program = one.access, one.analysis.program
    if access is None or not access.what:
        yield f"what fails: {one.analysis.verdict.reason}"
        if access is not None:
            yield f"    {access.pc}: {access.text}"
        return
    memory = program[access.pc].cls in (Class.LDX, Class.ST, Class.STX)
    into = f", {region_name(access.claim, program.maps)}" if memory else ""
    yield f"what fails: instruction {access.pc} {access.what}{into}"
    yield f"    {access.pc}: {access.text}   R{access.reg}={_shown(access.claim, program)}"


def _missing(one: Explanation) -> Iterator[str]:
    if one.missing:
        for missing in one.missing:
            yield f"missing: {missing}"
    elif one.access is not None and one.access.what:
        yield f"missing: no bound; {one.analysis.verdict.reason}"


def _slice(one: Explanation) -> Iterator[str]:
    steps = one.slice.steps
    if not steps:
        return
    yield f"where R{one.access.reg if one.access else 0} comes from:"
    lines = [_step(step, one.analysis.program) for step in steps]
    if len(lines) > FIRST + LAST + 1:
        left = len(lines) - FIRST - LAST
        lines[FIRST:-LAST] = [f"... {left} more instructions (--json has all)"]
    yield from (f"    {line}" for line in lines)


def _step(step: Mattered, program: Program) -> str:
    claim = step.loc.in_state(step.step.after.state)
    text = instruction_text(program, step.pc)
    return f"{step.pc}: {text}   {step.loc}={_shown(claim, program)}"


def _shown(claim: object, program: Program) -> str:
    return "?" if claim == NOT_INIT else format_reg(claim, program.maps)  # type: ignore[arg-type]


def _loss(one: Explanation) -> Iterator[str]:
    loss = one.loss
    if loss.word == LOST and loss.why == NO_RUN:
        yield f"lost: at instruction {loss.pc}: no run goes this way, which the rules do not see"
    elif loss.word == LOST and loss.why:
        (width,) = loss.wider
        yield (
            f"lost: at instruction {loss.pc}: {loss.where} was {width.exact} and is "
            f"{width.claimed} from there on ({loss.why})"
        )
    elif loss.word == LOST:
        yield f"lost: at instruction {loss.pc}, the first after which the claim is too wide:"
        for width in loss.wider:
            what = f"{width.component} of {loss.where}"
            yield f"    {what}: claimed {width.claimed}, exact {width.exact}"
    elif loss.word == EXACT:
        safe = one.truth.word == "safe" and one.analysis.verdict.kind not in OTHER_HARM
        so = "the rule asks for more" if safe else "the program itself makes no such bound"
        steps = "the instruction" if loss.checked == 1 else f"each of {loss.checked} instructions"
        yield f"lost: nowhere; the claim is exact after {steps} compared: {so}"
    elif loss.word == TIMED_OUT:
        yield (
            f"lost: not found in time (the exact set after instruction {loss.pc}; the claim is "
            f"exact at the {loss.checked} before it)"
        )
    else:
        yield f"lost: not sought: {loss.why}"


_TRUTH = {
    ("unsafe", "access"): "yes; some input makes it go wrong here, and was replayed",
    ("unsafe", "program"): "yes; some input makes the program go wrong, and was replayed",
    ("safe", "access"): "no; it is safe for all inputs, but these rules cannot derive it",
    ("safe", "program"): "no; no input makes the program go wrong, but the rules refuse this",
    ("form", "program"): "a question of form: the rules refuse the shape, whatever a run does",
}


def _truth(one: Explanation) -> Iterator[str]:
    truth = one.truth
    said = _TRUTH.get((truth.word, truth.about))
    if truth.word == "safe" and one.analysis.verdict.kind in OTHER_HARM:
        said = "no run touches memory that it may not; what the rule guards is not modelled here"
    if said is None:
        yield f"really unsafe: unknown: {truth.why}"
        return
    if truth.word == "safe" and truth.why:
        said += f" ({truth.why})"
    yield f"really unsafe: {said}"
    if truth.word == "unsafe":
        yield f"    {truth.why}"
        inputs = truth.to_json()["inputs"]
        if inputs is not None:
            yield from (f"    {line}" for line in witness_lines({"inputs": inputs}))


def _others(one: Explanation) -> Iterator[str]:
    said: dict[str, list[str]] = {}
    for other in one.others:
        where = f" at {other.pc} ({other.kind})" if other.pc >= 0 and other.kind else ""
        same = other.pc == one.analysis.verdict.pc and other.kind == one.analysis.verdict.kind
        word = f"{other.verdict}{'' if same else where}"
        said.setdefault(word, []).append(other.name)
    if said:
        parts = [f"{word}: {', '.join(names)}" for word, names in sorted(said.items())]
        yield f"other verifiers: {'; '.join(parts)}"
    elif one.analysis.verdict.kind == TOO_LONG:
        yield "other verifiers: not asked, as a walk of this length takes minutes"


def _check(one: Explanation) -> Iterator[str]:
    repair = one.repair
    if repair.word == FOUND:
        yield from _found(one, repair)
    elif repair.word == NONE:
        yield f"smallest check that makes it pass: none of the {repair.tried} that were tried does"
    elif repair.word == LATE:
        yield f"smallest check that makes it pass: not found in time ({repair.tried} were tried)"
    else:
        yield f"smallest check that makes it pass: not sought: {repair.why}"


def _found(one: Explanation, repair: Repair) -> Iterator[str]:
    program = repair.program
    assert program is not None
    size = "1 instruction" if len(repair.added) == 1 else f"{len(repair.added)} instructions"
    several = f" in {repair.checks} places" if repair.checks > 1 else ""
    yield (
        f"smallest check that makes it pass ({size}{several}; verified with it, "
        f"{repair.tried} tried):"
    )
    last = -1
    for pc, insn in program.instructions():
        near = any(-insn.slots <= pc - at <= 2 for at in repair.added)
        if not near:
            continue
        if last >= 0 and pc != last:
            yield "      ..."
        last = pc + insn.slots
        mark = "+" if pc in repair.added else " "
        yield f"    {mark} {pc}: {_with_target(program, pc)}"
    accepted = [other.name for other in one.others if other.repaired == "accept"]
    refused = [other.name for other in one.others if other.repaired not in ("", "accept")]
    if accepted:
        yield f"    with it also accepted by {', '.join(accepted)}"
    if refused:
        yield f"    with it still not accepted by {', '.join(refused)}"


def _with_target(program: Program, pc: int) -> str:
    """An instruction; of a jump also where it goes, and what is there."""
    insn, text = program[pc], instruction_text(program, pc)
    if not insn.is_jmp or " goto " not in f" {text}":
        return text
    target = pc + 1 + insn.offset
    if not 0 <= target < len(program) or program.slots[target] is None:
        return text
    return f"{text}   (to {target}: {instruction_text(program, target)})"


def _log(lines: list[str], wanted: int) -> Iterator[str]:
    if wanted == 0 or not lines:
        return
    shown = lines if wanted < 0 else lines[-wanted:]
    cut = "" if len(shown) == len(lines) else f", the last {len(shown)} of {len(lines)} lines"
    yield f"log{cut}:"
    yield from (f"    {line}" for line in shown)
