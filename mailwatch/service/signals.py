"""Brings signals into the events at once, wherever the loop's thread happens to wait."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from mailwatch.host import threads
from mailwatch.service.queue_events import EventQueue, SignalReceived


@contextmanager
def delivered(numbers: Sequence[signal.Signals], events: EventQueue) -> Iterator[None]:
    """Put each signal of `numbers` into `events` as SignalReceived, until the context ends.

    A handler in Python runs only between two bytecodes of the main thread: a signal that comes
    just as that thread begins to wait for the events would be heard when the wait is over. The
    C handler writes to the file descriptor of signal.set_wakeup_fd at once, and a thread that
    reads it passes the number on. Use it in the main thread. Raises RuntimeError where the system
    allows no further thread.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    wanted = set(numbers)

    def pass_on() -> None:
        # A second Ctrl-C at the very end may close the socket before this thread has ended.
        with suppress(OSError):
            while arrived := ours.recv(64):
                for number in arrived:
                    if number in wanted:
                        events.put(SignalReceived(number))

    try:
        reader = threads.start(pass_on, "signals")
    except BaseException:
        ours.close()
        theirs.close()
        raise
    # A full socket means that there are signals enough on their way.
    before_fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _nothing) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        theirs.close()
        reader.join()
        ours.close()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Keep the default action from ending the process; the wake-up descriptor does the rest."""
