"""What loading a file gives: its programs, and what of it did not load and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.errors import LoadError
from bpfsmt.program.program import Program


@dataclass(frozen=True, slots=True)
class Object:
    """The programs of one file, in the file's order.

    ``skipped`` pairs each program that did not load, as ``"section: function"``, with the
    reason in one line, so that nothing goes missing silently.

    >>> len(Object("empty.o", programs=()))
    0
    """

    name: str
    programs: tuple[Program, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.programs)

    def __iter__(self) -> Iterator[Program]:
        return iter(self.programs)

    def program(self, name: str) -> Program:
        """The program called ``name``; `LoadError` naming those that there are."""
        for program in self.programs:
            if program.name == name:
                return program
        known = ", ".join(program.name for program in self.programs) or "none"
        raise LoadError(f"{self.name}: no program {name!r} (there are: {known})")
