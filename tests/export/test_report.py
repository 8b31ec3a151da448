"""The report: whole in one file, true to the analysis, and deaf to what names may try."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hrtem_app.export import report
from hrtem_app.export.drawing import new_figure
from hrtem_app.export.markup import said, table
from hrtem_app.export.report import report_html
from hrtem_app.recipe import LatticeFilter, Part, Recipe
from hrtem_app.series import Source

SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
EMPTY = {"meta", "img"}


class Page(HTMLParser):
    """Tags, attributes, text and table rows of a page; a tag that is not closed fails."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.rows, self._open = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        elif not self._open or self._open[-1] != "style":
            self.texts.append(data)

    def row(self, *start):
        """What stands behind the first cells of the first row that begins so."""
        return next(row for row in self.rows if tuple(row[: len(start)]) == start)[len(start) :]


@pytest.fixture(autouse=True)
def small_figures(monkeypatch):
    for name in ("frames_figure", "columns_figure"):
        monkeypatch.setattr(report, name, lambda analysis: new_figure(0.2, 0.2))


def read(analysis, **options):
    return Page(report_html(analysis, agreement=SVG, **options))


def test_nothing_is_outside_and_no_script_is_needed(analysis):
    page = read(analysis)
    assert page.tags.count("img") == 3
    assert not {"script", "link", "iframe", "object", "base", "a"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "srcset", "action"):
            assert re.match(r"data:image/(png|svg\+xml);base64,[A-Za-z0-9+/]+=*$", value)
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in page.attributes
    assert "url(" not in report_html(analysis, agreement=SVG)


def test_what_comes_from_files_is_escaped(analysis):
    evil = "<script>alert(1)</script>"
    result = analysis.networks["unet"]
    networks = analysis.networks | {"unet": replace(result, card=result.card.model_copy(update={"title": evil}))}
    series = replace(analysis.series, name=evil, sources=(Source(Path(f"a/'\"&{evil}"), evil),))
    table = replace(analysis.table, disputed=(f"{evil}:{evil}", *analysis.table.disputed[1:]))
    told = replace(
        analysis, series=series, networks=networks, table=table, warnings=(evil,), device=evil, seconds={evil: 1.0}
    )
    page = read(told, sections=[(evil, "")])
    assert set(page.tags) == set(read(analysis).tags)
    assert f"Atomic columns of {evil}" in page.texts
    assert page.row("Name") == [evil]
    assert page.row(f"a/'\"&{evil}") == [evil]
    assert [evil, evil, "1"] in [row[1:] for row in page.rows]
    assert page.texts.count(evil) == 2  # the warning, and the title of the section


def test_the_series(analysis):
    page = read(analysis)
    assert page.row("folder/made.tif") == ["ab" * 32]
    assert page.row("Size") == ["130 × 101 px, 2.925 × 2.272 nm (x × y)"]
    assert page.row("Sampling") == ["0.225 Å/px"]
    assert page.row("Beam energy") == ["50 keV"]
    assert page.row("Defocus") == ["0, -100, -50, 50 Å (positive: underfocus)"]
    assert page.row("Frames used, counted from 0") == ["1 (-100 Å), 2 (-50 Å), 0 (0 Å)"]
    bare = replace(
        analysis,
        recipe=Recipe(sampling=0.225),
        series=replace(analysis.series, defocus=None, energy=None, sources=()),
        shifts=((0.0, 0.0), (1.25, -2.0)),
    )
    page = read(bare)
    assert page.row("Sampling") == ["0.225 Å/px, as told"]
    assert page.row("Beam energy") == page.row("Defocus") == ["unknown"]
    assert page.row("Drift taken out, (y, x)") == ["(0.00, 0.00) px, (1.25, -2.00) px"]
    assert "The series was made in memory, from no file." in page.texts


def test_counts_votes_and_disputes(analysis):
    page = read(analysis)
    # Seven sites; U-net alone sees the 1S at (80, 100), and U-net++ calls the one at (80, 60) a 2S.
    assert page.row("all networks together") == ["2", "2", "3", "7"]
    assert page.row("U-net (unet)") == ["2", "2", "3", "7"]
    assert page.row("MSD-net (msd_net)") == ["1", "2", "2", "5"]
    assert page.row("3 of 3") == ["1", "2", "1", "4"]
    assert page.row("2 of 3") == ["1", "0", "1", "2"]
    assert page.row("1 of 3") == ["0", "0", "1", "1"]
    assert page.row("0 of 3") == ["0", "0", "0", "0"]
    assert page.row("1S", "2S", "unet_pp") == ["1"]
    assert "7 columns: 2 Mo, 2 2S, 3 1S; 1 disputed, 0 reviewed or edited by hand." in page.texts


