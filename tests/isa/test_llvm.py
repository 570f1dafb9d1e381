"""What llvm-objdump prints of a compiled file assembles to the same bytes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bpfsmt.isa import assemble, decode, disassemble, encode

SOURCE = """
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned u32;
typedef unsigned long long u64;
u64 atomics(u64 *p, u32 *q, u64 x, u32 y) {
  u64 r = __sync_fetch_and_add(p, x);
  r += __sync_fetch_and_or(q, y);
  r ^= __sync_val_compare_and_swap(p, x, 5);
  r += __sync_val_compare_and_swap(q, y, 6);
  r += __sync_lock_test_and_set(q, y);
  r += __sync_lock_test_and_set(p, x);
  __sync_fetch_and_add(p, 3);
  return r * 7 / (x | 1) % 13;
}
int loops(u8 *p, int n, u16 c) {
  int s = 0;
  for (int i = 0; i < n; i++)
    s += p[i] > 0x40 ? (signed char)p[i] : __builtin_bswap16(*(u16 *)(p + i));
  *(u64 *)p = 0x1122334455667788ull;
  *(u32 *)(p + 8) = __builtin_bswap32(s);
  *(u16 *)(p + 12) = c ^ 0x8001;
  return s == -7 ? -s >> 3 : s % 10u;
}
"""
TOOLS = ("clang", "llvm-objdump", "llvm-objcopy")


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
def test_objdump_reads_back(tmp_path: Path) -> None:
    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    (tmp_path / "a.c").write_text(SOURCE)
    run("clang", "-target", "bpfel", "-mcpu=v3", "-O2", "-c", "a.c", "-o", "a.o")
    run("llvm-objcopy", "-O", "binary", "--only-section=.text", "a.o", "a.bin")
    code = (tmp_path / "a.bin").read_bytes()
    assert len(code) > 60 * 8

    for option in ((), ("--no-show-raw-insn",)):
        dump = run("llvm-objdump", "-d", "--mattr=+alu32", *option, "a.o")
        text = dump[dump.index("0000000000000000 <atomics>:") :]
        assert "<unknown>" not in text
        assert encode(assemble(text).slots) == code

    slots = decode(code)
    again = "\n".join(disassemble(insn, pc) for pc, insn in enumerate(slots) if insn is not None)
    assert assemble(again).slots == slots
