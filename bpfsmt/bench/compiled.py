"""Programs timed in the running kernel: its JIT's code, by repeated test runs on one CPU.

A sample is one test run of many repetitions, and its time that of this thread (which
leaves out what others did on the CPU meanwhile) less that of a call with one repetition.
The loop of a test run takes time itself, 20 to 30 ns on machines of 2025: an `EMPTY` program
shows how much.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bpfsmt.bench.prelude import NEXT, Vary, prelude
from bpfsmt.bench.spread import Spread
from bpfsmt.errors import OracleError
from bpfsmt.kernel import Loaded, RunInput, load_program
from bpfsmt.kernel.oracle import MapContent
from bpfsmt.kernel.syscall import describe_errno
from bpfsmt.program import Program, load_asm

EMPTY = load_asm("r0 = 2\nexit", "empty")
"""What does nothing: it passes every packet on."""

_FIRST_REPEAT = 1000
_JIT = Path("/proc/sys/net/core/bpf_jit_enable")


def jit_enabled() -> bool | None:
    """Whether the kernel compiles programs; `None` where it does not say."""
    try:
        return _JIT.read_text().strip() != "0"
    except OSError:
        return None


class Compiled:
    """One program in the kernel, ready to be timed on one frame.

    With ``fresh``, or a field that varies, every repetition gets the frame anew, by the
    `prelude`, whose own cost is measured and taken off.  Use it in a ``with`` block.
    ``maps`` are entries by the map's name.  Raises `OracleError` if the kernel does not
    take the program, an entry, or the run.  ``last`` is its answer to the last repetition.
    """

    def __init__(
        self,
        program: Program,
        frame: bytes,
        *,
        ctx: Mapping[str, int] | None = None,
        maps: Mapping[str, MapContent] | None = None,
        vary: Vary | None = None,
        fresh: bool = False,
    ) -> None:
        self._inputs = RunInput(packet=frame, ctx=dict(ctx or {}))
        self.last = self._answer = -1
        with ExitStack() as stack:
            self._program = stack.enter_context(_loaded(program))
            for name, entries in (maps or {}).items():
                for key, value in entries.items():
                    self._program.maps[name].update(key, value)
            self._empty = stack.enter_context(_loaded(EMPTY))
            self._prelude: Loaded | None = None
            if fresh or vary is not None:
                self._prelude = stack.enter_context(_loaded(prelude(frame, vary)))
            self._stack = stack.pop_all()

    def __enter__(self) -> Compiled:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def answer(self) -> int:
        """The program's answer to the frame, in a single run."""
        return self._run(self._target(self._program), 1)

    def measure(self, runs: int, seconds: float) -> tuple[Spread, Spread]:
        """Nanoseconds for one packet, and how much of it is more than an `EMPTY` program's.

        Each of the ``runs`` lasts about ``seconds`` for each program that it times.
        """
        repeat = self._repeat(self._target(self._program), seconds)
        whole: list[float] = []
        more: list[float] = []
        for _ in range(runs):
            cost = self._time(self._target(self._program), repeat)
            self.last = self._answer
            nothing = self._time(self._empty, repeat)
            behind = nothing if self._prelude is None else self._time(
                self._target(self._empty), repeat
            )  # fmt: skip
            more.append(cost - behind)
            whole.append(nothing + cost - behind)
        return Spread.of(whole), Spread.of(more)

    def _target(self, program: Loaded) -> Loaded:
        """What is run so that the program is."""
        if self._prelude is None:
            return program
        self._prelude.maps[NEXT].put_fd(bytes(4), program.fd)
        return self._prelude

    def _repeat(self, target: Loaded, seconds: float) -> int:
        repeat = _FIRST_REPEAT
        while True:
            started = time.thread_time()
            self._run(target, repeat)
            spent = time.thread_time() - started
            if spent >= seconds / 4:
                return max(1, round(repeat * seconds / spent))
            repeat *= 4

    def _time(self, target: Loaded, repeat: int) -> float:
        """Nanoseconds of this thread's time for one repetition."""
        begin = time.thread_time_ns()
        self._run(target, 1)
        middle = time.thread_time_ns()
        self._run(target, repeat + 1)
        end = time.thread_time_ns()
        return max(0.0, (end - middle) - (middle - begin)) / repeat

    def _run(self, target: Loaded, repeat: int) -> int:
        result = target.run(replace(self._inputs, repeat=repeat), contents=False)
        if result.errno:
            why = describe_errno(result.errno)
            raise OracleError(f"{target.result.program.name}: no test run: {why}")
        self._answer = result.retval
        return result.retval


def _loaded(program: Program) -> Loaded:
    loaded = load_program(program, log_level=0)
    if not loaded.accepted:
        why = describe_errno(loaded.result.errno)
        loaded.close()
        raise OracleError(f"{program.name}: the kernel does not accept it: {why}")
    return loaded
