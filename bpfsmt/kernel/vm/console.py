"""What the guest's kernel, and QEMU, say in words: kept in a file, read when something ends."""

from __future__ import annotations

import os
import re
import tempfile

_TIME = re.compile(r"^\[ *\d+\.\d+\] ")
_TELLING = re.compile(
    r"Kernel panic|BUG:|Oops|general protection|Out of memory|^bpfsmt:|qemu-system-x86_64: "
)
_LONGEST = 200
_LAST_BYTES = 1 << 16


class Console:
    """The console of one machine: ``file`` takes what is said.

    >>> with Console() as console:
    ...     _ = console.file.write(b"[    0.1] hello\\n[    0.2] Kernel panic: why\\nx\\n")
    ...     console.last_words()
    'Kernel panic: why'
    """

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (it lives as long as we)
        self._told = 0

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was said."""
        self.file.close()

    def last_words(self) -> str:
        """The line that says why the machine ended; "" if none does."""
        telling = [line for line in self._lines(-_LAST_BYTES) if _TELLING.search(line)]
        return telling[-1][:_LONGEST] if telling else ""

    def news(self) -> tuple[str, ...]:
        """The lines since the last time.

        >>> with Console() as console:
        ...     _ = console.file.write(b"[    0.1] one\\n"), console.news()
        ...     _ = console.file.write(b"[    0.2] two\\n")
        ...     console.news(), console.news()
        (('two',), ())
        """
        return tuple(self._lines(self._told))

    def _lines(self, start: int) -> list[str]:
        """The lines from there on, or of so many last bytes, without the times in front."""
        if self.file.closed:
            return []
        # A descriptor of our own: that of the file shares its position with QEMU's.
        with open(f"/proc/self/fd/{self.file.fileno()}", "rb") as mine:
            size = mine.seek(0, os.SEEK_END)
            mine.seek(start if start >= 0 else max(size + start, 0))
            text = mine.read().decode("utf-8", "replace")
            self._told = mine.tell()
        lines = (_TIME.sub("", line.strip()) for line in text.splitlines())
        return [line for line in lines if line]
