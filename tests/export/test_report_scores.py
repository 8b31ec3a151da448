"""The report's section of scores: its numbers are counted by hand, and names from files are escaped."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.evaluation.hand_labelled import Truth
from hrtem_app.evaluation.table_scores import score_tables
from hrtem_app.export.report import report_html
from hrtem_app.export.report_scores import score_section, table_titles

TRUE = ColumnTable(
    np.array([[40.0, 40.0], [40.0, 48.0], [40.0, 56.0], [40.0, 64.0]]),
    np.array([0, 1, 0, 2]),
    0.2,
    np.ones(4, int),
    np.ones(4),
)
# A Mo 2 px off, 2S right, the second Mo missed, 1S taken for 2S, and a Mo where nothing is.
FOUND = ColumnTable(
    np.array([[40.0, 42.0], [40.0, 48.0], [40.0, 64.0], [90.0, 90.0]]),
    np.array([0, 1, 1, 0]),
    0.2,
    np.ones(4, int),
    np.ones(4),
)


def content(section):
    """Rows of all tables, and the text of all paragraphs."""
    tree = ET.fromstring(f"<div>{''.join(section[1])}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    return rows, ["".join(p.itertext()) for p in tree.iter("p")]


def test_the_numbers_are_those_counted_by_hand():
    scores = score_tables({"unet": FOUND, "sites": TRUE}, Truth(TRUE), "truth.csv", (200, 200))
    rows, said = content(score_section(scores, {"unet": "U-net", "sites": "all networks together"}))
    assert rows[1] == ["U-net", "4", "0.5000", "0.5000", "0.6667", "0.0000", "2", "2", "2", "28.28"]
    assert rows[2][:3] == ["all networks together", "4", "1.0000"]
    confusion = {tuple(row[:2]): row[2:] for row in rows[3:]}
    assert confusion["U-net", "Mo"] == ["1", "0", "0", "1"]
    assert confusion["U-net", "1S"] == ["0", "1", "0", "0"]
    assert said[0] == "Truth: truth.csv, 4 columns; all: 2 Mo, 1 2S, 1 1S. 0 of 4 columns were checked by a person."
    assert "within 10 px of the border do not count" in said[1]


def test_what_was_held_true_is_told():
    truth = Truth(replace(TRUE, reviewed=np.array([1, 1, 0, 0], bool)), reviewed_only=True)
    _, said = content(score_section(score_tables({"unet": FOUND}, truth, "truth.csv"), {}))
    assert "4 columns; 2 of them, those that a person reviewed or edited, are held to be true: 1 Mo, 1 2S" in said[0]
    assert "size of the image is unknown" in said[1]
    assert said[0].endswith("2 of 4 columns were checked by a person.")
    found = Truth(replace(TRUE, votes=np.array([3, 3, 3, 0]), edited=np.array([0, 0, 0, 1], bool)))
    scores = score_tables({"unet": FOUND}, found, "columns as corrected by hand")
    assert "1 of 4 columns were checked by a person." in content(score_section(scores, {}))[1][0]
    assert scores.values()["checked_by_a_person"] == {"columns": 1, "of": 4}


def test_it_fits_into_the_report_and_names_are_escaped(analysis):
    titles = table_titles(analysis)
    assert titles["unet_pp"] == "U-net++ (unet_pp)"
    scores = score_tables({"unet": analysis.networks["unet"].columns}, Truth(analysis.table), "<script>.csv")
    page = report_html(analysis, [score_section(scores, titles)], agreement=b"<svg/>")
    assert "<h2>Scores</h2>" in page
    assert "&lt;script&gt;.csv" in page
    assert "<script>" not in page
