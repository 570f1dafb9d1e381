"""A bar on stderr that counts what is done, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def counting(title: str, total: int | None) -> Iterator[Callable[[Iterable[str]], None]]:
    """Gives a function that is told the words of one more step; how many is not always known."""
    counts: Counter[str] = Counter()
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    err = Console(stderr=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=total)

        def step(words: Iterable[str]) -> None:
            counts.update(words)
            said = ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))
            progress.update(task, advance=1, description=said)

        yield step
