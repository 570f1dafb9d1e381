"""What a check found: proved, refuted with a witness, or unknown and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Status(Enum):
    """The three words; there is no fourth, and none of them is ever another."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One obligation with its answer.

    ``check`` names the kind: "inductive", "pruning", "dead-arm", "global", "safety",
    "unreachable", "rejection".  ``pc`` is where, ``claim`` what was claimed in log syntax,
    ``why`` explains an answer other than proved, and ``witness`` is plain data from which
    the refutation can be replayed.
    """

    check: str
    pc: int
    status: Status
    claim: str = ""
    why: str = ""
    witness: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False
    seconds: float = 0.0
