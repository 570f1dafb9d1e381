"""One who is asked about programs, a rule set or a kernel, and what comes of one program."""

from __future__ import annotations

import functools
import time
import traceback
from dataclasses import dataclass, replace

from bpfsmt.agree.pool import LOG_BYTES, RECORDED, recorded, shortened
from bpfsmt.agree.verdicts import kernel_verdict
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.errors import BpfsmtError, OracleError
from bpfsmt.kernel.oracle import LoadResult, Oracle, oracle
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, load_rules
from bpfsmt.verifier import verify

Asked = str | LoadResult | OracleError
"""What goes to a worker: the rule set to verify with, or what a kernel has said."""


@dataclass(frozen=True, slots=True)
class Side:
    """A rule set by its name or file, or a kernel: exactly one of both.

    A kernel is asked from one process (in a VM it serves one program after another), a rule
    set in whichever process compares.
    """

    rules: str = ""
    kernel: Oracle | None = None

    @classmethod
    def of(cls, kind: str, spec: str) -> Side:
        """The side of one option, ``rules`` or ``oracle``, that can be asked here.

        Raises `RuleSetError`, `RuleError` or `OracleError` where it cannot.
        """
        if kind == "oracle":
            return cls(kernel=oracle(spec))
        rules_of(spec)  # the workers need it; here it is told where there is none
        return cls(rules=spec)

    @property
    def name(self) -> str:
        """As it was chosen, a kernel with its release."""
        kernel = self.kernel
        return f"{kernel.name}: Linux {kernel.release}" if kernel else self.rules

    @property
    def ruleset(self) -> RuleSet:
        """The rules of a side that is no kernel."""
        return rules_of(self.rules)

    def ask(self, program: Program) -> Asked:
        """What a worker needs to know what this side says."""
        if self.kernel is None:
            return self.rules
        try:
            return shortened(self.kernel.load(program, max_log=LOG_BYTES))
        except OracleError as error:
            return error


@dataclass(frozen=True, slots=True)
class Said:
    """What one side says of one program.

    ``walk`` has the states, `None` if there are none or too many.  ``bug`` is the traceback
    where our verifier failed; the verdict is then that it does not support the program, as it
    is where a kernel gave none.
    """

    verdict: Verdict
    walked: int | None = None
    walk: Analysis | LoadResult | None = None
    seconds: float = 0.0
    bug: str = ""


def say(program: Program, asked: Asked) -> Said:
    """Verify the program, or read what the kernel said."""
    if isinstance(asked, OracleError):
        return silent("no-verdict", str(asked))
    if isinstance(asked, LoadResult):
        log = asked if asked.log and recorded(asked) else None
        walked = asked.insns_processed if asked.log else 0
        return Said(kernel_verdict(asked), walked, log)
    start = time.perf_counter()
    try:
        analysis = _verified(program, asked)
    except BpfsmtError as error:
        return silent("no-verdict", str(error))
    except Exception as error:
        said = silent("failed", f"{type(error).__name__}: {error}")
        return replace(said, bug=traceback.format_exc())
    walk = analysis if analysis.visits else None
    return Said(analysis.verdict, analysis.walked, walk, time.perf_counter() - start)


@functools.lru_cache(maxsize=2)
def rules_of(spec: str) -> RuleSet:
    """The rule set, loaded once in each process."""
    return load_rules(spec)


def silent(kind: str, why: str) -> Said:
    """Where there is no verdict at all."""
    return Said(Verdict(Outcome.UNSUPPORTED, -1, kind, why, why))


@functools.lru_cache(maxsize=2)
def _impatient(spec: str) -> RuleSet | None:
    """The rules, with a walk that ends where its states would be too many to keep."""
    rules = rules_of(spec)
    if rules.policy.max_walked <= RECORDED:
        return None
    return replace(rules, policy=replace(rules.policy, max_walked=RECORDED))


def _verified(program: Program, spec: str) -> Analysis:
    """With all states; without any where the walk is longer than they can be kept for."""
    impatient = _impatient(spec)
    analysis = verify(program, impatient or rules_of(spec), forgetful=False)
    if impatient is None or analysis.walked <= RECORDED:
        return analysis
    analysis = verify(program, rules_of(spec), record=False)
    analysis.visits, analysis.edges = [], []
    return analysis