def test_warnings_are_the_first_thing(analysis):
    text = report_html(replace(analysis, warnings=("defocus < -150 Å",)), agreement=SVG)
    assert text.index("defocus &lt; -150 Å") < text.index("<h2>What to trust</h2>") < text.index("<h2>Series</h2>")
    assert 'class="warnings" role="alert"' in text
    assert 'role="alert"' not in report_html(replace(analysis, warnings=()), agreement=SVG)


def test_grains_and_corrections(analysis):
    found = analysis.table
    mo = found.classes == 0
    # Grain 0: the Mo columns, decided; grain 1: the others, whose evidence speaks for Mo, turned round by hand.
    corrected = replace(
        found,
        grain=np.where(mo, 0, 1),
        grain_evidence=np.full(7, 1.75),
        decided=np.ones(7, bool),
        edited=~mo,
        reviewed=np.arange(7) == int(np.flatnonzero(mo)[0]),
    )
    page = read(replace(analysis, table=corrected))
    assert page.row("0") == ["2", "2", "0", "0", "1.75", "decided"]
    assert page.row("1") == ["5", "0", "2", "3", "1.75", "turned round by hand"]
    assert page.row("edited: added, moved or of another class") == ["0", "2", "3", "5"]
    assert page.row("reviewed: settled by a person") == ["1", "0", "0", "1"]
    assert page.row("either") == ["1", "2", "3", "6"]
    open_grain = replace(corrected, grain=np.zeros(7, int), decided=np.zeros(7, bool))
    assert read(replace(analysis, table=open_grain)).row("0")[-1] == "undecided"
    assert any("None. Columns that a person deleted" in text for text in read(analysis).texts)


def test_every_parameter_is_told_with_its_meaning_and_what_was_changed(analysis):
    recipe = Recipe(sampling=0.22, filter=LatticeFilter(radius=0.015, angles=(0.1, 0.2)))
    page = read(replace(analysis, recipe=recipe))
    for part in (recipe, *(value for _, value in recipe if isinstance(value, Part))):
        for name, field in type(part).model_fields.items():
            if field.description:
                assert [row[-1] for row in page.rows if row[0] == name].count(field.description) == 1
    assert page.row("radius")[:2] == ["0.015", "0.03"]
    assert page.row("angles")[:2] == ["0.1, 0.2", "none"]
    assert page.row("sampling")[:2] == ["0.22", "none"]
    assert page.row("edge")[:2] == ["0.004", ""]


def test_networks_program_and_trust(analysis):
    page = read(analysis)
    trained = page.row("U-net++ (unet_pp)", "989,468")
    assert trained == ["3", "0.225", "300 to 100000", "-150 to 152", "50000"]
    assert page.row("U-net++ (unet_pp)", "unknown") == []
    assert page.row("Device") == ["cpu"]
    assert page.row("lattice filter") == ["0.12 s"]
    assert page.row("numpy") == [np.__version__]
    assert len(re.findall(r"\.(?= |$)", report._TRUST)) == 3


def test_sections_of_others_come_with_their_figures(analysis):
    page = read(analysis, sections=[("Strain", new_figure(0.2, 0.2)), ("Scores", ["<p>a</p>", "<p>b</p>"])])
    headings = [text for text in page.texts if text in ("Strain", "Scores", "Corrections by hand", "Recipe")]
    # The figure's caption is the title again.
    assert list(dict.fromkeys(headings)) == ["Corrections by hand", "Strain", "Scores", "Recipe"]
    assert page.tags.count("img") == 4


def test_the_figures_are_drawn_where_they_are_not_given(analysis, monkeypatch):
    asked = []

    def draw(analysis, vector):
        asked.append(vector)
        return new_figure(0.2, 0.2)

    monkeypatch.setattr(report, "agreement_figure", draw)
    assert Page(report_html(analysis)).tags.count("img") == 3
    assert asked == [True]


def test_an_analysis_that_found_nothing(analysis_of):
    page = read(analysis_of({"unet": {}}))
    assert page.row("all networks together") == ["0", "0", "0", "0"]
    assert page.texts.count("None.") == 1


def test_values_and_tables():
    assert [said(v) for v in (None, True, 1.0, 0.1234567, (1, 2.5), ((1.0, 2.0),), "x")] == [
        "none", "yes", "1", "0.12346", "1, 2.5", "(1, 2)", "x"
    ]  # fmt: skip
    assert "<td>&lt;b&gt;</td>" in table(("a", "b"), [("x", "<b>")])
