"""What the figures share: canvas, image, dots, scale bar, and files whose text stays text."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D, Affine2DBase, AffineDeltaTransform
from numpy.typing import ArrayLike, NDArray
from skimage.transform import resize_local_mean

DPI = 300
INK, PAPER = "black", "white"
# Brightest grey of an image behind dots whose colours mean something.
FAINT = 0.35
# Behind text on an image, so that it is read on any.
_BACKDROP = {"facecolor": INK, "edgecolor": "none", "alpha": 0.6, "pad": 1.5}
# The darkest and the brightest so many per cent of the pixels are cut off.
_CUT = 0.5
# Twice as quick as the default, for files that are a twentieth larger: an image's noise hardly compresses.
_COMPRESSION = 3
_TRANSFORM = ' transform="{}"'
_IMAGE = re.compile(r'<image\b[^>]*? id="(?P<id>[^"]*)"[^>]*? transform="(?P<transform>[^"]*)"[^>]*/>')


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches with its own canvas: pyplot and its windows are not touched."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def lay_out(figure: Figure) -> None:
    """Place everything for good, which takes as long as drawing: worth it for a figure that is written twice."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def save_figure(figure: Figure, path: str | Path, dpi: float = DPI) -> None:
    """Write a figure as PNG, SVG or PDF, whichever the name ends in.

    In SVG and PDF text stays text that can be edited (PDF embeds the fonts as TrueType), dots stay shapes, and images
    stay pixels. The same figure gives the same bytes: no date is written.

    Parameters
    ----------
    figure
        What one of the functions of this package drew.
    path
        Where to.
    dpi
        Pixels per inch of a PNG.

    Raises
    ------
    ValueError
        For a name that ends in anything else.
    """
    target = Path(path)
    match target.suffix.lower():
        case ".png":
            target.write_bytes(png(figure, dpi))
        case ".svg":
            target.write_bytes(svg(figure))
        case ".pdf":
            with mpl.rc_context({"pdf.fonttype": 42}):
                figure.savefig(target, metadata={"CreationDate": None})
        case _:
            raise ValueError(f"{path} does not tell the kind of the figure: give a name in .png, .svg or .pdf")


def png(figure: Figure, dpi: float = DPI) -> bytes:
    """A figure as PNG of so many pixels per inch."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, pil_kwargs={"compress_level": _COMPRESSION})
    return file.getvalue()


def svg(figure: Figure) -> bytes:
    """A figure as SVG, whose text is text and whose dots are shapes."""
    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "hrtem-app"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return _with_shared_images(file.getvalue()).encode()


def _with_shared_images(text: str) -> str:
    """SVG in which an image that several panels show is there once; matplotlib repeats it, identifier and all."""
    known: set[str] = set()

    def shared(found: re.Match[str]) -> str:
        name = found["id"]
        used = f'<use xlink:href="#{name}" transform="{found["transform"]}"/>'
        if name in known:
            return used
        known.add(name)
        return f"<defs>{found[0].replace(_TRANSFORM.format(found['transform']), '')}</defs>{used}"

    return _IMAGE.sub(shared, text)


def grey(image: NDArray[np.float32], inches: float = np.inf) -> NDArray[np.float32]:
    """A frame as grey 0…1, stretched over all but its darkest and brightest half per cent.

    Parameters
    ----------
    image
        (y, x).
    inches
        Width of the panel that shows it: finer pixels than are printed there are averaged.
    """
    fewer = inches * DPI / image.shape[1]
    if fewer < 1:
        image = resize_local_mean(image, [max(1, round(side * fewer)) for side in image.shape])
    low, high = np.percentile(image, [_CUT, 100 - _CUT])
    stretched: NDArray[np.float32] = np.clip((image - low) / max(high - low, 1e-12), 0, 1).astype(np.float32)
    return stretched


def show_image(axes: Axes, picture: NDArray[Any], shape: tuple[int, int], **options: Any) -> None:
    """Show a picture so that coordinates stay those of the original image: its pixel centres are whole numbers."""
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    axes.imshow(picture, extent=extent, cmap="gray", vmin=0, vmax=1, **options)
    axes.set_xticks([])
    axes.set_yticks([])


def add_dots(
    axes: Axes, positions: NDArray[np.float64], radius: float, colours: ArrayLike, shape: str = "o", **options: Any
) -> PathCollection:
    """Draw dots that keep their size relative to the image, each one a shape of its own in vector graphics.

    Parameters
    ----------
    axes
        That show an image.
    positions
        (n, 2) as (y, x) in pixels.
    radius
        In pixels.
    colours
        One, or one for each dot.
    shape
        A marker of matplotlib.
    """
    marker = MarkerStyle(shape)
    # A marker is one unit wide and has y upwards, an image downwards.
    path = marker.get_path().transformed(marker.get_transform() + Affine2D().scale(2 * radius, -2 * radius))
    dots = PathCollection(
        [path], offsets=positions[:, ::-1], offset_transform=axes.transData, facecolors=colours, **options
    )
    # Of linear axes, which those of images are, it is affine.
    dots.set_transform(AffineDeltaTransform(cast(Affine2DBase, axes.transData)))
    axes.add_collection(dots, autolim=False)
    return dots


def scale_bar(axes: Axes, shape: tuple[int, int], sampling: float) -> None:
    """A bar of 1, 2 or 5 times a power of ten, about a quarter of the image wide, in nm."""
    widest = 0.3 * shape[1] * sampling / 10
    power = 10 ** np.floor(np.log10(widest))
    length = float(max(step for step in (1, 2, 5) if step * power <= widest) * power)
    pixels = length * 10 / sampling
    left, bottom = 0.05 * shape[1], 0.95 * shape[0]
    thick = 0.015 * shape[0]
    axes.add_patch(Rectangle((left, bottom - thick), pixels, thick, facecolor=PAPER, edgecolor=INK, linewidth=0.4))
    middle = left + pixels / 2, bottom - 2.2 * thick
    axes.text(*middle, f"{length:g} nm", color=PAPER, ha="center", va="bottom", fontsize=7, bbox=_BACKDROP)


def corner_text(axes: Axes, text: str, side: str, **options: Any) -> None:
    """A few letters in the upper `left` or `right` corner."""
    axes.text(
        0.03 if side == "left" else 0.97, 0.97, text, transform=axes.transAxes, ha=side, va="top", color=PAPER,
        bbox=_BACKDROP, **options,
    )  # fmt: skip
