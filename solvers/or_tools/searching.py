"""OR-Tools' routing search in a thread of its own, so that Ctrl-C is heard."""

import threading
from collections.abc import Callable

TICK_S = 0.02


def run_search(search: Callable[[], object], cancel: Callable[[], object], errors: list[BaseException]) -> None:
    """Search until it ends; raise the first of `errors`, to which what goes wrong in the thread is added.

    On Ctrl-C `cancel` is called until the search has ended, and KeyboardInterrupt goes on.
    """
    done = threading.Event()

    def work() -> None:
        try:
            search()
        except BaseException as error:
            errors.append(error)
        done.set()

    thread = threading.Thread(target=work, name="or-tools-routing", daemon=True)
    try:
        thread.start()
        while not done.wait(TICK_S):
            pass
    except KeyboardInterrupt:
        while not done.wait(TICK_S):
            cancel()
        raise
    if errors:
        raise errors[0]
