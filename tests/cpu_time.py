"""How much processor time a call takes, whatever else the machine does meanwhile."""

import time
from collections.abc import Callable


def takes_under(seconds: float, call: Callable[[], object], tries: int = 3) -> bool:
    """Whether one of a few calls takes less than `seconds` of this process's time.

    On a shared machine the same work can take several times as long for a while (a neighbour on
    the same core, a collection of garbage in a process that has run for minutes).
    """
    for _ in range(tries):
        began = time.process_time()
        call()
        if time.process_time() - began < seconds:
            return True
    return False
