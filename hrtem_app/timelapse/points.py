"""Time points: a long stack cut into groups, or files that are read one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from hrtem_app.io import load_series
from hrtem_app.series import FocalSeries, SeriesError

Order = Literal["time", "defocus"]
"""How a stack is sorted: group by group, or all time points of one defocus, then all of the next."""


@dataclass(frozen=True)
class Cut:
    """Where the series of a time point is in files that are read when it is wanted.

    Parameters
    ----------
    files
        Those of one `load_series`, in its order.
    sampling
        Å per pixel in place of what they say.
    total
        How many frames they must give; None: any number.
    frames
        0-based, which of them make the time point; None: all.
    defocus
        Å of each frame of the time point, in place of what they say.
    """

    files: tuple[Path, ...]
    sampling: float | None = None
    total: int | None = None
    frames: tuple[int, ...] | None = None
    defocus: tuple[float, ...] | None = None

    def load(self, name: str) -> FocalSeries:
        """Read it; a part of what the files hold gets the name of the time point.

        Raises
        ------
        SeriesError
            For files that cannot be read, or hold another number of frames.
        """
        series = load_series(list(self.files), self.sampling)
        if self.frames is None:
            if self.total is not None and len(series) != self.total:
                raise SeriesError(
                    f"'{self.files[0]}' gives a time point of {len(series)} frames and the others have {self.total}: "
                    "give files alike"
                )
            return series if self.defocus is None else series.with_defocus(self.defocus)
        if self.total is not None and len(series) != self.total:
            raise SeriesError(
                f"'{self.files[0]}' has {len(series)} frames and the first file has {self.total}: give files alike"
            )
        part = replace(series.select(self.frames), name=name)
        return part if self.defocus is None else part.with_defocus(self.defocus)


@dataclass(frozen=True, eq=False)
class TimePoint:
    """A focal series, or a single image, of one moment.

    Parameters
    ----------
    number
        0-based.
    time
        In s since the first time point; None where nobody knows it.
    name
        What to call it on screen.
    load
        Gives its series; one that comes from a file of its own is read at every call, so that one is in memory.
    cut
        What is read by that; None where the series is at hand or is found otherwise.
    """

    number: int
    time: float | None
    name: str
    load: Callable[[], FocalSeries]
    cut: Cut | None = None


def split(
    series: FocalSeries,
    size: int,
    *,
    order: Order = "time",
    defocus: Sequence[float] | None = None,
    interval: float | None = None,
) -> tuple[TimePoint, ...]:
    """Cut a stack into time points; their frames are views of the stack's.

    Parameters
    ----------
    series
        All frames.
    size
        Frames of a time point: 3 for triplets, 1 for single images.
    order
        "time": the frames of the first time point, then those of the second. "defocus": all time points at the first
        defocus, then all of them at the second.
    defocus
        Å of each frame of a time point, in place of what the stack says.
    interval
        Seconds from one time point to the next; None: unknown.

    Raises
    ------
    SeriesError
        For a size that does not divide the number of frames, or defoci that are not as many as a time point has frames.
    ValueError
        For an interval that is not positive.
    """
    _check_interval(interval)
    _check_size(size, len(series), series.name)
    if defocus is not None and len(defocus) != size:
        raise SeriesError(f"{len(defocus)} defoci for groups of {size} frames: give one in Å for each frame of a group")
    count = len(series) // size
    return tuple(
        TimePoint(number, _time(number, interval), name, partial(_group, series, frames, name, defocus))
        for number in range(count)
        for name, frames in [(f"{series.name} #{number}", _frames_of(number, count, size, order))]
    )


def points_of_files(
    paths: Sequence[str | Path],
    size: int | None = None,
    *,
    order: Order = "time",
    defocus: Sequence[float] | None = None,
    interval: float | None = None,
    sampling: float | None = None,
) -> tuple[TimePoint, ...]:
    """Time points of files: one file is cut, several are one time point each, or the frames of time points.

    Parameters
    ----------
    paths
        In the order of time.
    size
        Frames of a time point. None: each file is a time point. Of several files, of which the first holds one frame,
        so many make a time point; files of several time points are cut.
    order, defocus, interval
        As for `split`.
    sampling
        Å per pixel in place of what the files say.

    Raises
    ------
    SeriesError
        For a file that cannot be read, or a size that does not fit the frames.
    ValueError
        For an interval that is not positive.
    """
    files = [Path(path) for path in paths]
    _check_interval(interval)
    if len(files) == 1 and size is not None:
        return split(load_series(files, sampling), size, order=order, defocus=defocus, interval=interval)
    if size is None:
        return _one_each([[file] for file in files], None, defocus, interval, sampling)
    first = len(load_series(files[0], sampling))
    if first == 1:
        _check_size(size, len(files), "the list of files")
        groups = [files[start : start + size] for start in range(0, len(files), size)]
        return _one_each(groups, size, defocus, interval, sampling)
    _check_size(size, first, str(files[0]))
    if first == size:
        return _one_each([[file] for file in files], size, defocus, interval, sampling)
    each = first // size
    parts = [
        (f"{file.stem} #{part}", _cut(file, part, first, size, order, defocus, sampling))
        for file in files
        for part in range(each)
    ]
    return _points(parts, interval)


def _one_each(
    groups: Sequence[Sequence[Path]],
    size: int | None,
    defocus: Sequence[float] | None,
    interval: float | None,
    sampling: float | None,
) -> tuple[TimePoint, ...]:
    told = None if defocus is None else tuple(defocus)
    return _points([(files[0].stem, Cut(tuple(files), sampling, size, None, told)) for files in groups], interval)


def _points(cuts: Sequence[tuple[str, Cut]], interval: float | None) -> tuple[TimePoint, ...]:
    return tuple(
        TimePoint(number, _time(number, interval), name, partial(cut.load, name), cut)
        for number, (name, cut) in enumerate(cuts)
    )


def _cut(
    file: Path,
    part: int,
    frames: int,
    size: int,
    order: Order,
    defocus: Sequence[float] | None,
    sampling: float | None,
) -> Cut:
    chosen = range(frames)[_frames_of(part, frames // size, size, order)]
    return Cut((file,), sampling, frames, tuple(chosen), None if defocus is None else tuple(defocus))


def _frames_of(number: int, count: int, size: int, order: Order) -> slice:
    """Where the frames of a time point stand in the stack."""
    return slice(number * size, (number + 1) * size) if order == "time" else slice(number, None, count)


def _group(series: FocalSeries, frames: slice, name: str, defocus: Sequence[float] | None) -> FocalSeries:
    own = None if series.defocus is None else series.defocus[frames]
    told = own if defocus is None else tuple(defocus)
    return replace(series, frames=series.frames[frames], defocus=told, name=name)


def _time(number: int, interval: float | None) -> float | None:
    return None if interval is None else number * interval


def _check_interval(interval: float | None) -> None:
    if interval is not None and not 0 < interval < float("inf"):
        raise ValueError(f"an interval of {interval} s is impossible: give a positive number of seconds, 0.5 say")


def _check_size(size: int, frames: int, name: str) -> None:
    if size < 1:
        raise SeriesError(f"a group of {size} frames is impossible: give 3 for triplets or 1 for single images, say")
    if frames % size:
        raise SeriesError(
            f"the {frames} frames of {name} cannot be cut into groups of {size}: {frames % size} would be left over; "
            "give the number of frames that each time point has"
        )
