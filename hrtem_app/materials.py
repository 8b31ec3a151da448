"""Materials: which columns are looked for, and the lattices they and their support have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ColumnClass:
    """A kind of atomic column.

    Parameters
    ----------
    name
        What tables and pictures call it (`Mo`, `2S`, `1S`).
    symbol
        Chemical symbol of the atoms in the column.
    atoms
        How many atoms stand above each other.
    """

    name: str
    symbol: str
    atoms: int


@dataclass(frozen=True)
class Material:
    """A two-dimensional material on a support.

    Parameters
    ----------
    name
        Name in model cards and recipes.
    classes
        The column classes in the order of the networks' output channels; the background comes after them.
    lattice_constant
        Of the material itself, in Å.
    support_lattice_constant
        Of the support, in Å; None where it has no lattice.
    """

    name: str
    classes: tuple[ColumnClass, ...]
    lattice_constant: float
    support_lattice_constant: float | None

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.classes)


MOS2_ON_GRAPHITE = Material(
    name="MoS2 on graphite",
    classes=(ColumnClass("Mo", "Mo", 1), ColumnClass("2S", "S", 2), ColumnClass("1S", "S", 1)),
    lattice_constant=3.18,
    support_lattice_constant=2.46,
)
