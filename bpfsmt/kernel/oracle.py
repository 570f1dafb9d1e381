"""An oracle: a real kernel that says what it makes of a program.

There are several (the running kernel, others in a virtual machine), and all answer alike: a
`LoadResult` with the verdict and the raw log, a `RunResult` for each test run.  An oracle
answers what the kernel answers; it judges nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Protocol

from bpfsmt.errors import OracleError
from bpfsmt.program.program import Program


class LoadFlag(IntFlag):
    """Flags of BPF_PROG_LOAD that change how the verifier works (``uapi/linux/bpf.h``)."""

    NONE = 0
    STRICT_ALIGNMENT = 1 << 0
    ANY_ALIGNMENT = 1 << 1
    TEST_RND_HI32 = 1 << 2
    TEST_STATE_FREQ = 1 << 3
    SLEEPABLE = 1 << 4
    XDP_HAS_FRAGS = 1 << 5
    TEST_REG_INVARIANTS = 1 << 7


@dataclass(frozen=True, slots=True)
class LoadStats:
    """The counts that a kernel writes at the end of its log.

    ``insns_processed`` instructions were walked; the states are those stored for pruning;
    ``microseconds`` is what verification took, and ``stack_depth`` the bytes of stack per
    function, both `None` where the log does not say (they stand in logs of level 2 on).
    """

    insns_processed: int
    max_states_per_insn: int
    total_states: int
    peak_states: int
    microseconds: int | None = None
    stack_depth: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a kernel said when it was given a program.

    ``errno`` is 0 if the program was accepted, else a positive error number; ``log`` is the
    verifier's log just as it came, which may be empty (a refusal before verification);
    ``complete`` is False where the log did not fit the largest buffer; ``stats`` is `None`
    where the log does not end with counts.  ``warnings`` are lines that the kernel itself put
    on its console meanwhile (known of a kernel in a VM): where its verifier finds itself wrong.
    """

    program: Program
    release: str
    accepted: bool
    errno: int
    log: str
    complete: bool = True
    stats: LoadStats | None = None
    warnings: tuple[str, ...] = ()

    @property
    def insns_processed(self) -> int | None:
        """How many instructions the verifier walked, if it said."""
        return None if self.stats is None else self.stats.insns_processed


MAX_LOG_BYTES = 1 << 28
"""A log larger than this is cut; Linux itself takes buffers of up to 1 GiB (16 MiB until 5.1)."""


MapContent = Mapping[bytes, bytes]
"""A map's entries.  In a per-CPU map a value is that of every possible CPU, one behind the
other without padding.  A queue, a stack or a ring buffer has its elements at 0, 1, ... (four
bytes, little endian) in the order in which they come out.
"""


@dataclass(frozen=True, slots=True)
class RunInput:
    """What one test run starts from.

    ``ctx`` gives scalar fields of the context by their names in `bpfsmt.semantics.context`;
    ``data_meta`` is the metadata in front of an XDP packet.  ``maps`` are entries, by the
    map's name, that are written before the run (a per-CPU value may be given once, for all
    CPUs); ``programs`` are put into prog_arrays, by the map's name and index, and stay there.
    ``repeat`` is how often the program runs on the same packet, one after another.
    """

    packet: bytes = bytes(64)
    ctx: Mapping[str, int] = field(default_factory=dict)
    data_meta: bytes = b""
    maps: Mapping[str, MapContent] = field(default_factory=dict)
    programs: Mapping[str, Mapping[int, Program]] = field(default_factory=dict)
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one test run gave.

    ``retval`` is the low half of R0, unsigned; ``packet`` and ``data_meta`` are what came
    out; ``ctx`` the context's bytes afterwards (empty where the kernel gives none);
    ``nanoseconds`` the average over the repetitions.  ``maps`` has the contents afterwards
    of every map that can be read.  If ``errno`` is not 0, the kernel refused this run (a
    packet too short, a context it does not take, a type it cannot test-run), and there is
    nothing else.
    """

    errno: int = 0
    retval: int = 0
    packet: bytes = b""
    data_meta: bytes = b""
    ctx: bytes = b""
    nanoseconds: int = 0
    maps: Mapping[str, MapContent] = field(default_factory=dict)


class Oracle(Protocol):
    """A kernel that can be asked.  ``name`` is how it is chosen, ``release`` its ``uname -r``.

    Both methods raise `OracleError` where the kernel cannot be asked at all.
    """

    @property
    def name(self) -> str:
        """``"kernel"``, ``"vm:6.12"``."""
        ...

    @property
    def release(self) -> str:
        """The release, such as ``"6.12.48"``."""
        ...

    def load(self, program: Program, *, flags: int = 0, max_log: int = MAX_LOG_BYTES) -> LoadResult:
        """Have a program verified, with log level 2; it is gone again on return.

        Of a log longer than ``max_log`` bytes only the end is brought back (see
        `LoadResult.complete`), or the beginning from a kernel before Linux 6.4.
        """
        ...

    def run(self, program: Program, inputs: Sequence[RunInput]) -> Sequence[RunResult]:
        """Load a program once and test-run it on each input in turn, on the same maps.

        Raises `OracleError` if the kernel does not accept the program.
        """
        ...


def oracle(name: str) -> Oracle:
    """The oracle of that name: ``"kernel"``, or ``"vm:RELEASE"`` for a kernel in a VM.

    Raises `OracleError` if there is no such oracle or it cannot be asked on this machine.
    """
    kind, _, release = name.partition(":")
    if kind == "kernel" and not release:
        from bpfsmt.kernel.running import RunningKernel

        return RunningKernel()
    if kind == "vm" and release:
        try:
            machines = importlib.import_module("bpfsmt.kernel.vm")
        except ModuleNotFoundError as error:
            raise OracleError(f"{name}: kernels in a VM are not installed ({error})") from None
        in_vm: Oracle = machines.vm_oracle(release)
        return in_vm
    raise OracleError(f"no oracle {name!r} (there are: kernel, vm:6.12, vm:6.1)")
