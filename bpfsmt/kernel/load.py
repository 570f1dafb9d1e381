"""A `Program` into the kernel: maps made, references filled in, verdict and log brought back."""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from bpfsmt.errors import OracleError
from bpfsmt.isa.codec import encode
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import LdImm64Src
from bpfsmt.kernel.attrs import Command, ProgLoad
from bpfsmt.kernel.btf import loaded_btf
from bpfsmt.kernel.functions import function_types, needs_types
from bpfsmt.kernel.maps import KernelMap
from bpfsmt.kernel.mapset import MapSet
from bpfsmt.kernel.oracle import MAX_LOG_BYTES, LoadResult, RunInput, RunResult
from bpfsmt.kernel.stats import read_stats
from bpfsmt.kernel.syscall import (
    BpfError,
    address,
    bpf,
    buffer_of,
    close,
    describe_errno,
    kernel_name,
    new_buffer,
    require,
)
from bpfsmt.kernel.target import target
from bpfsmt.kernel.testrun import run_once
from bpfsmt.kernel.types import PROGRAM_TYPES, attach_type, load_flags
from bpfsmt.program.program import Program

LOG_FULL = 2
"""Log level with the state before every instruction."""

LOG_STATS = 4
"""Log level bit: how long verification took and how deep the stack is, at the end."""

FIRST_LOG_BYTES = 1 << 20

_NO_VERDICT = frozenset(
    {errno.ENOMEM, errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOSYS}
)
"""Errors of a load that say nothing about the program."""

_MAP_REFERENCES = (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE)
_BY_INDEX = {LdImm64Src.MAP_BY_IDX, LdImm64Src.MAP_VALUE_BY_IDX}
_FUNC_INFO = struct.Struct("<II")


@dataclass(slots=True)
class Loaded:
    """A program that the kernel was given; if it was accepted, it can be run.

    Use it in a ``with`` block: `close` frees the program and its maps.
    """

    result: LoadResult
    maps: MapSet
    fd: int = -1
    _called: list[Loaded] = field(default_factory=list)

    def __enter__(self) -> Loaded:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free program and maps; again is harmless."""
        if self.fd >= 0:
            with suppress(OSError):
                close(self.fd)
            self.fd = -1
        for each in self._called:
            each.close()
        self._called.clear()
        self.maps.close()

    @property
    def accepted(self) -> bool:
        """The kernel's verdict."""
        return self.result.accepted

    @property
    def log(self) -> str:
        """The verifier's log."""
        return self.result.log

    def run(self, inputs: RunInput | None = None, *, contents: bool = True) -> RunResult:
        """Test-run the program once (or ``inputs.repeat`` times), nothing attached.

        With ``contents`` the result has all maps afterwards.  Raises `OracleError` if this
        program or one for its prog_arrays was not accepted, or a map entry does not fit its
        map; what the kernel refuses about the run itself is in `RunResult.errno`.
        """
        if self.fd < 0:
            raise OracleError(f"{self.result.program.name}: the kernel did not accept it")
        inputs = RunInput() if inputs is None else inputs
        for name, entries in inputs.maps.items():
            for key, value in entries.items():
                self.maps[name].update(key, value)
        for name, programs in inputs.programs.items():
            for index, program in programs.items():
                self._put(name, index, program)
        found = run_once(self.fd, self.result.program.type, inputs)
        return replace(found, maps=self.maps.contents()) if contents else found

    def _put(self, array: str, index: int, program: Program) -> None:
        """Load a program that uses the maps of this one, and put it into a prog_array."""
        maps = {each.definition.name: each for each in self.maps}
        called = load_program(program, log_level=0, maps=maps)
        self._called.append(called)
        if not called.accepted:
            why = describe_errno(called.result.errno)
            raise OracleError(f"{program.name}: the kernel does not accept it: {why}")
        self.maps[array].put_fd(index.to_bytes(4, "little"), called.fd)


