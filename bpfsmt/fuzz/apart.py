"""Running a task in a process that has nothing in it of any other (see `bpfsmt.fuzz.worker`).

`run_apart` is a plain function: it runs in a thread here as it does in a worker of Dask.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

from bpfsmt.fuzz.worker import Died, receive, send

_local = threading.local()
_started: set[Worker] = set()
_lock = threading.Lock()


class Task(Protocol):
    """Something that can be pickled, and run, in ``limit`` seconds of processor time."""

    @property
    def limit(self) -> int: ...  # noqa: D102

    def run(self) -> Any: ...  # noqa: D102


class Worker:
    """A process that runs one task after another."""

    def __init__(self) -> None:
        root = str(Path(__file__).parent.parent.parent)
        paths = [root, os.environ.get("PYTHONPATH", "")]
        env = os.environ | {
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join(p for p in paths if p),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bpfsmt.fuzz.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True,
        )  # fmt: skip
        with _lock:
            _started.add(self)

    def run(self, task: Task) -> Any:
        """What the task gives, or `Died`."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, pickle.dumps((task.limit, pickle.dumps(task))))  # type: ignore[arg-type]
            answer = receive(process.stdout)  # type: ignore[arg-type]
        except (BrokenPipeError, ValueError):
            answer = None
        if answer is None:
            self.stop()
            return Died("its process is gone")
        return pickle.loads(answer)

    @property
    def alive(self) -> bool:
        """Whether it can be given a task."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it, and what runs in it."""
        with _lock:
            _started.discard(self)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, 9)
        self._process.wait()


def run_apart(task: Task) -> Any:
    """What ``task.run()`` gives in a process of its own; `Died` if that process did."""
    worker: Worker | None = getattr(_local, "worker", None)
    if worker is None or not worker.alive:
        worker = _local.worker = Worker()
    return worker.run(task)


def stop_all() -> None:
    """End every worker of this process; their tasks end as `Died`."""
    with _lock:
        workers = list(_started)
    for worker in workers:
        worker.stop()
