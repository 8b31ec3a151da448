"""Lines of vacancies: rows of a flake that have lost one atom of every pair, and close up.

Under the beam the single vacancies of MoS2 gather in rows along its zigzag directions, alone or two side by side, and
the molybdenum rows on both sides of such a row come nearer to each other, the more the longer it is (Wang et al., ACS
Nano 10 (2016) 5419; Komsa et al., Phys. Rev. B 88 (2013) 035301).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrtem_app.ranges import draw
from hrtem_app.simulation.lattice import rotation
from hrtem_app.simulation.structure_settings import StructureSettings

# Chance that two rows lie side by side.
_DOUBLE = 0.5
# How far the flake around a line follows it: its 1/e distance in Å.
_RELAXATION = (6.0, 25.0)
# Atoms that lie at most this part of a row's spacing beside its middle belong to it.
_IN_ROW = 0.2


def draw_vacancy_lines(
    settings: StructureSettings,
    positions: NDArray[np.float64],
    columns: NDArray[np.int64],
    lattice: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.float64], dict[str, Any]]:
    """Which atoms lines take out of a flake, and where they leave the others.

    Parameters
    ----------
    settings
        How many lines, their length, how full they are, and how far they close up.
    positions
        (n, 3) of the whole flake in Å; not changed.
    columns
        (n,) number of the column that each stands in.
    lattice
        Lattice constant in Å, and angle of a zigzag row in rad, counted as `lattice_points` does.
    rng
        Source of the draws.

    Returns
    -------
    kept, moved, drawn
        (n,) which atoms stay, (n, 2) displacements (x, y) in Å, and what was drawn.
    """
    count = int(rng.integers(settings.vacancy_lines[0], settings.vacancy_lines[1] + 1))
    kept, moved = np.ones(len(positions), bool), np.zeros((len(positions), 2))
    pairs = np.flatnonzero(np.bincount(columns, minlength=1)[columns] > 1)
    if not count or not len(pairs):
        return kept, moved, {"vacancy_lines": 0}
    constant, angle = lattice
    spacing = constant * 3**0.5 / 2
    for _ in range(count):
        middle = positions[rng.choice(pairs), :2]
        turn = angle + rng.integers(3) * np.pi / 3
        length, closing = draw(settings.line_length, rng), draw(settings.line_contraction, rng)
        reach, full = draw(_RELAXATION, rng), draw(settings.line_filling, rng)
        for row in range(1 + int(rng.random() < _DOUBLE)):
            # Neighbouring rows are shifted against each other by half a lattice constant.
            start = middle + np.array([row * constant / 2, row * spacing]) @ rotation(turn)
            along, across = ((positions[:, :2] - start) @ rotation(turn).T).T
            in_row = (np.abs(across[pairs]) < _IN_ROW * spacing) & (np.abs(along[pairs]) <= length / 2)
            kept[_of_one_sheet(pairs[in_row], positions, columns, full, rng)] = False
            moved += _closed(along, across, length, closing, reach, constant) @ rotation(turn)
    return kept, moved, {"vacancy_lines": count}


def _of_one_sheet(
    row: NDArray[np.int64],
    positions: NDArray[np.float64],
    columns: NDArray[np.int64],
    full: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """The atoms that a row loses: of this part of its pairs that which lies in one sheet, above or below."""
    upper = bool(rng.random() < 0.5)
    chosen = np.unique(columns[row])
    chosen = chosen[rng.random(len(chosen)) < full]
    middle = (positions[:, 2].min() + positions[:, 2].max()) / 2
    lost: NDArray[np.int64] = row[np.isin(columns[row], chosen) & ((positions[row, 2] > middle) == upper)]
    return lost


def _closed(
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    length: float,
    closing: float,
    reach: float,
    constant: float,
) -> NDArray[np.float64]:
    """(n, 2) displacements along and across a row: towards it from both sides, as if a crack of this length closed."""
    profile = np.sqrt(np.clip(1 - (2 * along / length) ** 2, 0, 1))
    # The nearer of the two rows of metal beside it lies at a/(2√3); within, the row itself stays where it is.
    ramp = np.clip(across / (constant / (2 * 3**0.5)), -1, 1)
    return np.column_stack([np.zeros(len(across)), -closing / 2 * ramp * profile * np.exp(-np.abs(across) / reach)])
