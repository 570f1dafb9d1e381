"""The numbers that a program's context has for a packet that comes to it."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from bpfsmt.program.program import ProgramType
from bpfsmt.semantics.context import LAYOUTS


def context_for(
    type_: ProgramType,
    frame: bytes,
    *,
    ingress: int,
    queue: int = 0,
    egress: int = 0,
    fields: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The context's fields by name, only those that programs of the type have.

    ``ingress`` is the interface that the frame came in by (0: it is the node's own),
    ``egress`` the one that it is about to leave by, ``fields`` what it has of its own.

    >>> context_for(ProgramType.XDP, bytes(60), ingress=3, queue=1)
    {'ingress_ifindex': 3, 'rx_queue_index': 1}
    """
    values = {
        "ingress_ifindex": ingress,
        "rx_queue_index": queue,
        "egress_ifindex": egress,
        "ifindex": egress or ingress,
        "protocol": int.from_bytes(frame[12:14], "little"),  # in network order
        "queue_mapping": queue + 1 if ingress else 0,
        **(fields or {}),
    }
    known = _numbers(type_)
    return {name: value for name, value in values.items() if value and name in known}


@functools.cache
def _numbers(type_: ProgramType) -> frozenset[str]:
    """The fields of a type's context that hold numbers."""
    layout = LAYOUTS.get(type_)
    return frozenset() if layout is None else frozenset(
        f.name for f in layout.fields if f.kind == "scalar"
    )  # fmt: skip
