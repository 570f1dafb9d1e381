"""Who takes packets off a node's stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Socket:
    """A socket that gets each packet that ``takes`` says yes to.

    Packets are seen from the network header on, as by a packet socket of type SOCK_DGRAM.
    The programs of ``cgroup`` are asked first, then the socket's filter, which says how
    many bytes are kept.
    """

    name: str
    cgroup: str = "/"
    takes: Callable[[bytes], bool] = lambda packet: True
    received: list[bytes] = field(default_factory=list)
