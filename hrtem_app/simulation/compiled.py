"""abTEM with what it compiles kept on disk.

abTEM compiles some small functions when it is imported and others when they are first called, in every process anew.
Kept in numba's cache they cost a second less of each start, of a worker as of a preview.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numba

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _vectorize_cached() -> Iterator[None]:
    original = numba.vectorize
    numba.vectorize = partial(original, cache=True)
    try:
        yield
    finally:
        numba.vectorize = original


def load_abtem() -> Any:
    """Import abTEM, and have its functions cached where numba finds a place that it may write to."""
    if "abtem" not in sys.modules:
        # Numba refuses where there is no such place; then the import below does without.
        with suppress(RuntimeError), _vectorize_cached():
            import abtem
    import abtem
    from abtem.parametrizations.functions import kirkland, lobato

    for functions in (kirkland, lobato):
        for name in ("potential", "projected_scattering_factor"):
            with suppress(AttributeError, RuntimeError):
                getattr(functions, name).enable_caching()
    return abtem
