"""True columns in files: found by their names, read whoever wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hrtem_app.columns import ColumnTable
from hrtem_app.evaluation.truth_files import is_column_table, read_truth, truths_beside

SAMPLING = 0.2


def table() -> ColumnTable:
    positions = np.array([[10.0, 20.0], [30.5, 40.25]])
    return ColumnTable(positions, np.array([0, 2]), SAMPLING, np.ones(2, int), np.ones(2))


def write_npz(path: Path) -> None:
    np.savez(
        path,
        image=np.zeros((3, 8, 8), np.float32),
        positions=np.array([[1.0, 2.0], [3.0, 4.0]], np.float32),
        cls=np.array([1, 2], np.int8),
        meta=np.array(json.dumps({"sampling": 0.21})),
    )


def test_a_table_is_known_by_its_header(tmp_path: Path) -> None:
    ours, marked, other = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"
    table().to_csv(ours)
    marked.write_bytes(b"\xef\xbb\xbf" + ours.read_bytes())
    other.write_text("index,axis-0,axis-1\n0,1,2\n")
    assert is_column_table(ours)
    assert is_column_table(marked)
    assert not is_column_table(other)
    assert not is_column_table(tmp_path / "missing.csv")
    ours.rename(tmp_path / "a.txt")
    assert not is_column_table(tmp_path / "a.txt")


def test_both_kinds_are_read(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "a.csv")
    write_npz(tmp_path / "a.npz")
    read = read_truth(tmp_path / "a.csv", 0.5)
    np.testing.assert_allclose(read.positions, table().positions)
    assert read.sampling == pytest.approx(SAMPLING, rel=1e-6)
    simulated = read_truth(tmp_path / "a.npz", 0.5)
    np.testing.assert_array_equal(simulated.positions, [[1, 2], [3, 4]])
    assert simulated.class_names == ["2S", "1S"]
    assert simulated.sampling == 0.21
    (tmp_path / "b.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"b\.npz is not a series with its truth"):
        read_truth(tmp_path / "b.npz", 0.5)


def test_what_lies_beside_a_series(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "s-truth.csv")
    (tmp_path / "s.csv").write_text("a,b\n")
    table().to_csv(tmp_path / "other.csv")
    assert truths_beside([tmp_path / "s.tif"]) == [tmp_path / "s-truth.csv"]
    assert truths_beside([tmp_path / "other.dm4", tmp_path / "n.npz"]) == [tmp_path / "other.csv", tmp_path / "n.npz"]
    assert truths_beside([tmp_path / "nothing.tif"]) == []
