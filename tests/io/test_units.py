"""The many spellings of units."""

import pytest

from hrtem_app.io.units import in_angstrom, unit_kind


@pytest.mark.parametrize(
    ("unit", "angstrom"),
    [
        ("nm", 10.0),
        ("NM", 10.0),
        (" nm\0", 10.0),
        ("[n_m]", 10.0),
        ("nanometers", 10.0),
        ("µm", 1e4),  # micro sign
        ("μm", 1e4),  # Greek mu
        ("um", 1e4),
        ("micron", 1e4),
        ("\\u00B5m", 1e4),  # as ImageJ writes it
        ("ƒÊm", 1e4),  # Shift-JIS read as Windows-1252
        ("Âµm", 1e4),  # UTF-8 read as Latin-1
        ("pm", 0.01),
        ("A", 1.0),
        ("Å", 1.0),
        ("\u212b", 1.0),  # the Ångström sign of Unicode
        ("angstrom", 1.0),
        ("m", 1e10),
        ("mm", 1e7),
        ("inch", 2.54e8),
    ],
)
def test_lengths(unit: str, angstrom: float) -> None:
    assert in_angstrom(unit) == angstrom
    assert unit_kind(unit) == "length"


@pytest.mark.parametrize(
    ("unit", "kind"),
    [
        ("1/nm", "reciprocal"),
        ("1 / µm", "reciprocal"),
        ("nm^-1", "reciprocal"),
        ("Å⁻¹", "reciprocal"),
        ("mrad", "angle"),
        ("eV", "energy"),
        ("keV", "energy"),
        ("s", "time"),
        ("", "none"),
        (None, "none"),
        ("[]", "none"),
        ("pixel", "none"),
        ("furlong", "unknown"),
    ],
)
def test_everything_else_is_no_length(unit: str | None, kind: str) -> None:
    assert unit_kind(unit) == kind
    assert in_angstrom(unit) is None
