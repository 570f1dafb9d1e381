"""What was measured, one row for each program and size of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bpfsmt.bench.spread import Spread


@dataclass(frozen=True, slots=True)
class Row:
    """One program on one kind of packet; times are nanoseconds for one packet.

    ``size`` is the number of entries in the table that grows, 0 if none does.  ``kernel`` is
    the time of a repetition of a test run, ``program`` what of it is more than an empty
    program takes; ``machine`` is the time in this project's machine, and ``instructions``
    how many it ran for one packet, on average.  What was not measured is `None`, and
    ``problem`` says why; ``wrong`` is set if one of both gave another answer than it must.
    """

    name: str
    size: int = 0
    what: str = ""
    action: str = ""
    kernel: Spread | None = None
    program: Spread | None = None
    machine: Spread | None = None
    instructions: float | None = None
    problem: str = ""
    wrong: bool = False

    @property
    def label(self) -> str:
        """The name, with the size where there is one."""
        return f"{self.name} {self.size}" if self.size else self.name

    @property
    def kernel_speed(self) -> float | None:
        """Instructions that the kernel runs in a second (median), its loop's time counted in."""
        return self._speed(self.kernel)

    @property
    def machine_speed(self) -> float | None:
        """Instructions that the machine runs in a second (median)."""
        return self._speed(self.machine)

    def _speed(self, spread: Spread | None) -> float | None:
        if spread is None or self.instructions is None:
            return None
        return self.instructions * 1e9 / spread.median

    def to_json(self) -> dict[str, Any]:
        """Everything, times in nanoseconds and rates in packets per second."""
        return {
            "name": self.name,
            "entries": self.size,
            "what": self.what,
            "action": self.action,
            "kernel_ns": _json(self.kernel),
            "kernel_pps": _rate(self.kernel),
            "program_ns": _json(self.program),
            "machine_ns": _json(self.machine),
            "machine_pps": _rate(self.machine),
            "instructions_per_packet": self.instructions,
            "kernel_instructions_per_second": self.kernel_speed,
            "machine_instructions_per_second": self.machine_speed,
            "problem": self.problem,
            "wrong": self.wrong,
        }


def _json(spread: Spread | None) -> dict[str, Any] | None:
    return None if spread is None else spread.to_json()


def _rate(spread: Spread | None) -> dict[str, Any] | None:
    return None if spread is None else spread.per_second().to_json()
