"""Faults that a release is known to have, each put to the test against a finding.

What is wrong in a rule set as the kernel of its name was released is listed, with the rule set
(`RuleSet.faults`, and the `Duties` that its walk leaves undone).  A finding rests on such a fault
if it is not there once the fault is taken away: an input shows nothing any more, or Z3 proves
all that is then claimed of the same instruction.  So nothing is explained by being in a list, and
a fault that somebody puts into a rule set of his own is explained by none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.fuzz.blame import PRUNING, START
from bpfsmt.fuzz.finding import WHOLE, Kind, Shown
from bpfsmt.fuzz.foreseen import step_foreseen, ways_foreseen
from bpfsmt.fuzz.machine import Watch
from bpfsmt.fuzz.settings import Settings
from bpfsmt.fuzz.solver import Prover
from bpfsmt.isa import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, rule_set, rule_set_names
from bpfsmt.rules.duties import meaning
from bpfsmt.rules.linux.corrected import links_fill_sext
from bpfsmt.verifier import verify
from bpfsmt.verifier.step.branch import HOLDS

Mend: TypeAlias = Callable[[RuleSet], RuleSet]

WORK = 10
"""So many times the work of other queries is allowed for those that explain."""


def release_of(rules: RuleSet) -> RuleSet | None:
    """The rule set that comes with bpfsmt from which this one is made, or which it is."""
    shipped = set(map(id, map(rule_set, rule_set_names())))
    at: RuleSet | None = rules
    while at is not None and id(at) not in shipped:
        at = at.base
    return at


def faults_of(rules: RuleSet) -> Mapping[str, Mend]:
    """What is known to be wrong in a rule set because of its release: how each is taken away."""
    release = release_of(rules)
    found: dict[str, Mend] = {}
    if release is None:
        return found
    for duty in release.policy.duties.undone:
        found[f"{release.name} does not see to it that {meaning(duty)}"] = _done(duty)
    for obligation, why in rules.faults.items():
        name = obligation.partition("/")[0]
        if name in MENDS and rules.rules.get(name) is release.rules[name]:
            found.setdefault(why, MENDS[name])
    return found


def _done(duty: str) -> Mend:
    def mend(rules: RuleSet) -> RuleSet:
        done = replace(rules.policy.duties, **{duty: True})
        return rules.derive(rules.name, policy=replace(rules.policy, duties=done), doc=rules.doc)

    return mend


def _ids_compared(rules: RuleSet) -> RuleSet:
    """Links as Linux 6.5 and later compare them."""
    right = rule_set("linux-6.12").rules
    texts = [right[name] for name in _COMPARED]
    return rules.derive(rules.name, *texts, policy=replace(rules.policy, links_tracked=True))


def _fill_corrected(rules: RuleSet) -> RuleSet:
    return rules.derive(rules.name, links_fill_sext, doc=rules.doc)


_COMPARED = ("link_subsumes", "link_names", "id_pair_ok", "id_pairs_agree")

MENDS: Mapping[str, Mend] = {
    **dict.fromkeys(_COMPARED, _ids_compared), "links_fill_sext": _fill_corrected,
}  # fmt: skip
"""By the rule of which a release lists an obligation as false: the rules without the fault."""


def explained(rules: RuleSet, settings: Settings, program: Program, shown: Shown) -> Shown:
    """The finding, with the known fault that it rests on as its cause, where there is one.

    Each fault is taken away alone, and then all of them.
    """
    kind = Kind(shown.key.kind)
    if kind not in (Kind.RUN, Kind.CLAIM) or shown.key.rule == START:
        return shown
    walked = _walks(program, rules)
    if kind is Kind.RUN and not _again(walked, rules, shown):
        return shown  # its input alone does not show it, so that it does not proves nothing
    for cause, mended in _without(rules):
        after = _walks(program, mended)
        if after[0].verdict.outcome is Outcome.REJECT and _foreseen(walked, rules, mended, shown):
            return replace(shown, cause=cause)
        if _gone(walked, after, mended, settings, shown):
            return replace(shown, cause=cause)
    return shown


def _again(walked: Walks, rules: RuleSet, shown: Shown) -> bool:
    """Whether a finding's input shows something, run once more."""
    inputs = [] if shown.witness is None else [shown.witness]
    return any(Watch(*walked, rules).given(inputs))


