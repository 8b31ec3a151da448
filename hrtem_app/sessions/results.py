"""The results of a session: what the networks said, and all that it was told."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt

from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.recipe import Part, Recipe
from hrtem_app.series import FocalSeries
from hrtem_app.sessions.archive import Parts
from hrtem_app.sessions.frames import SavedFacts, facts_of, stated
from hrtem_app.sessions.records import Piece, plain_text, record_text
from hrtem_app.sessions.tables import SavedTable, read_table, saved_table, table_members

if TYPE_CHECKING:
    from hrtem_app.analysis import Analysis
    from hrtem_app.inference.result import NetworkResult

_TABLE = "results/table"
# Pixels by which the size of a map may differ from that of the image at its sampling.
_ROUNDING = 2


class SavedNetwork(Part):
    """What a network said, without its maps and rows."""

    name: str
    card: NetworkCard
    sampling: Annotated[FiniteFloat, Field(gt=0, description="Å per pixel of the maps.")]
    shape: Annotated[tuple[PositiveInt, PositiveInt, PositiveInt], Field(description="(classes + 1, y, x).")]
    columns: SavedTable


class SavedResults(Part):
    """An analysis without its arrays; the filtered frames are calculated again."""

    series: SavedFacts
    frames: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]
    recipe: Recipe
    angles: Annotated[tuple[float, ...], Field(description="rad, of the lattices that were removed.")]
    networks: tuple[SavedNetwork, ...]
    table: SavedTable
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    device: str
    shifts: Annotated[tuple[tuple[FiniteFloat, FiniteFloat], ...], Field(description="(dy, dx) px per frame.")]
    area: Annotated[
        tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt, NonNegativeInt] | None,
        Field(description="Top, bottom, left, right in px."),
    ]


def results_piece(analysis: Analysis) -> Piece:
    """An analysis, ready to be written."""
    members: dict[str, NDArray[Any] | bytes] = table_members(analysis.table, _TABLE)
    for number, result in enumerate(analysis.networks.values()):
        members[f"{_place(number)}/maps.npy"] = np.asarray(result.probabilities, np.float32)
        members |= table_members(result.columns, f"{_place(number)}/columns")
    saved = SavedResults(
        series=facts_of(analysis.series),
        frames=analysis.frames,
        recipe=analysis.recipe,
        angles=analysis.angles,
        networks=tuple(_saved_network(name, result) for name, result in analysis.networks.items()),
        table=saved_table(analysis.table),
        warnings=tuple(map(plain_text, analysis.warnings)),
        seconds=analysis.seconds,
        device=analysis.device,
        shifts=analysis.shifts,
        area=None if analysis.area is None else astuple(analysis.area),
    )
    return Piece(record_text(saved), members)


def read_results(saved: SavedResults, parts: Parts, series: FocalSeries) -> Analysis:
    """The analysis again.

    Parameters
    ----------
    saved, parts
        Of the session.
    series
        The whole series.

    Raises
    ------
    ValueError
        For arrays that are missing or damaged, or do not fit the series or each other.
    """
    from hrtem_app.analysis import Analysis
    from hrtem_app.imaging.shifting import Area

    names = [network.name for network in saved.networks]
    if len(set(names)) < len(names):
        raise ValueError(f"a network is named twice: {', '.join(names)}")
    whole = stated(series, saved.series)
    return Analysis(
        series=whole,
        frames=saved.frames,
        recipe=saved.recipe,
        filtered=_filtered(whole, saved),
        angles=saved.angles,
        networks={
            network.name: _read_network(network, parts, _place(number), series.shape)
            for number, network in enumerate(saved.networks)
        },
        table=read_table(saved.table, parts, _TABLE),
        warnings=saved.warnings,
        seconds=saved.seconds,
        device=saved.device,
        shifts=saved.shifts,
        area=None if saved.area is None else Area(*saved.area),
    )


def _saved_network(name: str, result: NetworkResult) -> SavedNetwork:
    classes, height, width = result.probabilities.shape
    return SavedNetwork(
        name=name,
        card=result.card,
        sampling=float(result.sampling),
        shape=(classes, height, width),
        columns=saved_table(result.columns),
    )


def _read_network(saved: SavedNetwork, parts: Parts, place: str, size: tuple[int, int]) -> NetworkResult:
    from hrtem_app.inference.result import NetworkResult

    scale = saved.sampling / saved.columns.sampling
    wanted = np.array([len(saved.card.classes) + 1, size[0] / scale, size[1] / scale])
    if (np.abs(saved.shape - wanted) > [0, _ROUNDING, _ROUNDING]).any():
        raise ValueError(
            f"the maps of '{saved.name}' have the shape {saved.shape}, which does not fit the image {size}"
        )
    return NetworkResult(
        card=saved.card,
        probabilities=parts.array(f"{place}/maps.npy", np.float32, saved.shape),
        sampling=saved.sampling,
        columns=read_table(saved.columns, parts, f"{place}/columns"),
    )


def _filtered(series: FocalSeries, saved: SavedResults) -> FocalSeries:
    """The used frames without the support's lattice, by the steps of an analysis and what these found."""
    from hrtem_app.imaging.lattice_filter import remove_lattice
    from hrtem_app.imaging.shifting import shift_back

    used = series.select(saved.frames)
    if saved.shifts:
        if len(saved.shifts) != len(used):
            raise ValueError(f"{len(saved.shifts)} shifts for {len(used)} frames")
        used = used.with_frames(shift_back(used.frames, saved.shifts))
    settings = saved.recipe.filter.model_copy(update={"angles": saved.angles})
    return used.with_frames(remove_lattice(used.frames, series.known_sampling, settings).frames)


def _place(number: int) -> str:
    """Where the parts of a network lie; its name may hold what names of files may not."""
    return f"results/network_{number}"
