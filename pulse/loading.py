"""Python's search for garbage while a process starts: nearly all that is made then stays, so looking for it is wasted."""

import gc
import sys

USUALLY = gc.get_threshold()
SELDOM = (100_000, 50, 100)


def begin() -> None:
    """Look seldom from now on, in a process that `python -m` is just starting: each package calls this first.

    What imports a package for another purpose, as tests do, is left as it is.
    """
    if sys.argv[:1] == ["-m"]:  # which it is until the module is found, whose packages are imported before
        gc.set_threshold(*SELDOM)


def end() -> None:
    """All is loaded: it is not looked through any more, and what is made from now on is as usual."""
    gc.freeze()
    gc.set_threshold(*USUALLY)
