"""`analyse` and `demo`: from a series to its result files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import real, recipe_from_options
from hrtem_app.cli.window import has_screen, open_window

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.recipe import Recipe

DEMO_FOLDER = Path("demo-results")


def analyse(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The series: one stack, or its frames in order.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")],
    sampling: Annotated[
        float | None, typer.Option(parser=real, metavar="A", help="Å per pixel, in place of the file's.")
    ] = None,
    defocus: Annotated[
        str | None, typer.Option(metavar="A,A,A", help="Defocus of each frame in Å, in place of the file's.")
    ] = None,
    frames: Annotated[str | None, typer.Option(metavar="i,j,k", help="Frames to use, counted from 0.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="R.json", help="A recipe, or the name of a shipped one; other options overrule it."),
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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in DIR.")] = False,
) -> None:
    """Find the atomic columns of a focal series and write them to DIR."""
    told = recipe_from_options(
        recipe,
        sampling=sampling,
        defocus=defocus,
        frames=frames,
        networks=networks,
        align=align,
        no_filter=no_filter,
        device=device,
        precision=precision,
    )
    report(analyse_to(files, out, told, overwrite))


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


def analyse_to(files: list[Path], out: Path, recipe: Recipe, overwrite: bool) -> tuple[Analysis, list[Path]]:
    """Analyse the files and write the results; refuses a folder before the work rather than after it."""
    with ProgressLine() as progress:
        # The first import of the numerical libraries takes seconds, in which nobody should look at nothing.
        progress.wait("loading")
        from hrtem_app.analysis import analyse
        from hrtem_app.export import check_folder, write_results

        check_folder(out, overwrite)
        analysis = analyse(files, recipe, progress=lambda done: progress.show(done.step, done.fraction))
        progress.show("writing", 0.99)
        paths = write_results(analysis, out, overwrite=overwrite)
        progress.show("done", 1.0)
    return analysis, paths


def report(done: tuple[Analysis, list[Path]]) -> None:
    """Warnings and counts to stderr, the files to stdout."""
    analysis, paths = done
    for warning in analysis.warnings:
        typer.echo(f"warning: {warning}", err=True)
    counts = ", ".join(f"{number} {name}" for name, number in analysis.table.counts().items())
    disputed = sum(bool(text) for text in analysis.table.disputed)
    typer.echo(f"{len(analysis.table)} columns: {counts}; {disputed} disputed", err=True)
    for path in paths:
        typer.echo(str(path))
