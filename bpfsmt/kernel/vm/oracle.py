"""A kernel in a virtual machine as an oracle."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bpfsmt.errors import OracleError
from bpfsmt.kernel.load import load_program
from bpfsmt.kernel.oracle import MAX_LOG_BYTES, LoadResult, RunInput, RunResult
from bpfsmt.kernel.syscall import describe_errno
from bpfsmt.kernel.target import asking
from bpfsmt.kernel.vm import answers
from bpfsmt.kernel.vm.cache import ResultCache
from bpfsmt.kernel.vm.images import Image, find_image
from bpfsmt.kernel.vm.initramfs import find_compiler
from bpfsmt.kernel.vm.machine import MachineError, VirtualMachine
from bpfsmt.kernel.vm.missing import MissingError, all_missing
from bpfsmt.kernel.vm.qemu import find_qemu
from bpfsmt.program.program import Program


class VmOracle:
    """A kernel that is booted when there is something that it was never asked before.

    One machine takes all programs, one after another, until `close`, the end of a ``with``
    block or of this process.  If it dies, the error says of what, and the next question
    boots another.  Threads take turns; a process has its own machine.
    """

    def __init__(self, name: str, image: Image, *, keep: bool = True) -> None:
        """``name`` is how it was chosen; without ``keep`` answers are neither kept nor found."""
        self.name = name
        self.release = image.release
        self.image = image
        self._cache = ResultCache(image) if keep else None
        self._machine: VirtualMachine | None = None
        self._turn = threading.RLock()

    def __enter__(self) -> VmOracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the machine, if there is one."""
        with self._turn:
            if self._machine is not None:
                self._machine.shut_down()
                self._machine = None

    def load(self, program: Program, *, flags: int = 0, max_log: int = MAX_LOG_BYTES) -> LoadResult:
        """Have a program verified, with log level 2; it is gone again on return."""
        if self._cache is None:
            return self._load(program, flags, max_log)
        path = self._cache.path(program, "load", int(flags), max_log)
        kept = self._cache.get(path)
        if kept is not None:
            return answers.load_from_json(program, kept)
        result = self._load(program, flags, max_log)
        self._cache.put(path, answers.load_to_json(result))
        return result

    def run(self, program: Program, inputs: Sequence[RunInput]) -> Sequence[RunResult]:
        """Load a program once and test-run it on each input in turn, on the same maps.

        Raises `OracleError` if the kernel does not accept the program.
        """
        if self._cache is None:
            return self._run(program, inputs)
        path = self._cache.path(program, "run", answers.question(inputs))
        kept = self._cache.get(path)
        if kept is not None:
            return answers.runs_from_json(kept)
        results = self._run(program, inputs)
        self._cache.put(path, answers.runs_to_json(results))
        return results

    def _load(self, program: Program, flags: int, max_log: int) -> LoadResult:
        with (
            self._asked(program) as machine,
            load_program(program, flags=flags, max_log=max_log) as loaded,
        ):
            return replace(loaded.result, warnings=machine.warnings())

    def _run(self, program: Program, inputs: Sequence[RunInput]) -> list[RunResult]:
        with self._asked(program) as machine, load_program(program, log_level=0) as loaded:
            if not loaded.accepted:
                why = describe_errno(loaded.result.errno)
                raise OracleError(f"{program.name}: the kernel does not accept it: {why}")
            results = []
            for each in inputs:
                machine.clear()  # a run leaves no buffers that are needed
                results.append(loaded.run(each))
            return results

    @contextmanager
    def _asked(self, program: Program) -> Iterator[VirtualMachine]:
        """The machine, which takes all calls to bpf() inside."""
        with self._turn:
            machine = self._booted()
            machine.clear()
            try:
                with asking(machine):
                    yield machine
            except MachineError as error:
                raise OracleError(f"{program.name}: {error}") from None

    def _booted(self) -> VirtualMachine:
        if self._machine is None or not self._machine.alive:
            self.close()
            self._machine = VirtualMachine(self.image)
        return self._machine


def vm_oracle(name: str, *, keep: bool = True) -> VmOracle:
    """The oracle ``vm:NAME``: a release, such as ``6.12``, or the path of a kernel image.

    Raises `OracleError` with all that is missing, and what to install.
    """
    missing: list[MissingError] = []
    found: list[Image] = []
    for find in (find_qemu, find_compiler, lambda: found.append(find_image(name))):
        try:
            find()
        except MissingError as error:
            missing.append(error)
    if missing:
        raise OracleError(f"vm:{name}: {all_missing(missing)}")
    return VmOracle(f"vm:{name}", found[0], keep=keep)