_mended: dict[tuple[str, ...], list[tuple[str, RuleSet]]] = {}
"""By fingerprint and faults, so that what is made of a rule set is compiled once."""


def _without(rules: RuleSet) -> list[tuple[str, RuleSet]]:
    """The rules without each of their known faults, and without all."""
    faults = faults_of(rules)
    key = (rules.fingerprint, *faults)
    made = _mended.get(key)
    if made is None:
        made = [(cause, mend(rules)) for cause, mend in faults.items()]
        if len(faults) > 1:
            right = functools.reduce(lambda at, mend: mend(at), faults.values(), rules)
            made.append(("; ".join(faults), right))
        _mended[key] = made
    return made


Walks: TypeAlias = tuple[Analysis, Analysis]
"""What a walk claims, and all that it knew."""


def _walks(program: Program, rules: RuleSet) -> Walks:
    return verify(program, rules), verify(program, rules, forgetful=False)


def _gone(before: Walks, after: Walks, rules: RuleSet, settings: Settings, shown: Shown) -> bool:
    """Whether a finding is not there any more after the rules were mended, for sure."""
    if all(map(_same, before, after)):
        return False  # nothing in this program depends on the fault
    claims, full = after
    if claims.verdict.outcome is Outcome.UNSUPPORTED:
        return False
    of_step = shown.key.kind == Kind.CLAIM.value and shown.key.component != WHOLE
    if of_step or claims.verdict.outcome is Outcome.REJECT:  # what is rejected has no runs
        patient = replace(settings, work=WORK * settings.work)
        # What is wrong with one state that stands for another may show anywhere behind it.
        at = None if shown.key.rule == PRUNING else shown.pc
        walked = at is None or any(True for _ in claims.at(at))
        return walked and Prover(claims, full, patient).holds(at)
    return shown.witness is not None and not _again(after, rules, shown)


def _foreseen(before: Walks, rules: RuleSet, mended: RuleSet, shown: Shown) -> bool:
    """Whether the mended rules foresee what was not, though they reject the program."""
    if shown.witness is not None:
        return step_foreseen(Watch(*before, rules), rules, mended, shown)
    return shown.key.rule == PRUNING and ways_foreseen(*before, rules, mended, shown)


def left_of(program: Program, rules: RuleSet) -> Iterator[tuple[str, Program]]:
    """What a kernel with these rules makes of a program because of a fault that is known.

    A branch of which one side was never come to goes to the other in what it runs (kernel
    ``opt_hard_wire_dead_code_branches``).  Where that is not so without the fault, this is
    the program as it is run then.
    """
    left = _hard_wired(verify(program, rules))
    for cause, mended in _without(rules):
        if left is not None and _hard_wired(verify(program, mended)) != left:
            yield cause, left


def _hard_wired(analysis: Analysis) -> Program | None:
    """The program without the branches that are no longer any; `None` if it is not accepted."""
    if not analysis.verdict.accepted:
        return None
    program, seen = analysis.program, {visit.pc for visit in analysis.visits}
    slots = list(program.slots)
    for pc, insn in program.instructions():
        if pc not in seen or not insn.is_jmp or insn.jmp_op not in HOLDS:
            continue
        if pc + 1 not in seen:
            slots[pc] = replace(_GOTO, offset=insn.offset)
        elif pc + 1 + insn.offset not in seen:
            slots[pc] = _GOTO
    return replace(program, slots=tuple(slots))


_GOTO = Instruction(Class.JMP | JmpOp.JA)


def _same(a: Analysis, b: Analysis) -> bool:
    return (a.verdict, a.visits, a.edges, a.dead) == (b.verdict, b.visits, b.edges, b.dead)
