"""Ctrl-C and SIGTERM: the first ends a job in order, the second ends it at once."""

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count
EXIT_TERMINATED = 143  # 128 + SIGTERM

_AT_ONCE = b"\nended at once; the same command goes on with what was finished\n"
_SHOW_CURSOR = b"\x1b[?25h"


def handle_interrupts() -> None:
    """Let both signals end this process.

    The first raises an exception, so that temporary files are removed on the way out and what is
    finished is kept. A second one does not wait for that: it leaves what a kill would leave.
    """
    told: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> NoReturn:
        if told:
            _end_at_once(number)
        told.append(number)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(EXIT_TERMINATED)

    for number in (signal.SIGINT, signal.SIGTERM):
        # Shells let programs in the background ignore Ctrl-C, and so does nohup.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)


def _end_at_once(number: int) -> NoReturn:
    # Nothing but system calls: the interpreter may be in the midst of anything.
    with suppress(OSError):
        os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + _AT_ONCE)
    os._exit(128 + number)
