"""Write `docs/parameters.md`, the tables of all simulation parameters, from the models that check them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.recipe import Part
from hrtem_app.simulation.multislice import REFERENCE, MultisliceSettings
from hrtem_app.simulation.structure_settings import StructureSettings

PAGE = Path(__file__).parents[1] / "docs" / "parameters.md"
INTRO = """# Parameters of the simulation

Written by `scripts/make_parameters.py` from the models that check them. Two numbers are the least and the greatest
value of a draw; equal ones fix it. Draws are uniform, that of the dose is log-uniform. All angles are in rad.
"""


def page() -> str:
    """The whole page."""
    parts = [
        ("Structure", "`structure` of the settings file.", StructureSettings()),
        ("Exit waves", "`multislice` of the settings file.", MultisliceSettings()),
        ("Microscope and camera", "A file of its own, `--microscope`; drawn for every series.", MicroscopeSettings()),
    ]
    sections = [f"## {title}\n\n{where}\n\n{_table(settings)}" for title, where, settings in parts]
    changed = {n: v for n, v in REFERENCE.model_dump().items() if v != MultisliceSettings().model_dump()[n]}
    accuracy = ", ".join(f"`{name}` {_said(value)}" for name, value in changed.items())
    return (
        "\n\n".join(
            [INTRO.strip(), *sections, f"The defaults of the exit waves are `fast`; `reference` has {accuracy}."]
        )
        + "\n"
    )


def _table(settings: Part) -> str:
    schema, defaults = settings.model_json_schema()["properties"], settings.model_dump()
    rows = ["| name | default | allowed | unit | |", "|---|---|---|---|---|"]
    for name, field in schema.items():
        allowed = f"{field['minimum']:g} to {field['maximum']:g}" if "minimum" in field else ""
        row = (f"`{name}`", _said(defaults[name]), allowed, field.get("unit", ""), field["description"])
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows)


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_said(v) for v in value)
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
