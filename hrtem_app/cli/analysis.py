"""`analyse` and `demo`: from one or many series to their result files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrtem_app.cli.many import analyse_each
from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import real, recipe_from_options, whole
from hrtem_app.cli.window import has_screen, open_window

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.recipe import Recipe

DEMO_FOLDER = Path("demo-results")
_NO_CHOICES: Mapping[str, Any] = {}


def analyse(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="The series: one stack, or its frames in order. A folder: all series in it."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")],
    each: Annotated[
        bool, typer.Option("--each", help="Every FILE is a series: results in DIR/NAME, a table in DIR/results.csv.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Look for series in the folders of a folder too.")
    ] = False,
    group_by_folder: Annotated[
        bool, typer.Option("--group-by-folder", help="Like --each, but the files of a folder are frames of one series.")
    ] = False,
    sampling: Annotated[
        float | None, typer.Option(parser=real, metavar="A", help="Å per pixel, in place of the file's.")
    ] = None,
    defocus: Annotated[
        str | None, typer.Option(metavar="A,A,A", help="Defocus of each frame in Å, in place of the file's.")
    ] = None,
    energy: Annotated[
        float | None, typer.Option(parser=real, metavar="eV", help="Electron energy in eV, in place of the file's.")
    ] = None,
    frames: Annotated[str | None, typer.Option(metavar="i,j,k", help="Frames to use, counted from 0.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="R.json", help="A recipe, the name of a shipped one, or JSON itself; other options overrule it."
        ),
    ] = None,
    networks: Annotated[str | None, typer.Option(metavar="unet,unet_pp,msd_net", help="Which networks to run.")] = None,
    align: Annotated[bool, typer.Option("--align", help="Shift the frames onto the first one that is used.")] = False,
    no_filter: Annotated[bool, typer.Option("--no-filter", help="Leave the support's lattice in.")] = False,
    device: Annotated[
        str | None, typer.Option(metavar="auto|cpu|cuda|cuda:1|mps", help="Where the networks run.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="float32|bfloat16", help="Of the networks; bfloat16 is faster, not as exact.")
    ] = None,
    views: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="1|2|4|8", help="Turned and mirrored views that are averaged; as slow."),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Write measurements too: vacancies, lattice, strain, edges, defects.")
    ] = False,
    palette: Annotated[
        str | None, typer.Option(metavar="thesis|colour-blind", help="Colours of the agreement figure.")
    ] = None,
    equal_dots: Annotated[
        bool, typer.Option("--equal-dots", help="Dots of one size in the agreement figure, whatever the probability.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the paths.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in DIR.")] = False,
) -> int:
    """Find the atomic columns of a focal series, or of many, and write them to DIR."""
    told = recipe_from_options(
        recipe,
        sampling=sampling,
        defocus=defocus,
        energy=energy,
        frames=frames,
        networks=networks,
        align=align,
        no_filter=no_filter,
        device=device,
        precision=precision,
        views=views,
    )
    choices = ({"palette": palette} if palette else {}) | ({"equal_dots": True} if equal_dots else {})
    if each or group_by_folder or any(path.is_dir() for path in files):
        choices |= {"overwrite": overwrite, "measure": measure}
        return analyse_each(files, out, told, choices, recursive, group_by_folder, as_json)
    done = analyse_to(files, out, told, overwrite, measure, choices)
    report(done, as_json)
    return 0


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Write result files; open no window.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=f"Folder for the results without a window.  [default: {DEMO_FOLDER}]"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in DIR.")] = False,
) -> int:
    """Analyse the bundled series, on screen or into files."""
    from hrtem_app.resources import sample_path

    sample = sample_path()
    if not sample.exists():
        raise ValueError(f"the bundled sample {sample} is missing: install hrtem-app again")
    if has_screen() and not headless and out is None:
        return open_window([sample], analyse=True)
    # The folder that nobody chose is ours to refresh.
    folder = out or DEMO_FOLDER
    report(analyse_to([sample], folder, recipe_from_options(), overwrite or out is None))
    typer.echo(f"look at {folder / 'agreement.png'} and {folder / 'columns.csv'}", err=True)
    return 0


def analyse_to(
    files: list[Path],
    out: Path,
    recipe: Recipe,
    overwrite: bool,
    measured: bool = False,
    figures: Mapping[str, Any] = _NO_CHOICES,
) -> tuple[Analysis, list[Path]]:
    """Analyse the files and write the results; refuses a folder before the work rather than after it.

    Parameters
    ----------
    files
        Of one series.
    out
        Folder for the results.
    recipe
        What to do.
    overwrite
        Replace earlier results in the folder.
    measured
        Write measurements too.
    figures
        `palette` and `equal_dots` of `write_results`, where they are not the defaults.
    """
    with ProgressLine() as progress:
        # The first import of the numerical libraries takes seconds, in which nobody should look at nothing.
        progress.wait("loading")
        from hrtem_app.analysis import analyse
        from hrtem_app.export import check_folder, write_results
        from hrtem_app.inference.palette import palette_colours

        check_folder(out, overwrite)
        palette_colours((), figures.get("palette", "thesis"))
        analysis = analyse(files, recipe, progress=lambda done: progress.show(done.step, done.fraction))
        progress.show("writing", 0.99)
        paths = write_results(analysis, out, overwrite=overwrite, **figures)
        if measured:
            paths += _measure(analysis, out, overwrite)
        progress.show("done", 1.0)
    return analysis, paths


def report(done: tuple[Analysis, list[Path]], as_json: bool = False) -> None:
    """Warnings and counts to stderr, the files, or JSON with the main numbers, to stdout."""
    analysis, paths = done
    for warning in analysis.warnings:
        typer.echo(f"warning: {warning}", err=True)
    counts = ", ".join(f"{number} {name}" for name, number in analysis.table.counts().items())
    disputed = sum(bool(text) for text in analysis.table.disputed)
    typer.echo(f"{len(analysis.table)} columns: {counts}; {disputed} disputed", err=True)
    if not as_json:
        for path in paths:
            typer.echo(str(path))
        return
    from hrtem_app.batch import describe

    values, _ = describe(paths[0].parent, analysis.recipe.measure)
    content = {"folder": str(paths[0].parent), "files": [str(path) for path in paths], **values}
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def _measure(analysis: Analysis, out: Path, overwrite: bool) -> list[Path]:
    from hrtem_app.measure import measure
    from hrtem_app.measure.files import write_measurements

    measured = measure(analysis.table, settings=analysis.recipe.measure, image_shape=analysis.series.shape)
    return write_measurements(measured, out, overwrite)
