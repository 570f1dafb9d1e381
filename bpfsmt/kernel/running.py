"""The running kernel as an oracle."""

from __future__ import annotations

import os
from collections.abc import Sequence

from bpfsmt.errors import OracleError
from bpfsmt.kernel.load import load_program
from bpfsmt.kernel.oracle import MAX_LOG_BYTES, LoadResult, RunInput, RunResult
from bpfsmt.kernel.syscall import describe_errno, require
from bpfsmt.program.program import Program


class RunningKernel:
    """The kernel of this machine; raises `OracleError` if it does not let itself be asked."""

    name = "kernel"

    def __init__(self) -> None:
        require()
        self.release = os.uname().release

    def load(self, program: Program, *, flags: int = 0, max_log: int = MAX_LOG_BYTES) -> LoadResult:
        """Have a program verified, with log level 2; it is gone again on return."""
        with load_program(program, flags=flags, max_log=max_log) as loaded:
            return loaded.result

    def run(self, program: Program, inputs: Sequence[RunInput]) -> Sequence[RunResult]:
        """Load a program once and test-run it on each input in turn, on the same maps.

        Raises `OracleError` if the kernel does not accept the program.
        """
        with load_program(program, log_level=0) as loaded:
            if not loaded.accepted:
                why = describe_errno(loaded.result.errno)
                raise OracleError(f"{program.name}: the kernel does not accept it: {why}")
            return [loaded.run(each) for each in inputs]
