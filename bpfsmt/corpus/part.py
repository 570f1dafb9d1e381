"""A record that is not finished: each entry is on disk as soon as it is there."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from bpfsmt.corpus.digest import program_digest
from bpfsmt.corpus.expected import By, Entry
from bpfsmt.program.program import Program


class Part:
    """The entries of an interrupted recording, and those of this one, beside the file to be.

    Those of other rules or another kernel are of no use, nor is a line that is cut off.
    """

    def __init__(self, file: Path, by: By) -> None:
        self.path = file.with_name(file.name + ".part")
        self._head = json.dumps(asdict(by))
        self._known = {entry.program: entry for entry in self._read()}
        self._out = self.path.open("w", encoding="utf-8")
        self._line(self._head)
        for entry in self._known.values():
            self.add(entry)

    def _read(self) -> list[Entry]:
        try:
            head, *lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        except (OSError, ValueError):
            return []
        whole = [line for line in lines if line.endswith("\n")]
        return [Entry(**json.loads(line)) for line in whole] if head.strip() == self._head else []

    def known(self, name: str, program: Program) -> Entry | None:
        """The entry of a program that was done before."""
        entry = self._known.get(name)
        return entry if entry and entry.bytes == program_digest(program) else None

    def add(self, entry: Entry) -> None:
        """Keep one more."""
        self._line(json.dumps(asdict(entry)))

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def close(self, *, finished: bool) -> None:
        """Nothing more comes; if it is all there, this file is not needed any more."""
        self._out.close()
        if finished:
            self.path.unlink()
