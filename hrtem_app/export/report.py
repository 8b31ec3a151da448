"""The report: one page of HTML that tells an analysis to people, whole in one file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from matplotlib.figure import Figure

import hrtem_app
from hrtem_app.analysis import Analysis
from hrtem_app.correction import Corrections
from hrtem_app.export.drawing import png, svg
from hrtem_app.export.figure import agreement_figure
from hrtem_app.export.markup import bullets, facts, heading, page, paragraph, picture, section, table
from hrtem_app.export.pictures import columns_figure, frames_figure
from hrtem_app.export.report_columns import (
    correction_parts,
    count_parts,
    dispute_parts,
    grain_parts,
    summary,
    vote_parts,
)
from hrtem_app.export.report_recipe import network_parts, recipe_parts
from hrtem_app.export.sidecar import versions
from hrtem_app.series import FocalSeries

# Title, and what is in it: HTML, which is taken as it is, and figures.
Section = tuple[str, str | Figure | Sequence[str | Figure]]
_FRAMES_DPI = 150
_TRUST = (
    "Votes tell how far the networks agree, not how probable it is that they are right: they learnt from the same "
    "simulations, and what these lack can mislead all of them alike. "
    "Look first at disputes between 1S and 2S, at grains that are undecided, at the rim of the flake and of the "
    "support, and at what the warnings name; there classes go wrong before positions do. "
    "Probabilities are the networks' own and were not checked against experiments, and the spread of their positions "
    "leaves out every error that they share, so it bounds the true one from below only."
)


def report_html(
    analysis: Analysis,
    sections: Sequence[Section] = (),
    agreement: bytes | None = None,
    corrections: Corrections | None = None,
) -> str:
    """Tell an analysis as one page that needs no other file, no network and no JavaScript.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave; its table may be corrected by hand.
    sections
        More of them, measurements or scores say, each a title and what is in it: matplotlib figures and HTML. The HTML
        is taken as it is, so whoever makes it escapes what comes from files, as `hrtem_app.export.markup` does.
    agreement
        The agreement figure as PNG or SVG where it is drawn already; None: drawn in the default colours.
    corrections
        What led to the table; None: unknown, or nobody corrected it.

    Returns
    -------
    The page; whatever else came from files is escaped.
    """
    title = f"Atomic columns of {analysis.series.name}"
    made = f"hrtem-app {hrtem_app.__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    drawn = svg(agreement_figure(analysis, vector=True)) if agreement is None else agreement
    return page(
        title,
        [
            f"<header>\n{heading(title)}\n{paragraph(made)}\n{paragraph(summary(analysis))}\n</header>",
            _warnings(analysis.warnings),
            section("What to trust", paragraph(_TRUST)),
            section("Series", *_series_parts(analysis)),
            section("Columns", *_picture_parts(analysis, drawn), *count_parts(analysis)),
            section("Votes", *vote_parts(analysis.table, len(analysis.networks))),
            section("Disputes", *dispute_parts(analysis.table)),
            section("Grains", *grain_parts(analysis.table, analysis.recipe.sublattice)),
            section("Corrections by hand", *correction_parts(analysis.table, corrections)),
            *(_more(*one) for one in sections),
            section("Recipe", *recipe_parts(analysis.recipe)),
            section("Networks", *network_parts(analysis.networks)),
            section("Program", *_program_parts(analysis)),
        ],
    )


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return section("Warnings", paragraph("None."))
    return f'<div class="warnings" role="alert">{section("Warnings", bullets(warnings))}</div>'


def _series_parts(analysis: Analysis) -> list[str]:
    series, recipe = analysis.series, analysis.recipe
    height, width = series.shape
    sampling = series.known_sampling
    defocus = series.defocus
    used = [f"{i}" if defocus is None else f"{i} ({defocus[i]:.4g} Å)" for i in analysis.frames]
    known = {
        "Name": series.name,
        "Frames": len(series),
        "Size": f"{width} × {height} px, {width * sampling / 10:.4g} × {height * sampling / 10:.4g} nm (x × y)",
        "Sampling": f"{sampling:.6g} Å/px" + (", as told" if recipe.sampling is not None else ""),
        "Beam energy": "unknown" if series.energy is None else f"{series.energy / 1000:.4g} keV",
        "Defocus": _defocus(series) + (", as told" if recipe.defocus is not None else ""),
        "Frames used, counted from 0": ", ".join(used),
        "Drift taken out, (y, x)": ", ".join(f"({y:.2f}, {x:.2f}) px" for y, x in analysis.shifts) or "none",
        "Lattice taken out, first spot at": ", ".join(f"{angle:.4f} rad" for angle in analysis.angles) or "none",
    }
    files = [(str(source.path), source.sha256 or "unknown") for source in series.sources]
    return [
        facts(known),
        table(("file", "SHA-256"), files) if files else paragraph("The series was made in memory, from no file."),
        picture(
            png(frames_figure(analysis), _FRAMES_DPI),
            "The used frames as they were recorded, and below as the networks saw them: without the support's lattice.",
        ),
    ]


def _defocus(series: FocalSeries) -> str:
    if series.defocus is None:
        return "unknown"
    return ", ".join(f"{value:.4g}" for value in series.defocus) + " Å (positive: underfocus)"


def _picture_parts(analysis: Analysis, agreement: bytes) -> list[str]:
    return [
        picture(svg(columns_figure(analysis)), "The columns of all networks together, on the first used frame."),
        picture(
            agreement,
            "Which networks see which columns: one column of panels for each class, all predictions above, those of "
            "two and more networks in the middle, those of a single one below.",
        ),
    ]


def _more(title: str, content: str | Figure | Sequence[str | Figure]) -> str:
    """A section that other code hands in."""
    parts = [content] if isinstance(content, str | Figure) else content
    return section(title, *(part if isinstance(part, str) else picture(svg(part), title) for part in parts))


def _program_parts(analysis: Analysis) -> list[str]:
    seconds = {step: f"{value:.2f} s" for step, value in analysis.seconds.items()}
    return [facts({"Device": analysis.device or "unknown"} | versions()), table(("step", "time"), seconds.items())]
