"""Where errors end: the exit codes, and one line on stderr for whatever a user can cause."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

import click

from bpfsmt.errors import BpfsmtError

EXIT_PROVED, EXIT_REFUTED, EXIT_INPUT, EXIT_UNKNOWN = 0, 1, 2, 3
EXIT_BUG, EXIT_INTERRUPTED, EXIT_PIPE = 70, 130, 141

EXIT_CODES = (
    (EXIT_PROVED, "everything proved"),
    (EXIT_REFUTED, "a claim refuted, or a verdict other than the program's .expect"),
    (EXIT_INPUT, "bad usage or input"),
    (EXIT_UNKNOWN, "something unknown"),
    (EXIT_BUG, "a bug in bpfsmt (with a traceback)"),
    (EXIT_INTERRUPTED, "interrupted"),
)
"""What each exit code of ``crosscheck`` says."""

LONGEST = 500
"""An error that quotes a whole file is cut after so many characters."""

_PRECEDENCE = (EXIT_INTERRUPTED, EXIT_BUG, EXIT_REFUTED, EXIT_INPUT, EXIT_UNKNOWN, EXIT_PROVED)


def worst(codes: set[int]) -> int:
    """The exit code of a whole run from those of its parts; 0 if there are none.

    >>> worst({EXIT_PROVED, EXIT_INPUT, EXIT_REFUTED})
    1
    """
    return next((code for code in _PRECEDENCE if code in codes), EXIT_PROVED)


def clean(text: object) -> str:
    r"""Text that may come from a file, on one line and safe to print on a terminal.

    >>> clean("map \x1b[2J\n")
    'map \\x1b[2J\\n'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text)
    )


def complain(message: object) -> None:
    """One line on stderr."""
    click.echo(f"bpfsmt: {clean(message)}", err=True)


def describe(error: BaseException) -> str:
    """What went wrong, in one line: an `OSError` with its file in front, as others have it.

    >>> describe(FileNotFoundError(2, "No such file or directory", "x.o"))
    'x.o: No such file or directory'
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error) or type(error).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


class Boundary(click.Group):
    """A group of commands that ends every error: only a bug shows a traceback.

    A command returns its exit code.
    """

    def invoke(self, ctx: click.Context) -> NoReturn:
        """Run the command and exit; an error becomes its line and its exit code."""
        try:
            code = super().invoke(ctx) or EXIT_PROVED
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            complain("interrupted")
            code = EXIT_INTERRUPTED
        except BrokenPipeError:
            # The reader of our output went away: nothing is left to say, nor anyone to hear it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = EXIT_PIPE
        except (BpfsmtError, OSError) as error:
            complain(describe(error))
            code = EXIT_INPUT
        except Exception:
            traceback.print_exc()
            code = EXIT_BUG
        ctx.exit(code)
