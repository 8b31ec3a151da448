"""What other packages add by entry points; whatever is wrong with one of them stops nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

Added = TypeVar("Added")

MATERIALS, NETWORKS, READERS = "hrtem_app.materials", "hrtem_app.networks", "hrtem_app.readers"


def added_by_plug_ins(
    group: str, what: str, check: Callable[[str, object], tuple[str, Added] | None], taken: Collection[str] = ()
) -> dict[str, Added]:
    """Load everything that other packages add to a group.

    Parameters
    ----------
    group
        Of the entry points.
    what
        What these are, for warnings: material, network, reader.
    check
        From an entry point's name and its value to the name it shall have here and the value to use; None where it is
        not what it should be.
    taken
        Names that are there already.

    Returns
    -------
    By name. What cannot be loaded, is something else, or takes a name that is there already, is left out with a
    warning that names it.
    """
    found: dict[str, Added] = {}
    for point in entry_points(group=group):
        checked = _loaded(point, what, check)
        if checked is None:
            continue
        name, value = checked
        if name in taken or name in found:
            _leave_out(f"{point.value} is called '{name}', as another {what} is")
            continue
        found[name] = value
    return found


def _loaded(
    point: EntryPoint, what: str, check: Callable[[str, object], tuple[str, Added] | None]
) -> tuple[str, Added] | None:
    try:
        checked = check(point.name, point.load())
    except Exception as error:  # noqa: BLE001 - whatever a plug-in does wrong must not stop the rest
        _leave_out(f"the {what} {point.value} cannot be loaded ({error})")
        return None
    if checked is None:
        _leave_out(f"{point.value} is no {what}")
    return checked


def _leave_out(why: str) -> None:
    warnings.warn(f"{why} and is left out", stacklevel=4)
