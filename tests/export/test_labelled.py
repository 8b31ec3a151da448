"""Corrected series as data for fine-tuning: what is written is what a training reads."""

from __future__ import annotations

import itertools
import shlex
from dataclasses import replace

import numpy as np
import pytest

from hrtem_app.columns import empty_table
from hrtem_app.export.labelled import add_labelled, fine_tuning_command, labelled_series
from hrtem_app.imaging.shifting import common_area
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.networks import catalog
from hrtem_app.training.labelled import LabelledFolder

# As fine as the test's pixels, so that nothing is resampled.
MICROSCOPE = MicroscopeSettings(frames=3, sampling=(0.2, 0.25))


def test_a_training_reads_the_recorded_frames_and_the_corrected_columns(analysis, tmp_path):
    table = replace(analysis.table, classes=(analysis.table.classes + 1) % 3)
    corrected = replace(analysis, table=table)
    added = add_labelled(corrected, tmp_path / "set")
    assert (added.frames.name, added.columns.name, added.count) == ("made.tif", "made.csv", 1)
    folder = LabelledFolder(tmp_path / "set")
    assert folder.names == ["made.tif"]
    read = folder.recorded(0, MICROSCOPE, ())
    # Used were frames 1, 2 and 0, which is the order of their defocus too; recorded, not filtered.
    np.testing.assert_array_equal(read.frames, analysis.series.frames[[1, 2, 0]])
    np.testing.assert_allclose(read.positions, table.positions, atol=1e-4)
    np.testing.assert_array_equal(read.classes, table.classes)
    assert read.sampling == pytest.approx(analysis.series.sampling)
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["made.csv", "made.tif"]


def test_nothing_is_overwritten(analysis, tmp_path):
    (tmp_path / "MADE.txt").write_text("mine")
    names = [add_labelled(analysis, tmp_path).frames.name for _ in range(2)]
    assert names == ["made-2.tif", "made-3.tif"]
    assert len(LabelledFolder(tmp_path)) == 2
    assert (tmp_path / "MADE.txt").read_text() == "mine"
    named = replace(analysis, series=replace(analysis.series, name="../a b/ü?"))
    added = add_labelled(named, tmp_path)
    assert added.frames.parent == tmp_path
    assert added.count == 3


def test_shifted_frames_are_shifted_and_cut(analysis):
    shape, shifts = analysis.series.shape, ((0.0, 0.0), (4.0, -3.0), (-6.0, 2.0))
    y, x = np.mgrid[: shape[0], : shape[1]]
    spots = np.array([[40.0, 50.0], [60.0, 80.0]])
    frames = np.stack(
        [sum(np.exp(-((y - py - dy) ** 2 + (x - px - dx) ** 2) / 8) for py, px in spots) for dy, dx in shifts]
    )
    drifted = replace(
        analysis,
        series=replace(analysis.series, frames=frames, defocus=(-50, 0, 50)),
        frames=(0, 1, 2),
        table=replace(analysis.table.select([0, 1]), positions=spots),
        shifts=shifts,
        area=common_area(shape, shifts),
    )
    series, table = labelled_series(drifted)
    # Up to 6 px move up and 4 down, 3 to the left and 2 to the right.
    assert series.shape == (shape[0] - 10, shape[1] - 5)
    for frame in series.frames:
        for py, px in np.rint(table.positions).astype(int):
            around = frame[py - 3 : py + 4, px - 3 : px + 4]
            assert np.unravel_index(around.argmax(), around.shape) == (3, 3)
            assert around.max() == pytest.approx(1, abs=0.02)


def test_what_cannot_be_written_is_said(analysis, tmp_path):
    with pytest.raises(ValueError, match=r"'made' has no columns.*add some"):
        add_labelled(replace(analysis, table=empty_table(0.225)), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot be written to .*choose another folder"):
        add_labelled(analysis, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_command_starts_from_the_network_that_ran(tmp_path):
    card = catalog.available()["msd_net"]
    words = shlex.split(fine_tuning_command(tmp_path / "my set", card))
    assert words[:3] == ["hrtem-app", "train", "msd_net"]
    assert f"--channels={card.settings['channels']}" in words
    assert f"--layers={card.settings['layers']}" in words
    options = dict(itertools.pairwise(words))
    assert options["--data"] == str(tmp_path / "my set")
    weights = options["--start"]
    assert catalog.load_network_file(weights)[1].sha256 == card.sha256
    assert options["--out"].startswith(str(tmp_path))
    assert not options["--out"].startswith(str(tmp_path / "my set") + "/")
