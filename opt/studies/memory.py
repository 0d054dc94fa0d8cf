"""How much memory a process holds, and whether the system has run out of it."""

import os
from contextlib import suppress


def held_bytes(pid: int) -> float:
    """Return the resident memory of a process in bytes; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as file:  # as psutil does, without making an object for each look
            return float(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, IndexError, ValueError):
        return 0.0 if os.path.exists("/proc/self/statm") else _held_elsewhere(pid)


def _held_elsewhere(pid: int) -> float:
    import psutil

    try:
        return float(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0.0


def out_of_memory_kills() -> int:
    """Return how many processes the Linux kernel has killed since boot for want of memory; 0 elsewhere."""
    with suppress(OSError), open("/proc/vmstat") as file:
        for line in file:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
