"""Why states may differ although no rule is wrong: a table of causes, each put to the test.

A cause says what the other side would have to be told so that it says the same.  The program
is verified once more so; what then is as the kernel has it is explained, what is not is not.
So no cause covers anything that it does not compute.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bpfsmt.domain.analysis import Analysis
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.rules import RuleSet
from bpfsmt.verifier import verify


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for differences.

    ``cites`` is the kernel's function by which it comes about.  ``rules`` makes of our rules
    those that take the cause away for one answer of a kernel; `None` where it is not there.
    """

    name: str
    cites: str
    rules: Callable[[RuleSet, LoadResult], RuleSet | None]


_CPU = re.compile(
    r"call bpf_get_smp_processor_id#8 +; (?:frame\d+: )?R0(?:_w)?="
    r"(?:scalar\(.*?umax(?:=\w*32)*=(\w+)|0)"
)


def _cpus(rules: RuleSet, result: LoadResult) -> RuleSet | None:
    """With as many CPUs as the kernel says that its machine may have."""
    found = _CPU.search(result.log)
    if found is None:
        return None
    return _on_machine(_Same(rules), int(found[1] or "0", 0) + 1)


@dataclass(frozen=True, slots=True)
class _Same:
    """A rule set by its fingerprint, so that what is made of it is made once."""

    rules: RuleSet

    def __hash__(self) -> int:
        return hash(self.rules.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.rules.fingerprint == other.rules.fingerprint


@functools.lru_cache(maxsize=8)
def _on_machine(same: _Same, cpus: int) -> RuleSet:
    rules = same.rules
    return rules.extend(rules.name, policy=replace(rules.policy, cpus=cpus), doc=rules.doc)


CAUSES = (
    Cause(
        "the number of CPUs that the machine may have",
        "do_refine_retval_range (6.12): nr_cpu_ids bounds bpf_get_smp_processor_id; "
        "we take the most that Linux can be built for",
        _cpus,
    ),
)  # fmt: skip


def without(result: LoadResult, rules: RuleSet) -> Iterator[tuple[str, Analysis]]:
    """Each cause that may be there, and what our verifier says if it is taken away."""
    for cause in CAUSES:
        varied = cause.rules(rules, result)
        if varied is not None:
            yield cause.name, verify(result.program, varied, forgetful=False)


def cited(name: str) -> str:
    """What the cause of that name cites."""
    return next(cause.cites for cause in CAUSES if cause.name == name)
