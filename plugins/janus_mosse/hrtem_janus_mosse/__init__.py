"""Janus MoSSe: molybdenum between a plane of sulphur and one of selenium."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hrtem_app.materials import GRAPHENE, ColumnClass, Material

if TYPE_CHECKING:
    from ase import Atoms

# Heights of selenium and sulphur from the molybdenum plane in Å, and the lattice constants between experiment and
# density functional theory (Lu et al., Nature Nanotechnology 12, 744, 2017; Haastrup et al., 2D Materials 5, 042002,
# 2018).
SELENIUM, SULPHUR = -1.70, 1.53
LATTICE_CONSTANTS = (3.22, 3.25)


def build(lattice_constant: float) -> Atoms:
    """Unit cell: three atoms in a hexagonal cell, the beam along z.

    Parameters
    ----------
    lattice_constant
        In Å.
    """
    # Imported here, so that hrtem-app starts as fast with the plug-in as without it.
    from ase import Atoms

    a = lattice_constant
    cell = [[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, 1]]
    hollow = (0, a / 3**0.5)
    positions = [(0, 0, 0), (*hollow, SELENIUM), (*hollow, SULPHUR)]
    return Atoms("MoSeS", positions, cell=cell, pbc=(True, True, False))


JANUS_MOSSE = Material(
    name="MoSSe",
    # All that a column can hold, with or without a vacancy; networks trained on it have one output for each.
    classes=(
        ColumnClass("Mo", ("Mo",)),
        ColumnClass("SSe", ("S", "Se")),
        ColumnClass("1S", ("S",)),
        ColumnClass("1Se", ("Se",)),
    ),
    lattice_constants=LATTICE_CONSTANTS,
    build=build,
    support=GRAPHENE,
)
