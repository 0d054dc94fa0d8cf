"""OR-Tools' routing search in a thread of its own, so that Ctrl-C is heard."""

from collections.abc import Callable

from counterpoint.opt.interrupts import run_aside

TICK_S = 0.02


def run_search(search: Callable[[], object], cancel: Callable[[], object], errors: list[BaseException]) -> None:
    """Search until it ends; raise the first of `errors`, to which what goes wrong in the thread is added.

    On Ctrl-C `cancel` is called until the search has ended, and KeyboardInterrupt goes on.
    """

    def act() -> None:
        try:
            search()
        except BaseException as error:
            errors.append(error)

    run_aside(act, cancel, name="or-tools-routing", tick_s=TICK_S)
    if errors:
        raise errors[0]
