"""A virtual machine that lends us its kernel's bpf(2): a `Target`."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import time
import weakref

from bpfsmt.errors import OracleError
from bpfsmt.kernel.attrs import Command
from bpfsmt.kernel.target import Buffer
from bpfsmt.kernel.vm import frames
from bpfsmt.kernel.vm.console import Console
from bpfsmt.kernel.vm.frames import Operation
from bpfsmt.kernel.vm.images import Image
from bpfsmt.kernel.vm.initramfs import initramfs
from bpfsmt.kernel.vm.memory import SharedMemory
from bpfsmt.kernel.vm.qemu import Qemu, command, find_qemu

BOOT_SECONDS = 120.0
"""How long a boot may take (about 3 s where nothing else runs)."""

CALL_SECONDS = 900.0
"""How long one call may take: a program of a million steps is verified under emulation."""

_IDLE_SECONDS = 120.0  # after some more, the loader takes us for dead and ends the machine
_ADDRESSES = 4  # so many places are tried for the shared memory


class MachineError(OracleError):
    """A machine ended, or does not answer."""


class VirtualMachine:
    """A booted kernel.  ``with`` ends it, as does the end of this process.

    Raises `MachineError`, in one line that names the kernel and what was under way, where
    QEMU ends, the kernel panics, or no answer comes in time.  The machine is then dead.
    """

    def __init__(
        self,
        image: Image,
        *,
        boot_seconds: float = BOOT_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.image = image
        self._what = f"Linux {image.release} in a VM"
        self._call_seconds = call_seconds
        self._number = 0
        self._answered = time.monotonic()
        self._console = Console()
        self._memory = SharedMemory()
        self._line, theirs = socket.socketpair()
        try:
            self._process = self._start(find_qemu(), theirs)
        except BaseException:
            self._release()
            raise
        finally:
            theirs.close()
        # Also when nobody calls `close`: at the end of this process, of this object.
        self._owner = os.getpid()
        self._end = weakref.finalize(self, _kill, self._process, self._owner)
        try:
            self._greet(boot_seconds)
        except BaseException:
            self.shut_down()
            raise

    def _start(self, qemu: Qemu, theirs: socket.socket) -> subprocess.Popen[bytes]:
        inherited = (theirs.fileno(), self._memory.fd)
        arguments = command(
            qemu, self.image, initramfs(),
            line=inherited[0], shared=inherited[1], shared_bytes=self._memory.size,
        )  # fmt: skip
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL, stdout=self._console.file, stderr=subprocess.STDOUT,
            env=dict(qemu.environment) or None, pass_fds=inherited,
            start_new_session=True,  # an interrupt from the terminal is for us to handle
        )  # fmt: skip

    def _greet(self, seconds: float) -> None:
        self._hello = frames.read_hello(self._receive(frames.HELLO_BYTES, seconds, "boot"))
        if self._hello.release != self.image.release:
            raise self._failure(f"says that it is {self._hello.release}")
        result = self._share()
        if result < 0:
            raise self._failure(f"cannot map the shared memory: {os.strerror(-result)}")
        self._console.news()  # what is said from here on is about programs

    def _share(self) -> int:
        """Have the shared memory mapped in the guest at its address here."""
        memory = self._memory
        for _ in range(_ADDRESSES):
            result = self._ask(Operation.SHARE, memory.address, memory.size, doing="boot")
            if result != -errno.EEXIST:  # something else is there in the guest
                break
            memory.map_elsewhere()
        return result

    # The end ---------------------------------------------------------------------------

    def __enter__(self) -> VirtualMachine:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut_down()

    @property
    def alive(self) -> bool:
        """It can be asked, from this process; not after a long time without a question."""
        if os.getpid() != self._owner or not self._end.alive:
            return False
        idle = time.monotonic() - self._answered
        return idle < _IDLE_SECONDS and self._process.poll() is None

    def shut_down(self) -> None:
        """Kill it; again is harmless.  The guest has nothing to save."""
        self._end()
        self._release()

    def _release(self) -> None:
        self._line.close()
        self._memory.close()
        self._console.close()

    def _failure(self, what: str) -> MachineError:
        """The error to raise; the machine is dead from here on."""
        said = self._console.last_words()
        self.shut_down()
        return MachineError(f"{self._what} {what}" + (f" ({said})" if said else ""))

    # What a target does ----------------------------------------------------------------

    @property
    def release(self) -> str:
        """Its ``uname -r``."""
        return self._hello.release

    @property
    def cpus(self) -> int:
        """The number of possible CPUs."""
        return self._hello.cpus

    @property
    def page_bytes(self) -> int:
        """The size of a page of memory."""
        return self._hello.page_bytes

    def call(self, number: int, attr: ctypes.Structure) -> int:
        """bpf(2) in the guest, as it says in `Target`."""
        size = ctypes.sizeof(attr)
        there = self._memory.buffer(size)
        ctypes.memmove(there, ctypes.byref(attr), size)
        address = ctypes.addressof(there)
        doing = f"BPF_{Command(number).name}"
        result = self._ask(Operation.BPF, number, address, size, doing=doing)
        ctypes.memmove(ctypes.byref(attr), there, size)
        return result

    def close(self, fd: int) -> None:
        """Let go of a descriptor of the guest.  A dead machine has none: nothing is done."""
        if self.alive:
            result = self._ask(Operation.CLOSE, fd, doing="close")
            if result < 0:
                raise OSError(-result, os.strerror(-result))

    def buffer(self, size: int) -> Buffer:
        """So many zeros in memory that the guest sees, until `clear`."""
        return self._memory.buffer(size)

    def peek(self, fd: int, offset: int, size: int) -> bytes:
        """What lies behind a descriptor of the guest that can be mapped."""
        there = self._memory.buffer(size)
        address = ctypes.addressof(there)
        result = self._ask(Operation.PEEK, fd, offset, size, address, doing="mmap")
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return there.raw

    def clear(self) -> None:
        """Take back all buffers."""
        self._memory.clear()

    def warnings(self) -> tuple[str, ...]:
        """What the kernel said on its console since the last time it was asked this."""
        return self._console.news()

    # The line --------------------------------------------------------------------------

    def _ask(self, operation: Operation, *args: int, doing: str) -> int:
        """One request and the answer to it."""
        self._number += 1
        try:
            self._line.settimeout(self._call_seconds)
            self._line.sendall(frames.request(self._number, operation, args))
            answer = self._receive(frames.ANSWER_BYTES, self._call_seconds, doing)
            self._answered = time.monotonic()
            return frames.read_answer(answer, self._number)
        except OSError as error:
            raise self._failure(f"ended during {doing}: {error.strerror}") from None
        except BaseException:
            self.shut_down()  # half a conversation cannot be taken up again
            raise

    def _receive(self, size: int, seconds: float, doing: str) -> bytes:
        deadline = time.monotonic() + seconds
        found = b""
        while len(found) < size:
            self._line.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                more = self._line.recv(size - len(found))
            except TimeoutError:
                raise self._failure(f"gave no answer within {seconds:g} s: {doing}") from None
            if not more:
                raise self._failure(f"ended during {doing}")
            found += more
        return found


def _kill(process: subprocess.Popen[bytes], owner: int) -> None:
    """End QEMU, unless we are a fork of the process that started it."""
    if os.getpid() == owner:
        process.kill()
        process.wait()
