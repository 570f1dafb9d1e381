"""In place of QEMU: speaks as the loader does, or misbehaves as MODE says.

Started with QEMU's command line, of which it needs the serial line and the image.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
import time
import zlib

MAGIC = 0x42504653
MODE = os.environ.get("FAKE_QEMU", "")


def frame(body: bytes, damage: bool = False) -> bytes:
    return struct.pack("<II", MAGIC, zlib.crc32(body) ^ damage) + body


def panic() -> None:
    print("[    1.5] random: crng init done")
    print("[    1.6] Kernel panic - not syncing: planted", flush=True)
    sys.exit(0)


def main() -> None:
    arguments = " ".join(sys.argv)
    found = re.search(r"id=line,fd=(\d+)", arguments)
    assert found is not None
    line = socket.socket(fileno=int(found[1]))
    if MODE == "panic at boot":
        panic()
    if MODE == "silent":
        time.sleep(60)
    if MODE == "broken":
        sys.exit("qemu-system-x86_64: -machine pc: planted")
    release = b"6.66" if MODE == "another kernel" else b"6.12.1-fake"
    line.sendall(frame(struct.pack("<II72s", 1, 4096, release), MODE == "damaged hello"))
    shares = 0
    while request := line.recv(48, socket.MSG_WAITALL):
        number, operation = struct.unpack_from("<II", request, 8)
        result = 0
        if operation == 0:
            shares += 1
            result = -17 if MODE == "address taken" and shares < 3 else 0
            result = -12 if MODE == "no memory" else result
        elif MODE == "panic":
            panic()
        elif MODE == "hangs":
            time.sleep(60)
        elif MODE == "slow":
            time.sleep(0.6)
        elif MODE == "old answer":
            number -= 1
        line.sendall(frame(struct.pack("<IIq", number, 0, result), MODE == "damaged" and operation))


if __name__ == "__main__":
    main()
