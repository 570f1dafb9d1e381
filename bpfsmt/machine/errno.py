"""Error numbers as helpers and map operations return them: negative (Linux, asm-generic)."""

from __future__ import annotations

import errno

EPERM, ENOENT, E2BIG, EAGAIN, ENOMEM, EACCES, EFAULT = -1, -2, -7, -11, -12, -13, -14
EBUSY, EEXIST, ENODEV, EINVAL, ENOSPC, ERANGE = -16, -17, -19, -22, -28, -34
EOVERFLOW, EOPNOTSUPP, EAFNOSUPPORT, EALREADY = -75, -95, -97, -114
ENOTSUPP = -524
"""The kernel's own, which has no name in user space."""


def errno_name(number: int) -> str:
    """The name of a (negative or positive) error number.

    >>> errno_name(EEXIST), errno_name(524)
    ('EEXIST', 'ENOTSUPP')
    """
    number = abs(number)
    return "ENOTSUPP" if number == -ENOTSUPP else errno.errorcode.get(number, str(number))
