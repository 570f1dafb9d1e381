"""What a rule promises of the numbers that its arguments stand for.

A contract is all that callers need to know of a rule: `compose` puts it where the call is,
so that each text is proved once.  `operators` turns the same contract into obligations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Meaning = Callable[..., Any]
"""A function of terms; `Meant` is one that runs on ints as well."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A meaning that has a reading on ints besides, such as that of the rule that it is."""

    terms: Callable[..., Any]
    ints: Callable[..., Any]

    def __call__(self, *words: Any) -> Any:
        """The reading as terms."""
        return self.terms(*words)


@dataclass(frozen=True, slots=True)
class Contract:
    """If each record argument stands for its number, the result stands for ``meaning`` of them.

    ``meaning`` and ``when`` take one term per argument: the number that a record stands
    for, or the word itself; both return terms, ``meaning`` a tuple of them if the rule
    returns several records.  Nothing is promised where ``when`` does not hold.

    ``free`` says that meaning and when take one number more, at the end: any number at all
    (the bounds of a range are words, and every number between them is in the range).
    ``cases`` lists the values of parameters that are enumerated rather than open.
    ``synced`` says that the rule's operands are registers, so that a proof may fall back
    on what `sync` establishes; such a proof says so.
    ``stage`` is false for a rule that, unlike `sync`, may say less than its argument: where
    a caller ends with it, what its argument says need not hold.
    ``settles`` says that the result is as if it had gone through `sync`; `coherence` asks it.
    """

    rule: str
    meaning: Meaning
    when: Meaning | None = None
    free: bool = False
    cases: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    synced: bool = False
    stage: bool = True
    settles: bool = False


class Contracts(dict[str, Contract]):
    """Contracts by the name of their rule; a second one for a rule is a `ValueError`."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        super().__init__()
        for c in contracts:
            if c.rule in self:
                raise ValueError(f"two contracts for {c.rule}")
            self[c.rule] = c
