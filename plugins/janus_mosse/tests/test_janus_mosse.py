"""The material is found by its entry point, and its columns are what the atoms say."""

from __future__ import annotations

import numpy as np

from hrtem_app.materials import find_material
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.simulation.structures import draw_structure


def test_it_is_found_by_name() -> None:
    assert find_material("MoSSe").class_names == ("Mo", "SSe", "1S", "1Se")


def test_both_kinds_of_vacancy_are_labelled() -> None:
    settings = StructureSettings(material="MoSSe", single_vacancies=(0.2, 0.2), flake_radius=(0.5, 0.5))
    structure = draw_structure(1, settings)
    symbols = np.array(structure.atoms.get_chemical_symbols())
    for index, atoms in enumerate((["Mo"], ["S", "Se"], ["S"], ["Se"])):
        columns = np.flatnonzero(structure.classes == index)
        assert len(columns) > 20
        assert sorted(symbols[structure.columns == columns[0]]) == atoms
    assert np.sum(symbols == "S") == np.sum(structure.classes == 1) + np.sum(structure.classes == 2)


def test_selenium_and_sulphur_are_on_either_side() -> None:
    structure = draw_structure(2, StructureSettings(material="MoSSe", support="none", flake_first=0))
    z = {s: structure.levels[structure.atoms.symbols == s].mean() for s in ("Se", "Mo", "S")}
    np.testing.assert_allclose([z["Mo"] - z["Se"], z["S"] - z["Mo"]], [1.70, 1.53], atol=1e-3)
