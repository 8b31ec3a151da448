"""Labels: one class per pixel, disks around the true columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BACKGROUND = 3
RADIUS = 0.65


def disk_labels(
    positions: NDArray[np.float64],
    classes: NDArray[np.int64],
    shape: tuple[int, int],
    sampling: float,
    radius: float = RADIUS,
    background: int = BACKGROUND,
) -> NDArray[np.int64]:
    """Paint disks around columns; where disks meet, the nearest column wins.

    Parameters
    ----------
    positions
        (n, 2) as (y, x) in pixels.
    classes
        (n,) their classes.
    shape
        (y, x) of the image.
    sampling
        Å per pixel.
    radius
        Of the disks in Å.
    background
        Class outside all disks: one more than the last class of the material.

    Returns
    -------
    (y, x) class per pixel.
    """
    labels = np.full(shape, background, np.int64)
    if len(positions) == 0:
        return labels
    reach = radius / sampling
    near = np.flatnonzero(((positions > -1 - reach) & (positions < np.array(shape) + reach)).all(axis=1))
    if len(near) == 0:
        return labels
    # Only the square around each column is looked at: disks cover a small part of an image.
    offsets = np.arange(-int(np.ceil(reach)), int(np.ceil(reach)) + 1)
    patch = np.stack(np.meshgrid(offsets, offsets, indexing="ij"), axis=-1).reshape(-1, 2)
    middle = np.rint(positions[near]).astype(int)
    pixels = middle[:, np.newaxis] + patch
    distance = np.linalg.norm(pixels - positions[near][:, np.newaxis], axis=-1)
    hit = (distance <= reach) & ((pixels >= 0) & (pixels < shape)).all(axis=-1)
    # Of several values for a pixel the last one stays, so the nearest comes last.
    order = np.argsort(-distance[hit], kind="stable")
    painted = np.broadcast_to(classes[near][:, np.newaxis], hit.shape)[hit][order]
    labels[tuple(pixels[hit][order].T)] = painted
    return labels
