"""The socket that a packet belongs to, as programs see it: ``struct bpf_sock``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine.memory import Fault, Memory
from bpfsmt.semantics.context import SOCKETS

_LAYOUT = SOCKETS["sock"]
_FIELDS = {f.name: f for f in _LAYOUT.fields}
_U64 = 0xFFFFFFFFFFFFFFFF

NO_QUEUE = 0xFFFFFFFF
"""In ``rx_queue_mapping``: packets of the socket came from no queue yet."""

LISTEN = 10
_NOT_FULL = (6, 12)  # TCP_TIME_WAIT, TCP_NEW_SYN_RECV


class Socket:
    """One socket of a run: ``fields`` by name, 0 where they say nothing.

    Like the context's, its region admits no access by itself.  Raises `BpfsmtError` for a
    field that sockets do not have.
    """

    def __init__(self, memory: Memory, fields: Mapping[str, int]) -> None:
        self.data = bytearray(_LAYOUT.size)
        for name, value in fields.items():
            f = _FIELDS.get(name)
            if f is None:
                raise BpfsmtError(f"a socket has no field {name}")
            number = value & ((1 << 8 * f.size) - 1)
            self.data[f.offset : f.offset + f.size] = number.to_bytes(f.size, "little")
        self.region = memory.add("socket", self.data, "socket", writable=False)
        self.region.high = 0
        memory.show(self.region, self)

    def get(self, name: str) -> int:
        """A field's number."""
        f = _FIELDS[name]
        return int.from_bytes(self.data[f.offset : f.offset + f.size], "little")

    @property
    def full(self) -> bool:
        """Whether it is a whole socket, in no state for which the kernel keeps a part only."""
        return self.get("state") not in _NOT_FULL

    def load(self, address: int, at: int, size: int) -> int:
        """What a program's load gives; raises `Fault`.

        Where ``rx_queue_mapping`` says "none", a load of 16 or 32 bits gives -1 in all 64, and
        not what the load's width allows (measured on Linux 6.18).
        """
        f = _LAYOUT.access(at, size, write=False)
        if f is None:
            why = f"{_LAYOUT.struct} has no such field"
            raise Fault("read", address, size, f"socket{at:+d}", why)
        value = int.from_bytes(self.data[at : at + size], "little")
        none = f.name == "rx_queue_mapping" and self.get(f.name) == NO_QUEUE
        return _U64 if none and size >= f.kept else value

    def store(self, address: int, at: int, data: bytes) -> NoReturn:
        """Raises `Fault`: programs that see packets only read sockets."""
        raise Fault("write", address, len(data), f"socket{at:+d}", "it is read-only")
