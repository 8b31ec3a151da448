"""Pixel size, defocus and beam energy from the many places in which programs hide them in a TIFF file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isclose
from typing import Any
from xml.etree import ElementTree

from hrtem_app.io.signals import Axis
from hrtem_app.io.units import in_angstrom

INFO_KEY = "hrtem_app"
"""Under this name the facts that ImageJ has no field for stand in its info text."""

_LARGEST_PIXEL = 1e4
"""Å. Resolution tags that mean larger pixels (72 dpi: 0.35 mm) are for printers and say nothing about the specimen."""

_PRINT_UNITS = {2: "inch", 3: "cm"}


@dataclass(frozen=True)
class Metadata:
    """Axes by their letter in tifffile's axis names, defocus in Å per frame, energy in eV."""

    axes: Mapping[str, Axis] = field(default_factory=dict)
    defocus: tuple[float, ...] | None = None
    energy: float | None = None


def metadata_of(file: Any, index: int) -> Metadata:
    """Of one series of a TIFF file: the first answer of OME, ImageJ, Digital Micrograph, makers, resolution tags."""
    page = file.series[index].keyframe
    sources: tuple[Callable[[], Metadata | None], ...] = (
        lambda: _ome(file, index),
        lambda: _imagej(file, page),
        lambda: _digital_micrograph(page),
        lambda: _olympus(page),
        lambda: _fei(file),
        lambda: _tvips(file),
        lambda: _jeol(page),
        lambda: _resolution(page),
    )
    for source in sources:
        try:
            metadata = source()
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, ElementTree.ParseError):
            continue  # a maker's block with holes in it: ask the next
        if metadata is not None:
            return metadata
    return Metadata()


def _square(y: float, x: float, unit: str | None, **more: Any) -> Metadata:
    return Metadata({"Y": Axis("y", float(y), unit), "X": Axis("x", float(x), unit)}, **more)


def _ome(file: Any, index: int) -> Metadata | None:
    if not file.is_ome:
        return None
    root = ElementTree.fromstring(file.ome_metadata)
    pixels = [element for element in root.iter() if element.tag.rpartition("}")[2] == "Pixels"]
    found = pixels[min(index, len(pixels) - 1)].attrib
    axes = {
        letter: Axis(
            letter.lower(), float(found[f"PhysicalSize{letter}"]), found.get(f"PhysicalSize{letter}Unit", "µm")
        )
        for letter in "YX"
        if f"PhysicalSize{letter}" in found
    }
    return Metadata(axes)


def _imagej(file: Any, page: Any) -> Metadata | None:
    found = file.imagej_metadata
    if not file.is_imagej or not found:
        return None
    facts = _own_facts(found)
    defocus, energy = facts.get("defocus"), facts.get("energy")
    more: dict[str, Any] = {"defocus": tuple(map(float, defocus)) if defocus else None, "energy": _positive(energy)}
    unit = found.get("unit")
    sizes = _pixel_sizes(page)
    if not isinstance(unit, str) or sizes is None or (unit in ("inch", "cm") and _is_for_printers(sizes, unit)):
        return Metadata(**more) if facts else _resolution(page) or Metadata()
    y, x = sizes
    exact = facts.get("sampling")
    # ImageJ scales the tags but keeps the text: the text's finer digits count only while they agree.
    if exact and all(isclose(size * (in_angstrom(unit) or 0.0), exact, rel_tol=1e-5) for size in sizes):
        return _square(exact, exact, "Å", **more)
    return Metadata({"Y": Axis("y", y, found.get("yunit", unit)), "X": Axis("x", x, unit)}, **more)


def _own_facts(imagej: Mapping[str, Any]) -> Mapping[str, Any]:
    """What save_series wrote into ImageJ's info text."""
    try:
        facts = json.loads(imagej.get("Info", ""))[INFO_KEY]
    except (ValueError, KeyError, TypeError):
        return {}
    return facts if isinstance(facts, Mapping) else {}


def _digital_micrograph(page: Any) -> Metadata | None:
    tags = page.tags
    if 65009 not in tags and 65010 not in tags:
        return None
    x, y = tags.valueof(65009), tags.valueof(65010)
    return Metadata({"X": Axis("x", x, tags.valueof(65003)), "Y": Axis("y", y, tags.valueof(65004))})


def _olympus(page: Any) -> Metadata | None:
    for code in (33560, 33471):
        found = page.tags.valueof(code)
        if isinstance(found, Mapping) and "pixelsizex" in found:
            return _square(found["pixelsizey"], found["pixelsizex"], "m")
    return None


def _fei(file: Any) -> Metadata | None:
    found = file.fei_metadata
    if not found:
        return None
    scan = found.get("Scan") or {}
    return _square(scan["PixelHeight"], scan["PixelWidth"], "m", energy=_positive(found.get("Beam", {}).get("HV")))


def _tvips(file: Any) -> Metadata | None:
    found = file.tvips_metadata
    if not found:
        return None
    return _square(found["PixelSizeY"], found["PixelSizeX"], "nm", energy=_positive(found.get("TemHighTension")))


def _jeol(page: Any) -> Metadata | None:
    """The resolution tags of JEOL's SightX describe the camera; its report names the magnification in front of it."""
    if page.tags.valueof("Make") != "JEOL Ltd.":
        return None
    root = ElementTree.fromstring(re.sub(r"^[^<]*|[^>]*$", "", str(page.description)))
    energy = _positive(root.findtext(".//AccelerationVoltage"))
    imaging = root.find(".//ImageFormingSystem")
    sizes, unit = _pixel_sizes(page), _print_unit(page)
    if imaging is None or sizes is None or unit is None or root.findtext(".//EosMode") != "eosTEM":
        return Metadata(energy=energy)
    value, mode = float(imaging.findtext("SelectorValue") or 0), imaging.findtext("ModeString")
    if mode == "MAG":
        return _square(sizes[0] / value, sizes[1] / value, unit, energy=energy)
    # In diffraction it names the camera length: whatever the scale, it is no image.
    return _square(sizes[0], sizes[1], "1/nm", energy=energy) if mode == "DIFF" else Metadata(energy=energy)


def _resolution(page: Any) -> Metadata | None:
    sizes, unit = _pixel_sizes(page), _print_unit(page)
    if sizes is None or unit is None or _is_for_printers(sizes, unit):
        return None
    return _square(*sizes, unit)


def _print_unit(page: Any) -> str | None:
    return _PRINT_UNITS.get(int(page.tags.valueof("ResolutionUnit", default=1)))


def _is_for_printers(sizes: tuple[float, float], unit: str) -> bool:
    return max(sizes) * (in_angstrom(unit) or 0.0) > _LARGEST_PIXEL


def _pixel_sizes(page: Any) -> tuple[float, float] | None:
    """Size of a pixel along y and x in the unit of the resolution tags."""
    y, x = page.tags.valueof("YResolution"), page.tags.valueof("XResolution")
    if not y or not x or 0 in (*y, *x):
        return None
    return y[1] / y[0], x[1] / x[0]


def _positive(value: Any) -> float | None:
    try:
        return float(value) if float(value) > 0 else None
    except (TypeError, ValueError):
        return None
