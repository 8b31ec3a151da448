"""`measure`: vacancies, lattice, strain, edges and defects of a table of columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrtem_app.cli.values import numbers, real, whole

if TYPE_CHECKING:
    from hrtem_app.measure import MeasureSettings


def measure(
    columns: Annotated[Path, typer.Argument(metavar="columns.csv", help="The columns that `analyse` found.")],
    region: Annotated[
        str | None,
        typer.Option(metavar='"x,y;x,y;…"', help="Corners of a polygon in pixels; everything if not given."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the summary.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write JSON, a table of all columns and figures to DIR.")
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(metavar="x,y", help="Width and height of the image in pixels; else from analysis.json beside it."),
    ] = None,
    votes: Annotated[
        int | None, typer.Option(parser=whole, metavar="n", help="Count only classes that n networks agree on.")
    ] = None,
    decided_only: Annotated[
        bool, typer.Option("--decided-only", help="Count only grains whose sublattices are decided.")
    ] = False,
    reference: Annotated[
        float | None,
        typer.Option(parser=real, metavar="A", help="Lattice constant in Å that strain is relative to; else its own."),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with all settings; the other options overrule it.")
    ] = None,
    sampling: Annotated[
        float | None, typer.Option(parser=real, metavar="A", help="Å per pixel, for a table without rows.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier measurements in DIR.")] = False,
) -> None:
    """Measure a table of columns: vacancies, areas, distances, lattice, strain, edges and defects."""
    from hrtem_app.columns import ColumnTable
    from hrtem_app.evaluation.hand_labelled import recorded_shape
    from hrtem_app.measure import measure as run
    from hrtem_app.measure.files import check_target, write_measurements

    if out is not None:
        check_target(out, overwrite)
    told = _settings(settings, votes, decided_only, reference)
    shape = recorded_shape(columns) if image_size is None else _size(image_size)
    table = ColumnTable.from_csv(columns, sampling)
    measured = run(table, None if region is None else _corners(region), told, shape)
    for warning in measured.warnings:
        typer.echo(f"warning: {warning}", err=True)
    paths = [] if out is None else write_measurements(measured, out, overwrite)
    typer.echo(measured.to_json() if as_json else measured.summary())
    for path in paths:
        # With --json stdout holds JSON and nothing else.
        typer.echo(str(path), err=as_json)


def _settings(file: Path | None, votes: int | None, decided_only: bool, reference: float | None) -> MeasureSettings:
    from hrtem_app.measure import MeasureSettings
    from hrtem_app.recipe import load_settings

    base = load_settings(file, MeasureSettings) if file else MeasureSettings()
    given = {"votes": votes, "decided_only": decided_only or None, "reference": reference}
    return MeasureSettings.model_validate(
        base.model_dump() | {name: value for name, value in given.items() if value is not None}
    )


def _corners(text: str) -> list[tuple[float, float]]:
    """(y, x) corners of a region; raises ValueError naming the value and what it should be."""
    corners = []
    for item in text.strip().rstrip(";").split(";"):
        try:
            x, y = (float(number) for number in item.split(","))
        except ValueError:
            raise ValueError(
                f"--region: '{item}' is no corner: give x,y of each in pixels, \"0,0;400,0;400,300\" say"
            ) from None
        corners.append((y, x))
    return corners


def _size(text: str) -> tuple[int, int]:
    """(y, x) of an image."""
    size = numbers("--image-size", text)
    if len(size) != 2 or any(value != int(value) or value < 1 for value in size):
        raise ValueError(f"--image-size {text}: give its width and its height in pixels, 640,640 say")
    return int(size[1]), int(size[0])
