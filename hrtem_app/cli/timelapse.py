"""`timelapse`: a stack over time, from its files to tracks and counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import numbers, real, recipe_from_options, whole

if TYPE_CHECKING:
    from hrtem_app.recipe import Recipe
    from hrtem_app.series import FocalSeries
    from hrtem_app.timelapse import Observation, TimePoint

_ORDERS = ("time", "defocus")


def timelapse(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="One long stack, or the files of all time points in order.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; what is done in it is not redone.")],
    group: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="n", help="Frames of a time point; without it each file is a time point."),
    ] = None,
    interval: Annotated[
        float | None, typer.Option(parser=real, metavar="S", help="Seconds from one time point to the next.")
    ] = None,
    order: Annotated[
        str,
        typer.Option(metavar="time|defocus", help="Whether a stack goes group by group, or defocus by defocus."),
    ] = "time",
    defocus: Annotated[
        str | None, typer.Option(metavar="A,A,A", help="Defocus in Å of each frame of a time point.")
    ] = None,
    sampling: Annotated[
        float | None, typer.Option(parser=real, metavar="A", help="Å per pixel, in place of the files'.")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="R.json", help="A recipe, or the name of a shipped one; other options overrule it."),
    ] = None,
    networks: Annotated[str | None, typer.Option(metavar="unet,unet_pp,msd_net", help="Which networks to run.")] = None,
    align: Annotated[bool, typer.Option("--align", help="Shift the frames of a time point onto its first.")] = False,
    device: Annotated[
        str | None, typer.Option(metavar="auto|cpu|cuda|cuda:1|mps", help="Where the networks run.")
    ] = None,
    reach: Annotated[
        float | None,
        typer.Option(parser=real, metavar="A", help="Å from a site within which a column is its; else a third bond."),
    ] = None,
    memory: Annotated[
        int, typer.Option(parser=whole, metavar="n", help="Time points for which a site may go unseen.")
    ] = 1,
    smooth: Annotated[
        int,
        typer.Option(parser=whole, metavar="n", help="The class of a column is that of most of n time points, 3 say."),
    ] = 1,
    results: Annotated[
        bool, typer.Option("--results", help="Write all results of each time point, as `analyse` does.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the summary.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the tables of an earlier stack.")] = False,
) -> None:
    """Analyse a stack over time: columns linked from time point to time point, vacancies counted."""
    if order not in _ORDERS:
        raise ValueError(f"--order {order}: give {' or '.join(_ORDERS)}")
    each = None if defocus is None else numbers("--defocus", defocus)
    told = recipe_from_options(recipe, sampling=sampling, networks=networks, align=align, device=device)
    with ProgressLine() as progress:
        progress.wait("loading")
        from hrtem_app.timelapse import points_of_files, put_together, write_timelapse
        from hrtem_app.timelapse.files import check_target

        check_target(out, overwrite)
        points = points_of_files(
            files,
            group,
            order="defocus" if order == "defocus" else "time",
            defocus=each,
            interval=interval,
            sampling=told.sampling,
        )
        observations = _observations(points, told, out, results, progress)
        progress.show("linking", 0.99)
        stack = put_together(observations, reach=reach, memory=memory, window=smooth, settings=told.measure)
        paths = write_timelapse(stack, out, overwrite)
        progress.show("done", 1.0)
    from hrtem_app.timelapse.report import content_json, summary

    for warning in dict.fromkeys([*(w for o in observations for w in o.warnings), *stack.tracks.warnings]):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(content_json(stack) if as_json else summary(stack))
    for path in paths:
        # With --json stdout holds JSON and nothing else.
        typer.echo(str(path), err=as_json)


def _observations(
    points: tuple[TimePoint, ...], recipe: Recipe, out: Path, results: bool, progress: ProgressLine
) -> list[Observation]:
    """Analyse what was not done before, and keep it."""
    from hrtem_app.analysis import Progress
    from hrtem_app.export import write_results
    from hrtem_app.export.sidecar import SIDECAR
    from hrtem_app.timelapse import Store, analyse_timelapse

    store = Store(out)

    def known(point: TimePoint, series: FocalSeries, told: Recipe) -> Observation | None:
        lacks_results = results and not (store.place(point.number) / SIDECAR).exists()
        return None if lacks_results else store.find(point, series, told)

    found = []
    for step in analyse_timelapse(points, recipe, known=known):
        if isinstance(step, Progress):
            progress.show(step.step, 0.99 * step.fraction)
            continue
        observation = step.observation
        if step.analysis is not None and results:
            write_results(step.analysis, store.place(observation.number), overwrite=True)
        found.append(store.keep(observation, step.series))
    return found
