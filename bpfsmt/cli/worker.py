"""What runs in a worker process: one program's cross-check, whatever happens in it."""

from __future__ import annotations

import functools
import signal
import traceback
from dataclasses import dataclass

import z3

from bpfsmt.cli.boundary import describe
from bpfsmt.cli.results import Result, result_of
from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.run import check_log, crosscheck
from bpfsmt.errors import BpfsmtError, UnsupportedError
from bpfsmt.program import Program
from bpfsmt.rules import RuleSet, load_rules


@dataclass(frozen=True, slots=True)
class KernelSaid:
    """A kernel's log about a program, with its verdict where that is known apart from it."""

    producer: str
    log: str
    accepted: bool | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """One program to check, with everything that the worker needs to know.

    The claims are those of our own verifier with ``rules``, or what a kernel ``said``.
    """

    file: str
    program: Program
    rules: str
    timeout: float
    precision_seconds: float
    said: KernelSaid | None = None


def prepare() -> None:
    """Leave Ctrl-C to the parent: both Python and Z3 would take it in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    z3.set_param("ctrl_c", False)


@functools.lru_cache(maxsize=1)
def _rules(spec: str) -> RuleSet:
    return load_rules(spec)


def _check(job: Job) -> Report:
    limits = {"timeout": job.timeout, "precision_seconds": job.precision_seconds}
    if job.said is None:
        return crosscheck(job.program, _rules(job.rules), **limits)
    said = job.said
    return check_log(
        job.program, said.log, producer=said.producer, accepted=said.accepted,
        complete=said.complete, **limits,
    )  # fmt: skip


def work(job: Job) -> Result:
    """Check one program; an exception becomes part of the result, as none may end the others."""
    failed = functools.partial(Result, job.file, job.program.name)
    try:
        # What an author expects is said of our own verifier.
        return result_of(job.file, _check(job), expected=job.said is None)
    except UnsupportedError as error:
        return failed(unknown=describe(error))
    except (BpfsmtError, OSError) as error:
        return failed(error=describe(error))
    except MemoryError:
        return failed(unknown="out of memory")
    except z3.Z3Exception as error:
        if "memory" in str(error):
            return failed(unknown=f"out of memory: {error}")
        return failed(bug=traceback.format_exc())
    except Exception:
        return failed(bug=traceback.format_exc())
