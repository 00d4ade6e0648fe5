"""How large a document may be here: what the memory of this machine, or of its container, allows."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

#: A document's text may be this part of the memory: what is made of it is some two and a half times as large.
_SHARE = 4
#: Where a system does not say how much it has.
_USUAL = 4 * 2**30
#: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def most_text() -> int:
    """The most bytes of text that a document may have."""
    return memory() // _SHARE


def memory() -> int:
    """The bytes of memory that this process may have."""
    found = []
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError, ValueError):  # `max`: no limit
        found.append(int(_CONTAINER.read_text(encoding="ascii")))
    with suppress(ImportError, OSError, ValueError):
        found.append(_own_limit())
    return min((size for size in found if size > 0), default=_USUAL)


def _own_limit() -> int:
    """The limit of this process's address space, which `ulimit -v` sets; nothing where there is none."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return 0 if soft == resource.RLIM_INFINITY else soft


def megabytes(size: int) -> str:
    """The size in words."""
    return f"{size // 2**20:,} MiB"
