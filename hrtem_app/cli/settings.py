"""From JSON files to settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.recipe import Part
    from hrtem_app.training.settings import TrainingSettings

Settings = TypeVar("Settings", bound="Part")


def read_settings(file: Path, model: type[Settings]) -> Settings:
    """Settings of some kind from a JSON file.

    Raises
    ------
    ValueError
        For a file that cannot be read, or does not hold such settings; names the field and its value.
    """
    from pydantic import ValidationError

    from hrtem_app.recipe import explain

    try:
        return model.model_validate_json(file.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ValueError(f"the settings {file} are not valid: {explain(error)}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"the settings {file} cannot be read: {error}") from error


def ranges(microscope: Path | None) -> MicroscopeSettings:
    """Ranges of the microscope from a file; None: the thesis'."""
    from hrtem_app.microscope.draw import MicroscopeSettings

    return read_settings(microscope, MicroscopeSettings) if microscope else MicroscopeSettings()


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
