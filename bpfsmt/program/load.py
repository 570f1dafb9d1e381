"""A file to its programs, whatever kind of file it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bpfsmt.errors import LoadError
from bpfsmt.program.asm_text import load_asm
from bpfsmt.program.elf import MAX_BYTES
from bpfsmt.program.elf_object import load_elf
from bpfsmt.program.object import Object
from bpfsmt.program.program import ProgramType
from bpfsmt.program.raw import load_raw

_ELF_MAGIC = b"\x7fELF"
_ASM_SUFFIXES = (".bpfasm",)
_RAW_SUFFIXES = (".bin", ".raw")


def load(path: str | Path, *, type: ProgramType = ProgramType.XDP, strict: bool = False) -> Object:
    """Load a file: an ELF object by its content, assembly text or raw bytes by its suffix.

    A program from text or bytes is named like its file.  ``type`` is for files that do not
    say theirs.  ``strict`` refuses an object of which only some programs load, see
    `load_elf`.  Raises `LoadError` or `AsmError`, one line that begins with the path.
    """
    path = Path(path)
    data = _read(path)
    if data.startswith(_ELF_MAGIC):
        return load_elf(data, str(path), strict=strict)
    if path.suffix in _ASM_SUFFIXES:
        program = load_asm(_text(data, path), str(path), type=type)
        return Object(str(path), (replace(program, name=path.stem),))
    if path.suffix in _RAW_SUFFIXES:
        program = load_raw(data, str(path), type)
        return Object(str(path), (replace(program, name=path.stem),))
    if not data:
        raise LoadError(f"{path}: empty")
    raise LoadError(
        f"{path}: neither an ELF object nor, by its name, assembly text ({_ASM_SUFFIXES[0]}) "
        f"or raw bytes ({', '.join(_RAW_SUFFIXES)})"
    )


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise LoadError(f"{path}: not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise LoadError(f"{path}: {reason}") from error
    if len(data) > MAX_BYTES:
        raise LoadError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
    return data


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise LoadError(f"{path}: not text: byte {error.start} is no UTF-8") from None
