"""How long something takes the processor, whatever else the tests' process has to do meanwhile."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def seconds(work: Callable[[], object], limit: float) -> float:
    """Of the processor; the better of two where the first is not below ``limit``.

    What is slow is slow twice. A collection of all that a thousand tests have left behind, which
    takes longer than most of what is measured, comes only once.
    """
    took = _once(work)
    if took < limit:
        return took
    gc.collect()
    return min(took, _once(work))


def _once(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
