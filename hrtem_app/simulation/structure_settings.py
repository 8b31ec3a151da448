"""The ranges that a structure is drawn from (thesis section 3.1), and what is added to them."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from hrtem_app.materials import find_material, find_support
from hrtem_app.ranges import Bounds, Range
from hrtem_app.recipe import Part

# How far an outline's corners lie from its mean radius, and its middle from that of the image (fraction of its side).
CORNERS, OFF_CENTRE = (0.8, 1.15), 0.08


def _known_material(name: str) -> str:
    find_material(name)
    return name


def _known_support(name: str) -> str:
    find_support(name)
    return name


class StructureSettings(Part):
    """The ranges that a structure is drawn from; every draw is uniform, lengths are in Å and angles in rad."""

    material: Annotated[
        str, AfterValidator(_known_material), Field(description="Material of the flake, such as MoS2 or WSe2.")
    ] = "MoS2"
    support: Annotated[
        str, AfterValidator(_known_support), Field(description="What the flake lies on: graphene, hBN or none.")
    ] = "graphene"
    field_of_view: Annotated[float, Bounds(20, 300, "Å"), Field(description="Side of the image.")] = 70.0
    margin: Annotated[float, Bounds(0, 50, "Å"), Field(description="Rim of the cell that no image shows.")] = 3.4
    layers: Annotated[
        tuple[int, int], Bounds(1, 20, "layers"), Field(description="Layers of the support, least and most.")
    ] = (1, 6)
    lattice_constant: Annotated[
        Range | None, Bounds(1, 20, "Å"), Field(description="Lattice constant of the flake; none: the material's own.")
    ] = None
    distance: Annotated[
        Range, Bounds(1, 20, "Å"), Field(description="Stacking distance from the support to the nearest atoms above.")
    ] = (3.3, 7.0)
    turns: Annotated[
        tuple[Annotated[float, Field(ge=0, le=2 * np.pi)], ...],
        Field(description="Turns of the flake against the support that are drawn as often as a free one, rad."),
    ] = (0.0, np.pi / 12, np.pi / 6)
    free_turn: Annotated[Range, Bounds(0, 2 * np.pi, "rad"), Field(description="Range of the free turn.")] = (
        0.0,
        np.pi / 2,
    )
    flake_radius: Annotated[
        Range, Bounds(0.01, 2), Field(description="Mean radius of the flake as a fraction of the field of view.")
    ] = (0.28, 0.6)
    support_radius: Annotated[Range, Bounds(0.01, 2), Field(description="Mean radius of the support, likewise.")] = (
        0.4,
        0.9,
    )
    whole_flake: Annotated[
        bool, Field(description="Refuse flakes that the cell would cut; else the image may lie inside of a flake.")
    ] = False
    single_vacancies: Annotated[
        Range, Bounds(0, 1), Field(description="Fraction of single atoms removed, of the support and of pairs.")
    ] = (0.0, 0.05)
    support_vacancies: Annotated[
        Range | None,
        Bounds(0, 1),
        Field(description="The same for the support alone; none: as above."),
    ] = None
    column_vacancies: Annotated[Range, Bounds(0, 1), Field(description="Fraction of whole columns removed.")] = (
        0.0,
        0.05,
    )
    vacancy_lines: Annotated[
        tuple[int, int],
        Bounds(0, 50, "lines"),
        Field(description="Rows that have lost one atom of every pair and closed up, least and most."),
    ] = (0, 0)
    line_length: Annotated[Range, Bounds(5, 500, "Å"), Field(description="Length of such a row.")] = (15.0, 60.0)
    line_filling: Annotated[Range, Bounds(0, 1), Field(description="Fraction of its pairs that lost an atom.")] = (
        0.8,
        1.0,
    )
    line_contraction: Annotated[
        Range, Bounds(0, 1, "Å"), Field(description="How much nearer the rows beside it have come.")
    ] = (0.1, 0.6)
    flake_first: Annotated[
        float, Bounds(0, 1), Field(description="Probability that the beam meets the flake before the support.")
    ] = 0.5
    temperature: Annotated[Range, Bounds(0, 2000, "K"), Field(description="Temperature.")] = (100.0, 600.0)
    bare: Annotated[float, Bounds(0, 1), Field(description="Probability that there is no support here.")] = 0.0
    turbostratic: Annotated[
        float, Bounds(0, 1), Field(description="Probability that every layer of the support is turned and shifted.")
    ] = 0.0
    tilt: Annotated[Range, Bounds(0, 0.1, "rad"), Field(description="Tilt against the beam, in any direction.")] = (
        0.0,
        0.0,
    )
    ripple: Annotated[Range, Bounds(0, 0.1, "rad"), Field(description="Root mean square slope of ripples.")] = (
        0.0,
        0.0,
    )
    ripple_wavelength: Annotated[
        Range, Bounds(10, 1000, "Å"), Field(description="Wavelength of ripples; rounded so that it fits the cell.")
    ] = (40.0, 150.0)
    contamination: Annotated[
        float, Bounds(0, 1), Field(description="Probability of a patch of amorphous carbon above or below.")
    ] = 0.0
    contamination_thickness: Annotated[Range, Bounds(1, 50, "Å"), Field(description="Thickness of the patch.")] = (
        5.0,
        15.0,
    )
    contamination_radius: Annotated[
        Range, Bounds(0.01, 2), Field(description="Mean radius of the patch as a fraction of the field of view.")
    ] = (0.1, 0.4)
    contamination_density: Annotated[
        float, Bounds(0.02, 0.15, "1/Å³"), Field(description="Atoms per volume; 0.1 is 2 g/cm³.")
    ] = 0.1

    @property
    def cell(self) -> float:
        """Side of the simulated cell in Å."""
        return self.field_of_view + 2 * self.margin

    @model_validator(mode="after")
    def _counts_are_in_order(self) -> Self:
        for name, (least, most) in (("layers", self.layers), ("vacancy_lines", self.vacancy_lines)):
            if least > most:
                raise ValueError(f"{name} {least} to {most} are no range: give the lower number first")
        return self

    @model_validator(mode="after")
    def _a_whole_flake_fits(self) -> Self:
        greatest = (self.cell / self.field_of_view / 2 - OFF_CENTRE) / CORNERS[1]
        if self.whole_flake and self.flake_radius[1] > greatest:
            raise ValueError(
                f"flake_radius up to {self.flake_radius[1]:g} of {self.field_of_view:g} Å does not fit into a cell of "
                f"{self.cell:g} Å: give at most {greatest:.3g}, a greater margin, or allow flakes to be cut"
            )
        return self
