"""The one pipeline that screen and command line call: from a focal series to a table of atomic columns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hrtem_app.columns import ColumnTable
from hrtem_app.imaging.aligned import Aligned, align
from hrtem_app.imaging.lattice_filter import remove_lattice
from hrtem_app.imaging.shifting import Area
from hrtem_app.inference.agreement import consensus
from hrtem_app.inference.checks import choose_frames, doubts, outside_ranges
from hrtem_app.inference.device import choose_device, describe_device
from hrtem_app.inference.grain_doubts import grain_doubts
from hrtem_app.inference.interruption import Stop, never
from hrtem_app.inference.network_run import Inputs, Stopwatch, network_steps
from hrtem_app.inference.result import NetworkResult, columns_from_maps
from hrtem_app.inference.versions import Versions, fitting_versions
from hrtem_app.io import load_series
from hrtem_app.networks import catalog
from hrtem_app.recipe import Recipe
from hrtem_app.series import FocalSeries

__all__ = ["Analysis", "NetworkResult", "Progress", "analyse", "analysis_steps"]

# Shares of the work, for the progress bar: the filter at the start, the networks up to here.
_FILTERED, _PREDICTED = 0.05, 0.97


@dataclass(frozen=True)
class Progress:
    """How far an analysis is: the step it is at and the fraction of the whole, 0…1."""

    step: str
    fraction: float


@dataclass(frozen=True, eq=False)
class Analysis:
    """All that came out of an analysis, with all that it was told.

    Parameters
    ----------
    series
        The whole series as given, with the recipe's sampling and defocus.
    frames
        0-based indices of the frames that were used, in order.
    recipe
        What the analysis was told.
    filtered
        The used frames without the support's lattice.
    angles
        Angle in rad of the first spot of each lattice that was removed.
    networks
        What each network said, by name; those that really ran, see `hrtem_app.inference.versions`.
    table
        The sites on which they agree or do not, in pixels of the original image.
    warnings
        What a reader of the result should know, one sentence each.
    seconds
        Time per step.
    device
        Where the networks ran.
    shifts
        (dy, dx) in pixels of each used frame, by which its content lay away from where it is in the first of them and
        which were taken out; empty where frames were used as they are.
    area
        The pixels that all used frames show after that; columns outside are in no table. None: the whole image.
    """

    series: FocalSeries
    frames: tuple[int, ...]
    recipe: Recipe
    filtered: FocalSeries
    angles: tuple[float, ...]
    networks: dict[str, NetworkResult]
    table: ColumnTable
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    device: str = ""
    shifts: tuple[tuple[float, float], ...] = ()
    area: Area | None = None


def analyse(
    series: FocalSeries | str | Path | Sequence[str | Path],
    recipe: Recipe | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Analysis:
    """Find the atomic columns of a focal series.

    Parameters
    ----------
    series
        The series, or the file or files to read it from.
    recipe
        What to do; None: the defaults.
    progress
        Called after each step and each tile.

    Raises
    ------
    SeriesError
        For a series that cannot be read, whose sampling is unknown or that has fewer frames than a network needs, or
        shifts that leave nothing of the image or are fewer than the frames.
    ValueError
        For a network or a device that does not exist.
    """
    told = recipe or Recipe()
    given = series if isinstance(series, FocalSeries) else load_series(series, sampling=told.sampling)
    steps = analysis_steps(given, told)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            analysis: Analysis = end.value
            return analysis
        if progress is not None:
            progress(step)


def analysis_steps(
    series: FocalSeries, recipe: Recipe | None = None, stop: Stop = never
) -> Generator[Progress, None, Analysis]:
    """`analyse` as a generator: yields its progress, returns the analysis; closing it at a yield cancels.

    Raises
    ------
    StoppedError
        Where `stop` returned true while a network ran, which takes longest: it is asked at every layer.
    """
    recipe = recipe or Recipe()
    watch = Stopwatch()
    series = _as_told(series, recipe)
    sampling = series.known_sampling
    versions = versions_for(series, recipe)
    cards = versions.cards
    device = choose_device(recipe.device)
    frames = choose_frames(series, recipe, cards)
    used = series.select(frames)
    aligned = Aligned(used)
    if recipe.alignment.enabled:
        yield Progress("alignment", 0.0)
        with watch.measure("alignment"):
            aligned = align(used, recipe.alignment, frames)
        used = aligned.series
    yield Progress("lattice filter", 0.0)
    with watch.measure("lattice filter"):
        lattice = remove_lattice(used.frames, sampling, recipe.filter)
    inputs = Inputs(lattice.frames, sampling, recipe.standardisation.sigma)
    results: dict[str, NetworkResult] = {}
    share = (_PREDICTED - _FILTERED) / len(cards)
    for number, card in enumerate(cards):
        yield Progress(card.name, _FILTERED + share * number)
        with watch.measure("loading"):
            module, _ = catalog.load_network(card.name, device)
        run = network_steps(module, card, inputs, recipe, device, watch, stop)
        try:
            while True:
                yield Progress(card.name, _FILTERED + share * (number + next(run)))
        except StopIteration as end:
            results[card.name] = _inside(end.value, aligned.area)
    yield Progress("agreement", _PREDICTED)
    with watch.measure("agreement"):
        agreed = consensus(results, recipe.columns, recipe.agreement, recipe.sublattice)
    return Analysis(
        series=series,
        frames=frames,
        recipe=recipe,
        filtered=used.with_frames(lattice.frames),
        angles=tuple(lattice.angles),
        networks=results,
        table=agreed.table,
        warnings=(
            *series.warnings,
            *versions.sentences,
            *aligned.warnings,
            *doubts(series, frames, recipe, cards, lattice.angles),
            *grain_doubts(agreed.table, agreed.grains, recipe.sublattice),
        ),
        seconds=watch.seconds,
        device=describe_device(device),
        shifts=aligned.shifts,
        area=aligned.area,
    )


def can_be_found_again(before: Recipe, after: Recipe) -> bool:
    """Whether two recipes differ only in what happens to the networks' maps: `found_again` is enough."""
    parts = {
        "columns": after.columns,
        "sublattice": after.sublattice,
        "agreement": after.agreement,
        "measure": after.measure,
    }
    return before.model_copy(update=parts) == after


