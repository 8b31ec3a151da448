"""What the report says about how an analysis was made: every parameter, and the networks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from hrtem_app.export.markup import said, table
from hrtem_app.inference.result import NetworkResult
from hrtem_app.recipe import Part, Recipe


def recipe_parts(recipe: Recipe) -> list[str]:
    """All parameters with what their fields say of them; defaults only where they were changed."""
    parts = {name: value for name, value in recipe if isinstance(value, Part)}
    own = _parameters(recipe, Recipe(), leave_out=parts)
    each = [
        f"<h3>{escape(name)}: {escape(_first_line(part))}</h3>\n{_parameters(part, type(part)())}"
        for name, part in parts.items()
    ]
    return [own, *each]


def network_parts(networks: Mapping[str, NetworkResult]) -> list[str]:
    """The networks that ran, what they were trained on, and the hashes of their weights."""
    rows = []
    for name, result in networks.items():
        card = result.card
        rows.append(
            (
                f"{card.title} ({name})",
                f"{card.parameters:,}",
                card.frames,
                f"{result.sampling:.5g}",
                _range(card.dose_range),
                _range(card.defocus_range),
                _range(card.energy_range or (card.energy, card.energy)),
            )
        )
    header = (
        "network",
        "parameters",
        "frames",
        "pixels of its maps, Å",
        "trained on: dose, e/Å²",
        "defocus, Å",
        "energy, eV",
    )
    hashes = [(f"{r.card.title} ({name})", r.card.sha256 or "unknown") for name, r in networks.items()]
    return [table(header, rows), table(("network", "SHA-256 of its weights"), hashes)]


def _parameters(part: Part, default: Part, leave_out: Collection[str] = ()) -> str:
    rows = []
    for name, field in type(part).model_fields.items():
        if name in leave_out:
            continue
        value, usual = getattr(part, name), getattr(default, name)
        rows.append((name, value, "" if value == usual else said(usual), field.description or ""))
    return table(("parameter", "value", "default, where it is another", "meaning"), rows)


def _first_line(part: Part) -> str:
    return (type(part).__doc__ or "").strip().split("\n")[0]


def _range(values: tuple[float, float]) -> str:
    low, high = values
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
