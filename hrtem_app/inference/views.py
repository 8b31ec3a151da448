"""The agreement picture: which networks see which columns, per class, as dots in added-up colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hrtem_app.columns import network_family
from hrtem_app.inference.result import NetworkResult, ordered_networks
from hrtem_app.inference.sites import group_into_sites
from hrtem_app.recipe import Agreement

Kind = Literal["all", "agree", "unique"]
Colour = tuple[float, float, float]
KINDS: dict[Kind, str] = {"all": "all predictions", "agree": "two or more agree", "unique": "only one network"}
# Dots of predictions that one network alone makes are this much smaller in the picture of unique predictions.
UNIQUE_SIZE = 1 / 3
_STOCK_COLOURS: dict[str, Colour] = {"unet": (1, 0, 0), "unet_pp": (0, 1, 0), "msd_net": (0, 0, 1)}
_SPARE_COLOURS: tuple[Colour, ...] = ((1, 0.5, 0), (0, 0.7, 0.7), (0.7, 0, 1), (0.6, 0.6, 0))


def network_colours(names: Iterable[str]) -> dict[str, Colour]:
    """The colour (red, green, blue) of each network: U-net red, U-net++ green, MSD-net blue, others what is free.

    A version for fewer frames has the colour of its architecture, unless another network has it already.
    """
    ordered = ordered_networks(names)
    owners: dict[str, str] = {}
    for name in ordered:
        owners.setdefault(network_family(name) or "", name)
    stock = {name: _STOCK_COLOURS[family] for family, name in owners.items() if family}
    free = [c for c in _STOCK_COLOURS.values() if c not in stock.values()] + list(_SPARE_COLOURS)
    others = [name for name in ordered if name not in stock]
    return stock | {name: free[i % len(free)] for i, name in enumerate(others)}


@dataclass(frozen=True, eq=False)
class AgreementView:
    """Columns of one class, and who found them.

    Parameters
    ----------
    networks
        K names.
    positions
        (n, 2) mean positions (y, x) in pixels of the original image.
    found
        (n, K) whether each network found the column.
    each
        (n, K, 2) where each network saw it; NaN where it did not.
    """

    networks: tuple[str, ...]
    positions: NDArray[np.float64]
    found: NDArray[np.bool_]
    each: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def votes(self) -> NDArray[np.int64]:
        """(n,) by how many networks each column was found."""
        votes: NDArray[np.int64] = self.found.sum(axis=1, dtype=np.int64)
        return votes


def agreement_view(
    networks: Mapping[str, NetworkResult],
    class_index: int,
    kind: Kind = "all",
    agreement: Agreement | None = None,
) -> AgreementView:
    """The columns of one class as the networks see them, each class by itself.

    Parameters
    ----------
    networks
        What each network said, by name.
    class_index
        Index into `hrtem_app.columns.CLASSES`.
    kind
        `all` predictions, those on which at least two networks `agree`, or the `unique` ones of one network alone.
    agreement
        The distance in Å within which columns of two networks are the same.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no agreement view '{kind}': choose one of {', '.join(KINDS)}")
    names = ordered_networks(networks)
    tables = [networks[name].columns for name in names]
    own = [table.positions[table.classes == class_index] for table in tables]
    scaled = [positions * table.sampling for positions, table in zip(own, tables, strict=True)]
    members = group_into_sites(scaled, (agreement or Agreement()).distance)
    found = members >= 0
    each = np.full((*members.shape, 2), np.nan)
    for k, positions in enumerate(own):
        each[found[:, k], k] = positions[members[found[:, k], k]]
    votes = found.sum(axis=1)
    rows = {"all": votes > 0, "agree": votes > 1, "unique": votes == 1}[kind]
    mean = np.where(found[..., np.newaxis], each, 0).sum(axis=1) / np.maximum(votes, 1)[:, np.newaxis]
    return AgreementView(tuple(names), mean[rows], found[rows], each[rows])


def agreement_rgb(
    view: AgreementView,
    shape: tuple[int, int],
    radius: float,
    *,
    colours: Mapping[str, Colour] | None = None,
    enlarge: float = 1,
) -> NDArray[np.float32]:
    """Draw a view as anti-aliased dots, each network's at its own positions, whose colours add up.

    Parameters
    ----------
    view
        What `agreement_view` gives.
    shape
        (y, x) of the original image.
    radius
        Of the dots in pixels of the original image; see `dot_radius`.
    colours
        (red, green, blue) per network, each 0…1; None: `network_colours`.
    enlarge
        Pixels of the picture per pixel of the image.

    Returns
    -------
    (y·enlarge, x·enlarge, 3), rounded, float32 between 0 and 1, black where there is no dot.
    """
    palette = network_colours(view.networks) if colours is None else colours
    height, width = (max(1, round(length * enlarge)) for length in shape)
    picture = np.zeros((height, width, 3), np.float32)
    for k, name in enumerate(view.networks):
        positions = (view.each[view.found[:, k], k] + 0.5) * enlarge - 0.5
        cover = _dots(positions, picture.shape[:2], radius * enlarge)
        picture += cover[..., np.newaxis] * np.asarray(palette[name], np.float32)
    return np.clip(picture, 0, 1, out=picture)


def dot_radius(kind: Kind, radius: float, equal_dots: bool = False) -> float:
    """The radius of a kind's dots: a third for the unique predictions unless equal dots are wanted."""
    return radius * UNIQUE_SIZE if kind == "unique" and not equal_dots else radius


def _dots(positions: NDArray[np.float64], shape: tuple[int, ...], radius: float) -> NDArray[np.float32]:
    """How much of each pixel is covered by the disks around (n, 2) positions, 0…1."""
    cover = np.zeros(shape, np.float32)
    nearest = np.rint(positions).astype(np.int64)
    reach = int(np.ceil(radius)) + 1
    offsets = np.arange(-reach, reach + 1)
    rows, columns = nearest[:, :1] + offsets, nearest[:, 1:] + offsets
    distance = np.hypot(
        (rows - positions[:, :1])[:, :, np.newaxis],
        (columns - positions[:, 1:])[:, np.newaxis, :],
    )
    # Never smaller than a pixel: such a dot would vanish between the pixels.
    value = np.clip(max(radius, 0.5) + 0.5 - distance, 0, 1).astype(np.float32)
    inside_y, inside_x = (rows >= 0) & (rows < shape[0]), (columns >= 0) & (columns < shape[1])
    inside = inside_y[:, :, np.newaxis] & inside_x[:, np.newaxis, :]
    where_y = np.broadcast_to(rows[:, :, np.newaxis], value.shape)[inside]
    where_x = np.broadcast_to(columns[:, np.newaxis, :], value.shape)[inside]
    np.maximum.at(cover, (where_y, where_x), value[inside])
    return cover