def found_again(analysis: Analysis, recipe: Recipe) -> Analysis:
    """Columns and their agreement anew from the maps of an analysis; no network is run.

    The result is that of a whole analysis with this recipe, bit for bit.

    Parameters
    ----------
    analysis
        An earlier result.
    recipe
        Its own, but for the parts `columns`, `sublattice`, `agreement` and `measure`.

    Raises
    ------
    ValueError
        For a recipe that differs in more than that; names the first field.
    """
    if not can_be_found_again(analysis.recipe, recipe):
        changed = next(n for n in type(recipe).model_fields if getattr(recipe, n) != getattr(analysis.recipe, n))
        raise ValueError(f"'{changed}' of the recipe was changed as well: run the networks again")
    results = {name: _found(result, analysis, recipe) for name, result in analysis.networks.items()}
    agreed = consensus(results, recipe.columns, recipe.agreement, recipe.sublattice)
    told = analysis.recipe
    former = consensus(analysis.networks, told.columns, told.agreement, told.sublattice)
    doubted = {*grain_doubts(former.table, former.grains, told.sublattice)}
    kept = tuple(warning for warning in analysis.warnings if warning not in doubted)
    return replace(
        analysis,
        recipe=recipe,
        networks=results,
        table=agreed.table,
        warnings=(*kept, *grain_doubts(agreed.table, agreed.grains, recipe.sublattice)),
    )


def _found(result: NetworkResult, analysis: Analysis, recipe: Recipe) -> NetworkResult:
    """A network's result with columns found anew in its maps."""
    sampling = result.columns.sampling
    columns = columns_from_maps(
        result.card.name, result.probabilities, result.sampling, sampling, recipe.columns, recipe.sublattice
    )
    return _inside(replace(result, columns=columns), analysis.area)


def versions_for(series: FocalSeries, recipe: Recipe) -> Versions:
    """The versions of the recipe's networks that would run on a series.

    Raises
    ------
    NetworkError
        For a network that there is not.
    """
    told = _as_told(series, recipe)
    frames = told.defocus_order() if recipe.frames is None else recipe.frames
    return fitting_versions(recipe.networks, catalog.available(), len(frames), partial(outside_ranges, told, frames))


def _as_told(series: FocalSeries, recipe: Recipe) -> FocalSeries:
    return replace(
        series,
        sampling=series.sampling if recipe.sampling is None else recipe.sampling,
        defocus=series.defocus if recipe.defocus is None else recipe.defocus,
        energy=series.energy if recipe.energy is None else recipe.energy,
    )


def _inside(result: NetworkResult, area: Area | None) -> NetworkResult:
    """A network's result without the columns that not all frames show."""
    if area is None:
        return result
    return replace(result, columns=result.columns.select(area.holds(result.columns.positions)))
