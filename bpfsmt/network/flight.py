"""A frame as it is between two hooks, as bytes on a wire and as a socket buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

ETHERNET, TAG = 14, 4
VLAN_TYPES = (0x8100, 0x88A8)

KEPT = (
    "mark", "priority", "tc_index", "queue_mapping", "tstamp",
    "vlan_present", "vlan_tci", "vlan_proto",
)  # fmt: skip
"""Fields of ``__sk_buff`` that stay with a packet from one hook to the next."""


@dataclass(slots=True)
class Flight:
    """A frame in a node: which port and queue it came by, which CPU has it, how often it was
    redirected.  ``meta`` is the metadata in front of it, ``fields`` those of ``__sk_buff``.
    """

    data: bytes
    ifindex: int
    queue: int = 0
    cpu: int = 0
    meta: bytes = b""
    fields: dict[str, int] = field(default_factory=dict)
    redirects: int = 0

    def clone(self) -> Flight:
        """A copy that goes its own way."""
        return replace(self, fields=dict(self.fields))

    def keep(self, ctx: Mapping[str, int]) -> None:
        """Take over what a program left in the context."""
        self.fields = {name: ctx[name] for name in KEPT if ctx.get(name)}

    def take_tag(self) -> None:
        """The outer VLAN tag goes from the frame into the fields, as the stack has it.

        >>> flight = Flight(bytes(12) + bytes.fromhex("810020050800") + b"packet", 1)
        >>> flight.take_tag()
        >>> flight.data[12:], flight.fields["vlan_tci"]
        (b'\\x08\\x00packet', 8197)
        >>> flight.frame()[12:].hex()
        '8100200508007061636b6574'
        """
        proto = self.data[12:14]
        if self.fields.get("vlan_present") or int.from_bytes(proto, "big") not in VLAN_TYPES:
            return
        if len(self.data) < ETHERNET + TAG:
            return
        self.fields |= {
            "vlan_present": 1,
            "vlan_proto": int.from_bytes(proto, "little"),  # in network order
            "vlan_tci": int.from_bytes(self.data[14:16], "big"),
        }
        self.data = self.data[:12] + self.data[16:]

    def frame(self) -> bytes:
        """The whole frame, with the tag in it."""
        if not self.fields.get("vlan_present"):
            return self.data
        proto = self.fields["vlan_proto"].to_bytes(2, "little")
        tci = self.fields.get("vlan_tci", 0).to_bytes(2, "big")
        return self.data[:12] + proto + tci + self.data[12:]
