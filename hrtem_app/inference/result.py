"""What one network said about a series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import STOCK_NETWORKS, ColumnTable, network_family
from hrtem_app.inference.finding import find_columns, read_map
from hrtem_app.inference.resample import to_image, to_map
from hrtem_app.inference.sublattice import decide_sublattices
from hrtem_app.recipe import ColumnFinding, Sublattice

if TYPE_CHECKING:
    from hrtem_app.networks.catalog import NetworkCard


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """One network's maps and the columns found in them.

    Parameters
    ----------
    card
        The network's card.
    probabilities
        (classes + 1, y, x) float32, in the network's pixels.
    sampling
        Å per pixel of the maps; the series' own unless it was resampled.
    columns
        Its columns in pixels of the original image, each with one vote.
    """

    card: NetworkCard
    probabilities: NDArray[np.float32]
    sampling: float
    columns: ColumnTable

    @property
    def scale(self) -> float:
        """Pixels of the original image per pixel of the maps."""
        return self.sampling / self.columns.sampling

    def probability_at(self, positions: NDArray[np.float64], class_index: int) -> NDArray[np.float64]:
        """(n,) probabilities of a class, read from its map at (n, 2) places (y, x) in pixels of the original image."""
        return read_map(self.probabilities[class_index], to_map(np.asarray(positions, float), self.scale))


def columns_from_maps(
    name: str,
    probabilities: NDArray[np.float32],
    sampling: float,
    image_sampling: float,
    settings: ColumnFinding,
    sublattice: Sublattice | None = None,
) -> ColumnTable:
    """The columns of one network as a table in pixels of the original image.

    Parameters
    ----------
    name
        The network, for its column of probabilities.
    probabilities
        (classes + 1, y, x).
    sampling, image_sampling
        Å per pixel of the maps and of the original image.
    settings
        How columns are found.
    sublattice
        How Mo and S are told apart grain by grain; None: the defaults.
    """
    positions, found, _ = find_columns(probabilities, sampling, settings)
    each = np.stack([read_map(channel, positions) for channel in probabilities[:-1]], axis=1)
    decision = decide_sublattices(positions * sampling, found, each, sublattice or Sublattice())
    classes = decision.classes
    probability = each[np.arange(len(classes)), classes]
    return ColumnTable(
        positions=to_image(positions, sampling / image_sampling),
        classes=classes,
        sampling=image_sampling,
        votes=np.ones(len(classes), np.int64),
        probability=probability,
        network_probability={name: probability},
        grain=decision.grain,
        grain_evidence=decision.evidence,
        decided=decision.decided,
    )


def ordered_networks(names: Iterable[str]) -> list[str]:
    """Names in the order of tables and colours: the stock networks, their versions, then the others by name."""

    def place(name: str) -> tuple[bool, bool, int, str]:
        family = network_family(name)
        return name not in STOCK_NETWORKS, family is None, STOCK_NETWORKS.index(family) if family else 0, name

    return sorted(set(names), key=place)