def load_program(
    program: Program,
    *,
    log_level: int = LOG_FULL | LOG_STATS,
    flags: int = 0,
    maps: Mapping[str, KernelMap] | None = None,
    max_log: int = MAX_LOG_BYTES,
) -> Loaded:
    """Have the running kernel verify a program, with new maps or, by name, those given.

    ``log_level`` is the kernel's, bit by bit: 0 for no log, 1 for the failing path, 2 for
    everything, 4 for the time taken; ``flags`` are `LoadFlag`, besides the program's own.  A
    rejection is a result, not an error.  Raises `OracleError` if bpf() is not available, a
    map cannot be made, or the kernel came to no verdict (no memory, no permission).

    >>> from bpfsmt.kernel.syscall import available
    >>> from bpfsmt.program import load_asm
    >>> if available() is None:
    ...     with load_program(load_asm("r0 = 2\\nexit", "pass")) as loaded:
    ...         assert loaded.accepted and loaded.run().retval == 2
    """
    require()
    made = MapSet(program.maps, maps)
    try:
        with _attributes(program, [each.fd for each in made], flags) as attr:
            fd, log, complete = _load(attr, log_level, max_log)
        if -fd in _NO_VERDICT or (fd == -errno.EPERM and not log):
            raise BpfError(f"{program.name}: the kernel came to no verdict", -fd)
        text = log.decode("utf-8", "backslashreplace")
        result = LoadResult(
            program, target().release, fd >= 0, max(-fd, 0), text, complete, read_stats(text)
        )
        return Loaded(result, made, max(fd, -1))
    except BaseException:
        made.close()
        raise


def relocated(
    slots: Sequence[Instruction | None], fds: Sequence[int]
) -> tuple[Instruction | None, ...]:
    """The slots with map descriptors in place of indexes into ``Program.maps``."""
    return tuple(
        replace(insn, imm=fds[insn.imm])
        if insn is not None and insn.is_ld_imm64 and insn.src in _MAP_REFERENCES
        else insn
        for insn in slots
    )


@contextmanager
def _attributes(program: Program, fds: Sequence[int], flags: int) -> Iterator[ProgLoad]:
    """The arguments of the load, and what they point to, while they are needed."""
    code = encode(relocated(program.slots, fds))
    insns, license = buffer_of(code), buffer_of(program.license.encode() + b"\0")
    by_index = buffer_of(struct.pack(f"<{len(fds)}i", *fds))
    attr = ProgLoad(
        prog_type=PROGRAM_TYPES[program.type], insn_cnt=len(code) // 8, insns=address(insns),
        license=address(license), prog_flags=int(flags) | load_flags(program),
        prog_name=kernel_name(program.name), expected_attach_type=attach_type(program),
    )  # fmt: skip
    if any(i.is_ld_imm64 and i.src in _BY_INDEX for _, i in program.instructions()):
        attr.fd_array = address(by_index)
    if not needs_types(program):
        yield attr
        return
    blob, ids = function_types(program)
    records = buffer_of(b"".join(_FUNC_INFO.pack(*pair) for pair in ids))
    with loaded_btf(blob) as fd:
        attr.prog_btf_fd, attr.func_info = fd, address(records)
        attr.func_info_cnt, attr.func_info_rec_size = len(ids), _FUNC_INFO.size
        yield attr


def _load(attr: ProgLoad, level: int, max_log: int) -> tuple[int, bytes, bool]:
    """The descriptor or minus the error number, the log, and whether that is all of it.

    A log that does not fit makes the load fail with ENOSPC whatever the verdict, so the
    buffer grows until it fits or, where ``max_log`` is too small, the verdict alone is asked
    for.
    """
    size = min(FIRST_LOG_BYTES, max_log)
    attr.log_level = level
    while level:
        buffer = new_buffer(size)
        attr.log_buf, attr.log_size = address(buffer), size
        result = bpf(Command.PROG_LOAD, attr)
        log = ctypes.string_at(buffer)
        if result != -errno.ENOSPC:
            return result, log, True
        if size == max_log or attr.log_true_size > max_log:
            return _verdict_alone(attr, log)
        size = min(max(attr.log_true_size + 1, 4 * size), max_log)
    attr.log_buf, attr.log_size = 0, 0
    return bpf(Command.PROG_LOAD, attr), b"", True


def _verdict_alone(attr: ProgLoad, log: bytes) -> tuple[int, bytes, bool]:
    attr.log_level, attr.log_size, attr.log_buf = 0, 0, 0
    return bpf(Command.PROG_LOAD, attr), log, False
