"""The errors a user can cause.  Each is one clear line; only a bug shows a traceback."""

from __future__ import annotations


class BpfsmtError(Exception):
    """Bad input: the message says in one line what is wrong and where."""


class DecodeError(BpfsmtError):
    """Bytes that are no instruction; names the instruction index and the field."""


class AsmError(BpfsmtError):
    """Assembly text that cannot be assembled; names the file and line."""


class LoadError(BpfsmtError):
    """A file that is no program, or holds something that bpfsmt does not know."""


class UnsupportedError(BpfsmtError):
    """Something that bpfsmt does not model; never a verdict, always *unknown*."""


class OracleError(BpfsmtError):
    """A kernel that cannot be asked here; says why, and what would help."""


class LogError(BpfsmtError):
    """A kernel's log that is cut off, or about another program; names the line."""


class CfgError(BpfsmtError):
    """Malformed control flow; ``pc`` is the slot of the instruction at fault."""

    def __init__(self, message: str, pc: int = 0) -> None:
        super().__init__(message)
        self.pc = pc
