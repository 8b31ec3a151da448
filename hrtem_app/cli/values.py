"""From what stands on the command line to a recipe."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hrtem_app.recipe import Recipe


def real(text: str) -> float:
    """A number that an option takes; typer's own message would not name the value."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a number, give one like 0.22") from None


def whole(text: str) -> int:
    """A whole number that an option takes."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a whole number, give one like 3") from None


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Finite numbers from a comma list; raises ValueError naming the option, the value and what it should be."""
    values = []
    for item in _items(option, text):
        try:
            value = float(item)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(
                f"{option} {text}: '{item}' is not a number, give numbers with commas between, {option}=-50,0,50 say"
            )
        values.append(value)
    return tuple(values)


def indices(option: str, text: str) -> tuple[int, ...]:
    """0-based frame numbers from a comma list; raises ValueError like `numbers`."""
    items = _items(option, text)
    for item in items:
        if not (item.isascii() and item.isdigit()):
            raise ValueError(
                f"{option} {text}: '{item}' is not a frame, give whole numbers counted from 0, {option}=0,1,2 say"
            )
    return tuple(int(item) for item in items)


def names(option: str, text: str) -> tuple[str, ...]:
    """Names from a comma list; raises ValueError like `numbers`."""
    return tuple(_items(option, text))


def recipe_from_options(
    told: str | Path | None = None,
    *,
    sampling: float | None = None,
    defocus: str | None = None,
    energy: float | None = None,
    frames: str | None = None,
    networks: str | None = None,
    align: bool = False,
    no_filter: bool = False,
    device: str | None = None,
    precision: str | None = None,
    views: int | None = None,
) -> Recipe:
    """The recipe that was told (or the defaults), changed by every option that was given.

    Parameters
    ----------
    told
        A file, the name of a shipped recipe, or JSON, which begins with `{`.
    sampling, defocus, energy, frames, networks, align, no_filter, device, precision, views
        As the options of `hrtem-app analyse`.

    Raises
    ------
    ValueError
        For a file or a text that holds no recipe, or an option whose value is impossible.
    """
    from hrtem_app.recipe import Recipe

    base = Recipe() if told is None else _recipe(str(told))
    given = {
        "sampling": sampling,
        "defocus": None if defocus is None else numbers("--defocus", defocus),
        "energy": energy,
        "frames": None if frames is None else indices("--frames", frames),
        "networks": None if networks is None else names("--networks", networks),
        "alignment": base.alignment.model_copy(update={"enabled": True}) if align else None,
        "filter": base.filter.model_copy(update={"enabled": False}) if no_filter else None,
        "device": device,
        "precision": precision,
        "views": views,
    }
    return Recipe.model_validate(
        base.model_dump() | {name: value for name, value in given.items() if value is not None}
    )


def _recipe(told: str) -> Recipe:
    """The recipe that a text is, or of the file or the shipped recipe that it names."""
    from pydantic import ValidationError

    from hrtem_app.recipe import Recipe, explain

    if not told.lstrip().startswith("{"):
        return Recipe.load(_recipe_path(Path(told)))
    try:
        return Recipe.model_validate_json(told)
    except ValidationError as error:
        raise ValueError(f"the recipe in --recipe is not valid: {explain(error)}") from error


def _recipe_path(file: Path) -> Path:
    """The file itself, or the shipped recipe of that name."""
    from hrtem_app.resources import presets

    shipped = presets()
    if file.exists() or str(file) not in shipped:
        if not file.suffix and not file.exists():
            raise ValueError(f"there is no recipe '{file}': give a file, or one of {', '.join(shipped)}")
        return file
    return Path(shipped[str(file)])


def _items(option: str, text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise ValueError(f"{option} '{text}' has an empty place: give values with commas between and nothing else")
    return items
