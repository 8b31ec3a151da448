"""Files are told by extension and content, and read with their pixel size; what is wrong with one is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hrtem_app.io import load_series, looks_like_series, suffixes
from hrtem_app.series import SeriesError

HEADER = {
    "key": "value", "width": "7", "height": "5", "depth": "3", "offset": "4", "data-length": "2",
    "data-type": "unsigned", "byte-order": "big-endian", "width-scale": "0.022", "width-units": "nm",
}  # fmt: skip
PIXELS = np.arange(105, dtype=">u2").reshape(3, 5, 7)


def _write(folder: Path, header: dict[str, str] = HEADER) -> Path:
    path = folder / "scan.rpl"
    path.write_text("".join(f"{key}\t{value}\n" for key, value in header.items()))
    path.with_suffix(".raw").write_bytes(b"head" + PIXELS.tobytes())
    return path


def test_a_series_is_read_with_its_scale_and_its_source(tmp_path: Path) -> None:
    path = _write(tmp_path)
    assert ".rpl" in suffixes()
    assert looks_like_series(path)
    series = load_series(path)
    assert np.array_equal(series.frames, PIXELS.astype(np.float32))
    assert series.sampling == pytest.approx(0.22)
    assert (series.name, series.sources[0].path, len(series.sources[0].sha256)) == ("scan", path, 64)


def test_another_file_of_that_extension_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "scan.rpl"
    path.write_bytes(b"\0" * 2000)
    assert not looks_like_series(path)
    with pytest.raises(SeriesError, match="no image file that can be read"):
        load_series(path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, {key: value for key, value in HEADER.items() if key != "depth"})
    with pytest.raises(SeriesError, match="lacks depth"):
        load_series(path)
    _write(tmp_path).with_suffix(".raw").unlink()
    with pytest.raises(SeriesError, match=r"scan\.raw"):
        load_series(path)


def test_a_file_that_is_cut_off_is_told_as_damaged(tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.with_suffix(".raw").write_bytes(b"head" + PIXELS.tobytes()[:50])
    with pytest.raises(SeriesError, match=r"cannot be read as LISPIX \(RPL\).*damaged or cut off"):
        load_series(path)
