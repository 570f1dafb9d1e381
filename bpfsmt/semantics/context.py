"""The context that R1 points to at the start, per program type.

A layout is data: which bytes may be read or written, in which widths, and what a read
gives.  The verifier asks `access`; the machine and the encoder read the same fields.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.program.program import ProgramType


@dataclass(frozen=True, slots=True)
class CtxField:
    """One field: ``size`` bytes at ``offset``.

    ``kind`` is "scalar", or what pointer a full-width read gives: "pkt", "pkt_end",
    "pkt_meta".  ``narrow`` admits aligned reads of fewer bytes inside the field,
    ``writable`` full-width writes.
    """

    name: str
    offset: int
    size: int
    kind: str = "scalar"
    narrow: bool = False
    writable: bool = False


@dataclass(frozen=True, slots=True)
class ContextLayout:
    """All fields of one program type's context, and its whole ``size`` in bytes."""

    struct: str
    size: int
    fields: tuple[CtxField, ...]

    def access(self, offset: int, size: int, *, write: bool) -> CtxField | None:
        """The field that an access of ``size`` bytes at ``offset`` touches, if it may."""
        for f in self.fields:
            if f.offset <= offset and offset + size <= f.offset + f.size:
                full = offset == f.offset and size == f.size
                narrow = f.narrow and not write and offset % size == 0
                return f if (full or narrow) and (f.writable or not write) else None
        return None


_XDP = ContextLayout(
    "xdp_md",
    24,
    (
        CtxField("data", 0, 4, "pkt"),
        CtxField("data_end", 4, 4, "pkt_end"),
        CtxField("data_meta", 8, 4, "pkt_meta"),
        CtxField("ingress_ifindex", 12, 4),
        CtxField("rx_queue_index", 16, 4),
        CtxField("egress_ifindex", 20, 4),
    ),
)

LAYOUTS: dict[ProgramType, ContextLayout] = {ProgramType.XDP: _XDP}


def layout_of(type_: ProgramType) -> ContextLayout:
    """The context layout of a program type."""
    return LAYOUTS[type_]
