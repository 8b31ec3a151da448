"""Materials and supports: the columns that are looked for, lattices, and how a layer is built; plug-ins add more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from hrtem_app.extensions import MATERIALS, added_by_plug_ins

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class ColumnClass:
    """A kind of atomic column.

    Parameters
    ----------
    name
        What tables and pictures call it (`Mo`, `2S`, `1S`).
    symbols
        Chemical symbols of the atoms that stand above each other.
    """

    name: str
    symbols: tuple[str, ...]

    @property
    def symbol(self) -> str:
        """The first atom's chemical symbol."""
        return self.symbols[0]


@dataclass(frozen=True)
class Support:
    """What a flake lies on.

    Parameters
    ----------
    name
        Name in settings.
    title
        What people call it.
    lattice_constant
        In Å.
    spacing
        Distance of its layers in Å.
    build
        (lattice constant in Å, number of the layer) → unit cell of that layer: a two-dimensional lattice in x and y,
        one atom thick, shifted as its stacking wants.
    """

    name: str
    title: str
    lattice_constant: float
    spacing: float
    build: Callable[[float, int], Atoms]


@dataclass(frozen=True)
class Material:
    """A two-dimensional material on a support.

    Parameters
    ----------
    name
        Name in settings.
    classes
        The column classes in the order of the networks' output channels; the background comes after them. They must
        name every column that the layer has, and what is left of it when single atoms are gone.
    lattice_constants
        Least and greatest lattice constant in Å that are met.
    build
        Lattice constant in Å → unit cell of the layer: a two-dimensional lattice in x and y, beam along z.
    support
        What it usually lies on; None: nothing.
    """

    name: str
    classes: tuple[ColumnClass, ...]
    lattice_constants: tuple[float, float]
    build: Callable[[float], Atoms]
    support: Support | None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return tuple(c.name for c in self.classes)

    @property
    def lattice_constant(self) -> float:
        """The greatest one, in Å: whose first ring of spots is the nearest to the support's."""
        return self.lattice_constants[1]

    @property
    def support_lattice_constant(self) -> float | None:
        """Lattice constant of the support in Å; None where it has no lattice."""
        return self.support.lattice_constant if self.support else None

    @property
    def title(self) -> str:
        """Material and support, for cards."""
        return f"{self.name} on {self.support.title}" if self.support else self.name

    def class_of(self, symbols: tuple[str, ...]) -> int:
        """Index of the class of a column of these atoms.

        Raises
        ------
        ValueError
            Where no class is meant.
        """
        for index, column in enumerate(self.classes):
            if sorted(column.symbols) == sorted(symbols):
                return index
        raise ValueError(
            f"{self.name} has no class for a column of {' and '.join(sorted(symbols))}: add one to its classes"
        )


def _graphene(lattice_constant: float, layer: int) -> Atoms:
    """Bernal stacking: every other layer is shifted by a bond."""
    bond = lattice_constant / 3**0.5
    return _hexagonal(["C", "C"], [(0, layer % 2 * bond), (0, bond + layer % 2 * bond)], lattice_constant)


def _boron_nitride(lattice_constant: float, layer: int) -> Atoms:
    """AA' stacking: boron above nitrogen."""
    bond = lattice_constant / 3**0.5
    symbols = ["B", "N"] if layer % 2 == 0 else ["N", "B"]
    return _hexagonal(symbols, [(0, 0), (0, bond)], lattice_constant)


def _hexagonal(symbols: list[str], places: list[tuple[float, float]], lattice_constant: float) -> Atoms:
    from ase import Atoms

    cell = [[lattice_constant, 0, 0], [-lattice_constant / 2, lattice_constant * 3**0.5 / 2, 0], [0, 0, 1]]
    return Atoms(symbols, [(x, y, 0) for x, y in places], cell=cell, pbc=(True, True, False))


def dichalcogenide(formula: str, thickness: float) -> Callable[[float], Atoms]:
    """Builder of a 2H monolayer such as MoS2.

    Parameters
    ----------
    formula
        Such as "MoS2".
    thickness
        Distance of the two chalcogen planes in Å.
    """

    def build(lattice_constant: float) -> Atoms:
        from ase.build import mx2

        layer: Atoms = mx2(formula, kind="2H", a=lattice_constant, thickness=thickness)
        return layer

    return build


def _dichalcogenide(
    metal: str, chalcogen: str, lattice_constants: tuple[float, float], thickness: float, support: Support
) -> Material:
    return Material(
        name=f"{metal}{chalcogen}2",
        classes=(
            ColumnClass(metal, (metal,)),
            ColumnClass(f"2{chalcogen}", (chalcogen, chalcogen)),
            ColumnClass(f"1{chalcogen}", (chalcogen,)),
        ),
        lattice_constants=lattice_constants,
        build=dichalcogenide(f"{metal}{chalcogen}2", thickness),
        support=support,
    )


GRAPHENE = Support("graphene", "graphite", 2.46, 3.354, _graphene)
BORON_NITRIDE = Support("hBN", "hBN", 2.504, 3.33, _boron_nitride)
NO_SUPPORT = "none"
# Experimental lattice constants of the bulk (Schutte et al., J. Solid State Chem. 70, 207, 1987) up to those that
# density functional theory gives for the monolayer (PBE; Haastrup et al., 2D Materials 5, 042002, 2018), which also
# gives the thicknesses; the constants of MoS2 are the thesis', its thickness is ASE's.
MOS2_ON_GRAPHITE = _dichalcogenide("Mo", "S", (3.16, 3.18), 3.19, GRAPHENE)
_BUILT_IN = (
    MOS2_ON_GRAPHITE,
    _dichalcogenide("Mo", "Se", (3.288, 3.32), 3.34, GRAPHENE),
    _dichalcogenide("W", "S", (3.153, 3.18), 3.14, GRAPHENE),
    _dichalcogenide("W", "Se", (3.282, 3.32), 3.36, GRAPHENE),
)


@lru_cache(maxsize=1)
def materials() -> dict[str, Material]:
    """All materials by name: the built-in ones, and those of the entry points `hrtem_app.materials`.

    A plug-in that cannot be loaded, or that takes a name that is there already, is left out with a warning.
    """
    known = {material.name: material for material in _BUILT_IN}
    return known | added_by_plug_ins(MATERIALS, "material", _checked, known)


def _checked(_: str, value: object) -> tuple[str, Material] | None:
    return (value.name, value) if isinstance(value, Material) else None


def find_material(name: str) -> Material:
    """A material by name; ValueError names those that there are."""
    known = materials()
    if name not in known:
        raise ValueError(f"there is no material '{name}': give {', '.join(known)}, or install a plug-in that adds it")
    return known[name]


def find_support(name: str) -> Support | None:
    """A support by name, None for `none`: the built-in ones, and those that materials bring."""
    if name == NO_SUPPORT:
        return None
    known = {s.name: s for s in (GRAPHENE, BORON_NITRIDE)}
    known |= {m.support.name: m.support for m in materials().values() if m.support}
    if name not in known:
        raise ValueError(f"there is no support '{name}': give {NO_SUPPORT}, {', '.join(known)}")
    return known[name]
