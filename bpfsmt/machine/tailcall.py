"""What ``bpf_tail_call`` does to whoever runs the instructions."""

from __future__ import annotations

from bpfsmt.program.program import Program


class TailCall(Exception):
    """Raised by the helper: the run goes on at the start of another program."""

    def __init__(self, program: Program) -> None:
        super().__init__(program.name)
        self.program = program
