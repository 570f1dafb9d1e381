"""The abstract verifier: a program and a rule set to an `Analysis`, the claims and verdict.

Rule sets say which walk they are for.  `linux` is that of Linux 6.12.  Here is the XDP
paper's section 3.3 in code: a first pass over the control flow (`check`), a second one that
walks all paths with the state of all registers (`walk`).  What values do is in
the rules alone; here is which rule an instruction asks, what memory and calls need, and
which paths are walked.
"""

from __future__ import annotations

from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet
from bpfsmt.verifier.check import check
from bpfsmt.verifier.env import Env
from bpfsmt.verifier.linux import verify_linux
from bpfsmt.verifier.log import Log
from bpfsmt.verifier.reasons import REASONS, Rejection
from bpfsmt.verifier.subsume import includes
from bpfsmt.verifier.walk import Walk

__all__ = ["REASONS", "includes", "verify"]


def verify(
    program: Program,
    rules: RuleSet,
    *,
    log: bool = False,
    record: bool = True,
    forgetful: bool = True,
) -> Analysis:
    """Verify ``program`` with ``rules``: the verdict, and every state that was explored.

    With ``log`` the analysis has the lines that a kernel would log.  A rejection has its
    kind from `REASONS`; what bpfsmt does not model gives `Outcome.UNSUPPORTED`, never a
    rejection.  The claims reach up to where the walk ended; the walk of Linux keeps none, and
    so takes no memory for them, unless ``record``; what never mattered is in them only if not
    ``forgetful``.

    >>> from bpfsmt.program.asm_text import load_asm
    >>> from bpfsmt.rules import rule_set
    >>> program = load_asm("r0 = *(u32 *)(r1 + 0)\\nr0 = *(u8 *)(r0 + 0)\\nexit", "x")
    >>> verify(program, rule_set("xdp-paper")).verdict.message
    'invalid access to packet, off=0 size=1, R0(id=0,off=0,r=0)'
    """
    if rules.policy.walk == "linux":
        return verify_linux(program, rules, log=log, record=record, forgetful=forgetful)
    lines = Log(program, wanted=log)
    analysis = Analysis(program, rules.name, Verdict(Outcome.ACCEPT), log=lines.lines)
    try:
        env = Env(check(program, rules.policy), rules)
        walk = Walk(env, lines)
        analysis.visits, analysis.edges, analysis.dead = walk.visits, walk.edges, walk.dead
        try:
            walk.run()
        except Rejection as rejection:
            analysis.verdict = rejection.verdict(walk.pc)
            lines.rejected(rejection)
    except Rejection as rejection:
        analysis.verdict = rejection.verdict(0)
        lines.rejected(rejection)
    analysis.walked = len(analysis.visits)
    lines.finished(analysis.walked, rules.policy.max_walked)
    return analysis
