"""From JSON files to settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.training.settings import TrainingSettings


def ranges(microscope: Path | None) -> MicroscopeSettings:
    """Ranges of the microscope from a file; None: the thesis'."""
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.recipe import load_settings

    return load_settings(microscope, MicroscopeSettings) if microscope else MicroscopeSettings()


def told_training(
    settings: TrainingSettings,
    *,
    images_per_structure: int | None,
    microscope: Path | None,
    compiled: bool,
    precision: str | None,
) -> TrainingSettings:
    """The settings of a training with what the command line overrules.

    Raises
    ------
    ValueError
        For a value that is not allowed; names it.
    """
    from pydantic import ValidationError

    from hrtem_app.recipe import explain

    content = settings.model_dump()
    if images_per_structure is not None:
        content["examples"]["images_per_structure"] = images_per_structure
    if microscope is not None:
        for source in content["examples"]["sources"]:
            source["microscope"] = ranges(microscope).model_dump()
    content["compiled"] = compiled or settings.compiled
    content["precision"] = precision or settings.precision
    try:
        return type(settings).model_validate(content)
    except ValidationError as error:
        raise ValueError(explain(error)) from error
