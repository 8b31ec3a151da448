"""From JSON files to settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.recipe import Part

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
