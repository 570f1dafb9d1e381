"""The process that tasks run in: ``python -m bpfsmt.fuzz.worker``.

It has everything imported and has done nothing yet.  Each task runs in a child of its own,
forked from that state: neither what ran before nor where it runs can change what comes of it
(Z3 and hypothesis remember much, and Python's order of sets is fixed by whoever starts this).
A child that dies is told of; when the other end of the pipe is gone, so are both.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import traceback
from dataclasses import dataclass
from typing import Any, BinaryIO

import bpfsmt.fuzz.tasks  # noqa: F401  (what tasks need is imported before the fork)

HEADER = 8
"""Bytes of the length in front of every message."""


@dataclass(frozen=True, slots=True)
class Died:
    """A task that ended its process: by which signal, or with an exception."""

    why: str
    traceback: str = ""


def send(stream: BinaryIO, payload: bytes) -> None:
    """One message."""
    stream.write(len(payload).to_bytes(HEADER, "little") + payload)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """The next message; `None` where the other end is gone."""
    header = stream.read(HEADER)
    if len(header) < HEADER:
        return None
    size = int.from_bytes(header, "little")
    payload = stream.read(size)
    return payload if len(payload) == size else None


def main() -> None:
    """Serve until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the answers
    while (task := receive(sys.stdin.buffer)) is not None:
        send(answers, _forked(task))


def _forked(task: bytes) -> bytes:
    """What the child says that runs the task."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "wb") as answer:
            answer.write(_answer(task))
        os._exit(0)
    os.close(writing)
    parts = []
    while True:
        ready, _, _ = select.select([reading, 0], [], [])
        if reading not in ready:  # nobody waits for the answer any more
            os.kill(child, signal.SIGKILL)
            os._exit(1)
        part = os.read(reading, 1 << 16)
        if not part:
            break
        parts.append(part)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if status:
        number = os.waitstatus_to_exitcode(status)
        why = signal.Signals(-number).name if number < 0 else f"exit code {number}"
        return pickle.dumps(Died(why))
    return b"".join(parts)


def _answer(task: bytes) -> bytes:
    try:
        unpickled: Any = pickle.loads(task)
        return pickle.dumps(unpickled.run())
    except Exception as error:
        return pickle.dumps(Died(f"{type(error).__name__}: {error}", traceback.format_exc()))


if __name__ == "__main__":
    # Found again under its own name, for what is pickled here.
    from bpfsmt.fuzz.worker import main as serve

    serve()
