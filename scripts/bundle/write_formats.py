"""Write a part of the sample in formats whose readers are loaded by name: `write_formats.py FOLDER`."""

import sys
from pathlib import Path

import tifffile
from rsciio.hspy import file_writer

from hrtem_app import FocalSeries, load_series
from hrtem_app.resources import sample_path

PART = slice(96, 352)


def write(folder: Path) -> None:
    """The frames as HDF5 of HyperSpy, and as TIFF in two compressions."""
    sample = load_series(sample_path())
    series = sample.with_frames(sample.frames[:, PART, PART])
    folder.mkdir(parents=True, exist_ok=True)
    file_writer(str(folder / "series.hspy"), hyperspy_signal(series))
    for compression in ("zstd", "lzw"):
        tifffile.imwrite(folder / f"{compression}.tif", series.frames, compression=compression)


def hyperspy_signal(series: FocalSeries) -> dict[str, object]:
    """A series as the dictionary that rosettasciio writes."""
    axes = [
        {"name": name, "size": size, "scale": scale, "offset": 0.0, "units": units, "navigate": name == "z"}
        for name, size, scale, units in zip(
            "zyx", series.frames.shape, (1.0, *[series.known_sampling] * 2), ("", "Å", "Å"), strict=True
        )
    ]
    return {
        "data": series.frames,
        "axes": axes,
        "metadata": {"General": {"title": "sample"}, "Signal": {"signal_type": ""}},
        "original_metadata": {},
        "attributes": {"_lazy": False},
        "tmp_parameters": {},
        "learning_results": {},
        "models": {},
        "package_info": {"package": "hyperspy", "package_version": "2.0"},
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]))
