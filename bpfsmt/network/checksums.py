"""Whether a frame's checksums are right, summed up by the packet library."""

from __future__ import annotations

from bpfsmt.network.fields import layers
from bpfsmt.network.library import packet_library


def wrong_checksums(frame: bytes) -> list[str]:
    """The layers whose checksum does not fit, such as ``["ip", "udp"]``.

    Fragments and packets that are cut off are not judged, nor is UDP without a checksum.

    >>> from bpfsmt.network.frames import frame, ip, udp
    >>> packet = frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53)))
    >>> wrong_checksums(packet), wrong_checksums(packet[:22] + bytes([63]) + packet[23:])
    ([], ['ip'])
    """
    in_cksum = packet_library().in_cksum
    wrong: list[str] = []
    pseudo: bytes | None = None
    end = len(frame)
    for layer in layers(frame):
        header = frame[layer.start : layer.end]
        if layer.name == "ip":
            end = layer.start + int.from_bytes(header[2:4], "big")
            whole = end <= len(frame) and not int.from_bytes(header[6:8], "big") & 0x3FFF
            pseudo = header[12:20] + bytes([0, header[9]]) if whole else None
            if in_cksum(header):
                wrong.append("ip")
        elif layer.name == "ip6":
            end = layer.start + 40 + int.from_bytes(header[4:6], "big")
            plain = len(header) == 40 and end <= len(frame)
            pseudo = header[8:40] + bytes([0, header[6]]) if plain else None
        elif layer.name in ("tcp", "udp", "icmp", "icmp6") and pseudo is not None:
            content = frame[layer.start : end]
            if layer.name == "udp" and layer.fields["sum"] == "0x0000" and len(pseudo) == 10:
                continue
            front = b"" if layer.name == "icmp" else pseudo + len(content).to_bytes(2, "big")
            if in_cksum(front + content):
                wrong.append(layer.name)
    return wrong
