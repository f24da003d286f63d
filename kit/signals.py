"""Makes sure that a signal's handler runs soon, also while the main thread waits for a lock.

Python notes a signal at once but runs its handler in the main thread only, when that one next runs or is interrupted.
In a granian worker one SIGTERM in five was noted and then waited for ever (measured on two busy cores, Python 3.11,
granian 2.8): the process served on until it was killed. So whatever is noted here is followed by nudges."""

import os
import signal
import threading
import time
from collections.abc import Callable

_NUDGE = signal.SIGUSR2
_NUDGES_PAUSES_S = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)


def wake_for_signals(on_signal: Callable[[signal.Signals], None] = lambda number: None) -> None:
    """Call in the main thread, once in each process that handles signals; a fork needs its own. `on_signal` is called
    besides the handler, in another thread and before the nudges."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(_NUDGE, lambda _number, _frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    main = threading.get_ident()
    threading.Thread(target=_forward, args=(reader, main, on_signal), name="signals", daemon=True).start()


def _forward(reader: int, main: int, on_signal: Callable[[signal.Signals], None]) -> None:
    # The interpreter writes each signal's number into the pipe, in whichever thread it came.
    while number := os.read(reader, 1):
        if number[0] == _NUDGE:
            continue
        on_signal(signal.Signals(number[0]))
        for pause_s in _NUDGES_PAUSES_S:
            time.sleep(pause_s)
            signal.pthread_kill(main, _NUDGE)
