"""The kernel style is, letter for letter, what the running kernel prints."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import struct

import pytest

from bpfsmt.isa import assemble, disassemble, encode

# Loaded as a socket filter: R1 is the packet, which packet loads want in R6.  Every
# instruction is reached.  What the kernel refuses for other reasons than its form, or
# prints with an address of its own, cannot stand here.
PROGRAM = """
    r6 = r1
    r0 = 2
    w1 = -1
    r2 = -5
    w1 = w2
    r0 += r1
    r1 -= 8
    w0 *= 3
    r0 /= 7
    w0 s/= w1
    r0 s%= 3
    r0 %= r1
    r0 |= r2
    r0 &= 255
    r0 ^= 1
    r0 <<= 3
    w0 >>= 2
    r0 s>>= 32
    r0 = -r0
    w1 = -w1
    r0 = le16 r0
    r0 = be32 r0
    r0 = bswap64 r0
    r1 = (s8)r2
    r1 = (s32)r2
    w1 = (s16)w2
    r3 = 0x1122334455667788 ll
    *(u64 *)(r10 -8) = r3
    *(u32 *)(r10 -12) = 7
    *(u8 *)(r10 -13) = -1
    *(u16 *)(r10 -16) = r2
    r4 = *(u64 *)(r10 -8)
    r4 = *(u32 *)(r10 -12)
    r4 = *(s8 *)(r10 -13)
    r4 = *(s16 *)(r10 -16)
    r4 = *(s32 *)(r10 -12)
    r4 = *(u32 *)(r6 +0)
    r2 = 1
    lock *(u64 *)(r10 -8) += r2
    lock *(u32 *)(r10 -12) &= w2
    lock *(u64 *)(r10 -8) ^= r2
    r2 = atomic64_fetch_add((u64 *)(r10 -8), r2)
    w2 = atomic_fetch_or((u32 *)(r10 -12), w2)
    r2 = atomic64_xchg((u64 *)(r10 -8), r2)
    w2 = atomic_xchg((u32 *)(r10 -12), w2)
    r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r2)
    w0 = atomic_cmpxchg((u32 *)(r10 -12), w0, w2)
    r0 = *(u8 *)skb[14]
    r7 = r0
    r0 = *(u16 *)skb[r7 + 2]
    r0 = *(u32 *)skb[r7 + -2]
    call bpf_get_prandom_u32
    r7 = r0
    if r7 s> -123 goto +0
    if w7 & 0x7 goto +0
    if r7 == r0 goto +0
    if w7 s<= w0 goto +0
    if r7 >= 5 goto out
    goto next
next:
    gotol far
far:
    r1 = 0
    call function
    r0 = 0
out:
    exit
.func function
    r0 = r1
    exit
"""

BPF_PROG_LOAD = 5
SOCKET_FILTER = 1
EVERY_STATE = 2
SYSCALL_NUMBERS = {"x86_64": 321, "aarch64": 280}


def verifier_log(code: bytes) -> str:
    """Load the program and drop it again; skips where this is not possible."""
    number = SYSCALL_NUMBERS.get(platform.machine())
    if platform.system() != "Linux" or number is None:
        pytest.skip("needs Linux on x86-64 or arm64")
    insns, log = ctypes.create_string_buffer(code), ctypes.create_string_buffer(1 << 20)
    gpl = ctypes.create_string_buffer(b"GPL")
    attr = struct.pack(
        "=IIQQIIQ",
        SOCKET_FILTER,
        len(code) // 8,
        ctypes.addressof(insns),
        ctypes.addressof(gpl),
        EVERY_STATE,
        len(log),
        ctypes.addressof(log),
    )
    buffer = ctypes.create_string_buffer(attr.ljust(128, b"\0"))
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(number, BPF_PROG_LOAD, buffer, len(buffer))
    if fd >= 0:
        os.close(fd)
    elif not log.value:
        pytest.skip(f"bpf(): {os.strerror(ctypes.get_errno())}")
    return log.value.decode()


def test_the_kernel_prints_the_same() -> None:
    slots = assemble(PROGRAM).slots
    log = verifier_log(encode(slots))
    printed = re.findall(r"^(\d+): (\([0-9a-f]{2}\) [^;\n]*)", log, re.MULTILINE)
    kernel = {int(pc): text.strip() for pc, text in printed}
    ours = {
        pc: disassemble(insn, style="kernel") for pc, insn in enumerate(slots) if insn is not None
    }
    refusal = log.splitlines()[-2:]
    if len(kernel) < len(ours) and re.search(r"unknown opcode|reserved fields", log):
        pytest.skip(f"this kernel does not know all instructions: {refusal}")
    assert kernel == ours, refusal
    assert assemble("\n".join(kernel[pc] for pc in sorted(kernel))).slots == slots
