"""What a reader of the measurements should know, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hrtem_app.materials import MOS2_ON_GRAPHITE
from hrtem_app.measure.crystal import CLEAR, Crystals
from hrtem_app.measure.grain import GrainMeasurement
from hrtem_app.measure.scene import Scene
from hrtem_app.measure.vacancies import Vacancies

# Further than this fraction from the material's lattice constant, the sampling is doubted.
_FAR = 0.01
# Anisotropy is worth a word above this, if it is also beyond so many standard errors.
_ANISOTROPIC, _ERRORS = 0.005, 5


def doubts(
    scene: Scene,
    found: Crystals,
    grains: Sequence[GrainMeasurement],
    crowds: Mapping[int, int],
    vacancies: Vacancies,
    knows_image: bool,
) -> tuple[str, ...]:
    """Warnings, one sentence each.

    Parameters
    ----------
    scene, found, grains
        What was measured, on which crystals, with which result.
    crowds
        By grain, columns on the wrong sublattice in groups too large for antisites.
    vacancies
        Of all grains together.
    knows_image
        Whether the size of the image was told.
    """
    sentences = []
    if not knows_image and len(scene.table):
        sentences.append(
            "the size of the image is unknown: its right and lower borders are taken to be at the last columns, where "
            "no edge is found then"
        )
    on_lattice = np.zeros(len(scene.table), bool)
    for crystal in found.crystals:
        on_lattice[crystal.indexed.rows] = True
    strange = int((scene.inside & ~on_lattice).sum())
    if strange:
        sentences.append(
            f"{strange} of {int(scene.inside.sum())} columns fit no lattice: they are in the counts of classes and in "
            "the distances, but in nothing else"
        )
    if vacancies.left_out:
        why = vacancies.why_left_out(scene.settings)
        sentences.append(f"{why}: vacancies per nm² are too low by their part")
    for grain in grains:
        sentences += _of_grain(grain, crowds.get(grain.number, 0), found)
    return tuple(sentences)


def _of_grain(grain: GrainMeasurement, crowd: int, found: Crystals) -> list[str]:
    name, sentences = f"grain {grain.number}", []
    if grain.agreement < CLEAR:
        sentences.append(
            f"{name}: only {grain.agreement:.0%} of the classes fit its sublattices, so Mo and S vacancies may be "
            "confused and antisites are not told"
        )
    elif crowd:
        sentences.append(
            f"{name}: {crowd} columns of the wrong sublattice stand together, which is a twin, or a patch where Mo and "
            "S are read the wrong way round: they are not listed as antisites"
        )
    if grain.misfits:
        sentences.append(
            f"{name}: {grain.misfits} bonds or columns do not fit one honeycomb, as around a dislocation: "
            "displacements and vacant sites near it mean little"
        )
    if grain.lattice is None:
        sentences.append(f"{name}: {grain.columns} columns in the region are too few to fit a lattice to")
        return sentences
    constant, error = grain.lattice.constant, grain.lattice.constant_error
    least, most = MOS2_ON_GRAPHITE.lattice_constants
    off = max(constant / most - 1, 1 - constant / least)
    if off > _FAR + 3 * error / constant:
        sentences.append(
            f"{name}: its lattice constant of {constant:.3f} Å is {off:.1%} off the {least:g}-{most:g} Å of "
            f"{MOS2_ON_GRAPHITE.name}: strain, or the sampling is wrong"
        )
    anisotropy, noise = grain.lattice.anisotropy, grain.lattice.anisotropy_error
    direction = grain.lattice.anisotropy_direction
    if anisotropy > max(_ANISOTROPIC, _ERRORS * noise):
        sentences.append(
            f"{name}: it is stretched by {anisotropy:.2%} more along {direction:.0f}° than across: uniaxial strain "
            "or tilt, or a distorted image"
        )
    return sentences
