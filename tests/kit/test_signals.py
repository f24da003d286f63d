"""A signal that another thread received is handled at once, although the main thread sleeps."""

import subprocess
import sys

PROGRAM = """
import signal, threading, time
from kit.signals import wake_for_signals

handled = threading.Event()
signal.signal(signal.SIGTERM, lambda number, frame: handled.set())
wake_for_signals()

def receive():
    # Directed at this thread, so that the main one is not interrupted by it.
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Timer(0.3, receive).start()
began = time.monotonic()
handled.wait(30)
print("soon" if time.monotonic() - began < 10 else "late")
"""


def test_a_signal_received_by_another_thread_wakes_the_main_thread() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "soon\n"
