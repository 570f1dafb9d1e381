"""The process that tasks run in: ``python -m bpfsmt.fuzz.worker``.

It has everything imported and has done nothing yet.  Each task runs in a child of its own,
forked from that state: neither what ran before nor where it runs can change what comes of it
(Z3 and hypothesis remember much, and Python's order of sets is fixed by whoever starts this).
A child that dies is told of, and one that does not come to an end is ended (`HUNG`); when the
other end of the pipe is gone, so are both.
"""

from __future__ import annotations

import io
import os
import pickle
import resource
import select
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import bpfsmt.fuzz.tasks  # noqa: F401  (what tasks need is imported before the fork)
from bpfsmt.fuzz.note import keep_with, last_note

HEADER = 8
"""Bytes of the length in front of every message."""

NOTE, ANSWER = b"n", b"a"
"""How what a child says begins."""

HUNG = "hung"
"""Why a task died that was ended: it took more processor time than its limit, or hardly any of it
(`IDLE`) while its limit went by on the clock.  So what computes for ever is ended and what waits
for ever, but not what has little of a busy machine."""

IDLE = 0.01


@dataclass(frozen=True, slots=True)
class Died:
    """A task without an answer: by which signal it ended, or with an exception, or `HUNG`.

    ``noted`` is the last that it noted, pickled; empty if it noted nothing.
    """

    why: str
    text: str = ""
    noted: bytes = b""


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


def messages(data: bytes) -> Iterator[bytes]:
    """All that are whole."""
    stream = io.BytesIO(data)
    while (payload := receive(stream)) is not None:
        yield payload


def main() -> None:
    """Serve until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the answers
    while (message := receive(sys.stdin.buffer)) is not None:
        limit, task = pickle.loads(message)
        send(answers, _forked(task, limit))


def _forked(task: bytes, limit: int) -> bytes:
    """What the child says that runs the task."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(task, writing, limit)
    os.close(writing)
    data, in_time = _heard(child, reading, limit)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    noted = b""
    for message in messages(data):
        if message[:1] == ANSWER:
            return message[1:]
        noted = message[1:]
    return pickle.dumps(_death(os.waitstatus_to_exitcode(status), limit, noted, in_time))


def _child(task: bytes, writing: int, limit: int) -> NoReturn:
    """Run the task, within its limit, and say what comes of it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    with os.fdopen(writing, "wb") as stream:
        keep_with(lambda noted: send(stream, NOTE + noted))
        send(stream, ANSWER + _answer(task))
    os._exit(0)


def _death(code: int, limit: int, noted: bytes, in_time: bool) -> Died:
    if not in_time:
        return Died(HUNG, f"nothing done for {limit} s", noted)
    if code == -signal.SIGXCPU:
        return Died(HUNG, f"no end after {limit} s of processor time", noted)
    why = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return Died(why, f"its process ended: {why}", noted)


def _heard(child: int, reading: int, limit: int) -> tuple[bytes, bool]:
    """All that a child says until it ends, and whether it did so by itself."""
    data, used = b"", 0.0
    while True:
        ready, _, _ = select.select([reading, 0], [], [], limit)
        if reading in ready:
            part = os.read(reading, 1 << 16)
            if not part:
                return data, True
            data += part
        elif ready:  # nobody waits for the answer any more
            os.kill(child, signal.SIGKILL)
            os._exit(1)
        else:
            before, used = used, _processor_time(child)
            if used - before < IDLE * limit:
                os.kill(child, signal.SIGKILL)
                return data, False


def _processor_time(pid: int) -> float:
    """Seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _answer(task: bytes) -> bytes:
    try:
        unpickled: Any = pickle.loads(task)
        return pickle.dumps(unpickled.run())
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return pickle.dumps(Died(why, traceback.format_exc(), last_note()))


if __name__ == "__main__":
    # Found again under its own name, for what is pickled here.
    from bpfsmt.fuzz.worker import main as serve

    serve()
