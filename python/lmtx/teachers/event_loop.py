"""An event loop on a thread of its own."""

import asyncio
import concurrent.futures
import os
import threading
import weakref
from collections.abc import Coroutine
from typing import Any

__all__ = ["EventLoop"]


class EventLoop:
    """Runs coroutines on one loop for as long as this object lives, so that clients that belong to a loop can be kept from call to call.

    Works inside programs that have a loop of their own, such as notebooks, and starts anew in a forked child. Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def start(self, coroutine: Coroutine[Any, Any, None]) -> "concurrent.futures.Future[None]":
        """Starts a coroutine; the future has what comes of it, and cancels it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._get())

    def _get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                thread = threading.Thread(target=_run, args=(self._loop,), name="lmtx-teacher", daemon=True)
                thread.start()
                weakref.finalize(self, _stop, self._loop, thread, self._process)
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread, process: int) -> None:
    """Called at the end of the program, too: a thread that Python ends while it is in compiled code would end the program as a crash does."""
    if process != os.getpid() or not loop.is_running():
        return
    loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join(timeout=1)
