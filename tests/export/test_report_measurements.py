"""The report's section of measurements: a crystal made by hand comes back with the numbers that it was made with."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from hrtem_app.columns import ColumnTable
from hrtem_app.export import report_measurements
from hrtem_app.export.drawing import new_figure
from hrtem_app.export.report_measurements import measurement_section
from hrtem_app.measure import MeasureSettings, measure

SAMPLING, CONSTANT = 0.2, 3.17
SHAPE = (400, 400)


@pytest.fixture(autouse=True)
def small_figures(monkeypatch):
    monkeypatch.setattr(report_measurements, "figures", lambda measured: {"strain": new_figure(0.2, 0.2)})


def crystal():
    """12 by 12 cells away from all borders: three 1S, a Mo column missing in the middle."""
    cells = np.stack(np.meshgrid(np.arange(12), np.arange(12), indexing="ij"), -1).reshape(-1, 2)
    vectors = CONSTANT * np.array([[0.0, 1.0], [np.sqrt(3) / 2, 0.5]])
    mo = cells @ vectors
    s = mo + vectors.sum(axis=0) / 3
    classes = np.repeat([0, 1], len(mo))
    single = len(mo) + np.array([40, 65, 90])
    classes[single] = 2
    kept = np.arange(len(classes)) != 6 * 12 + 6
    positions = (np.concatenate([mo, s]) + 10)[kept] / SAMPLING
    classes = classes[kept]
    ones = np.ones(len(classes))
    return ColumnTable(
        positions, classes, SAMPLING, ones.astype(int), ones, grain=np.zeros(len(classes), int),
        decided=ones.astype(bool),
    )  # fmt: skip


def content(section):
    """Rows of all tables, the text of all paragraphs, and the headings."""
    tree = ET.fromstring(f"<div>{''.join(part for part in section[1] if '<figure' not in part)}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    return rows, ["".join(p.itertext()) for p in tree.iter("p")], ["".join(h.itertext()) for h in tree.iter("h3")]


def row(rows, *start):
    """What stands behind the first cells of the only row that begins so."""
    (found,) = [each[len(start) :] for each in rows if each[: len(start)] == list(start)]
    return found


def wilson(count, total, z=1.959964):
    """Wilson's interval by its formula."""
    p = count / total
    middle, half = p + z**2 / (2 * total), z * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    return (middle - half) / (1 + z**2 / total), (middle + half) / (1 + z**2 / total)


def test_a_crystal_comes_back_with_its_numbers():
    table = crystal()
    section = measurement_section(measure(table, image_shape=SHAPE))
    rows, said, titles = content(section)
    assert section[0] == "Measurements"
    assert titles[0] == "Vacancies"
    assert said[0] == "Measured in the whole image: 287 columns, 143 Mo, 141 2S, 3 1S."
    low, high = wilson(3, 144)
    interval = f"{100 * low:.2f} % to {100 * high:.2f} %"
    assert row(rows, "1S", "sulphur columns") == ["3", "144", f"{100 * 3 / 144:.2f} %", interval]
    assert row(rows, "missing Mo", "Mo sites")[:2] == ["1", "144"]
    assert row(rows, "missing 2S", "S sites")[:2] == ["0", "144"]
    area = 144 * CONSTANT**2 * np.sqrt(3) / 2 / 100
    assert row(rows, "area of the flake") == [f"{area:.3f} nm²"]
    assert row(rows, "columns") == [f"{287 / area:.3f} per nm²"]
    assert row(rows, "Mo-S")[1] == f"{CONSTANT / np.sqrt(3):.4f}"
    assert row(rows, "S-S")[1] == f"{CONSTANT:.4f}"
    assert row(rows, "0")[:2] == ["287", f"{CONSTANT:.4f} ± 0.0000"]
    assert row(rows, "V_S") == ["one S atom of a pair is missing", "3", "0"]
    assert row(rows, "V_Mo")[1:] == ["1", "0"]
    edges = [each for each in rows if each[0].startswith("zigzag")]
    assert sum(float(each[2]) for each in edges) > 4 * 11 * CONSTANT / 10 * 0.8
    assert any("Of all sulphur atoms 1.04 % are missing" in text for text in said)
    assert sum("<figure" in part for part in section[1]) == 1


def test_a_region_counts_what_lies_in_it():
    table = crystal()
    settings = MeasureSettings(region=((0, 0), (0, 130), (130, 130), (130, 0)), confidence=0.9)
    section = measurement_section(measure(table, settings=settings, image_shape=SHAPE))
    inside = (table.positions < 130).all(axis=1)
    assert content(section)[1][0].startswith(f"Measured in a region of 4 corners: {int(inside.sum())} columns")
    assert any("90 % interval (Wilson)" in part for part in section[1])


def test_nothing_is_no_reason_to_fail():
    few = crystal().select([0, 1])
    rows, said, _ = content(measurement_section(measure(few, image_shape=SHAPE)))
    assert "No grain of 12 columns or more." in said
    assert said.count("None.") == 2
    assert row(rows, "missing Mo", "Mo sites") == ["0", "0", "unknown", "unknown to unknown"]
