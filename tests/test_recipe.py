"""Recipes: bounds, files, presets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from hrtem_app.recipe import LatticeFilter, MeasureSettings, Recipe
from hrtem_app.resources import presets


def test_a_recipe_survives_its_file(tmp_path: Path) -> None:
    recipe = Recipe(
        sampling=0.2, defocus=(-50, 0, 50), frames=(2, 0, 1), filter=LatticeFilter(radius=0.02, angles=(0.3,))
    )
    recipe.save(tmp_path / "r.json")
    assert Recipe.load(tmp_path / "r.json") == recipe


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"sampling": -1}', "sampling = -1"),
        ('{"filter": {"radius": 3}}', "filter.radius = 3"),
        ('{"radius": 0.1}', "radius"),
        ('{"frames": []}', "frames"),
        ("not json", "not valid"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=named) as caught:
        Recipe.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.json"):
        Recipe.load(tmp_path / "nowhere.json")


def test_recipes_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Recipe().sampling = 0.3  # type: ignore[misc]


def test_the_first_preset_is_the_default_and_all_can_be_read() -> None:
    recipes = {name: Recipe.load(path) for name, path in presets().items()}
    assert recipes["mos2_on_graphite"] == Recipe()
    assert recipes["mos2_on_turbostratic_graphite"].filter.lattices > 1
    assert not recipes["free_standing_mos2"].filter.enabled


def test_columns_depend_neither_on_the_device_nor_on_what_is_measured_on_them() -> None:
    told = Recipe(device="cpu", measure=MeasureSettings(votes=2), energy=80e3)
    assert told.of_analysis() == Recipe(energy=80e3)
