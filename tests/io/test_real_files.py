"""Every file of the collection of real ones either gives a series or says in one line why it gives none."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from hrtem_app.io import load_series
from hrtem_app.series import FocalSeries, SeriesError

DATA = Path(os.environ.get("HRTEM_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
FOLDERS = ("formats", "broken", "graphene_hrtem", "mos2", "independent")
FILES = sorted(path for folder in FOLDERS for path in (DATA / folder).rglob("*") if path.is_file())
DM = "formats/rosettasciio/digitalmicrograph"
EMD = "formats/rosettasciio/emd"
TIA = "formats/rosettasciio/tia"
TIFF = "formats/rosettasciio/tiff"

pytestmark = pytest.mark.skipif(not FILES, reason="no folder of real files: name it in HRTEM_TEST_DATA")


def _load(path: Path) -> tuple[str, FocalSeries | None]:
    try:
        return "", load_series(path)
    except SeriesError as error:
        return str(error), None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DATA)))
def test_every_file_is_read_or_refused_in_one_quiet_line(
    path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message, series = _load(path)
    if series is None:
        assert str(path) in message
        assert "\n" not in message
        assert len(message) > len(str(path)) + 25
    else:
        assert series.frames.dtype == np.float32
        assert np.isfinite(series.frames).all()
        assert series.sampling is None or series.sampling > 0
        assert all(len(source.sha256) == 64 for source in series.sources)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "shape", "sampling", "energy"),
    [
        ("formats/openncem/16_STOimage.emi", (1, 1024, 1024), 0.10012704, 80e3),
        ("formats/openncem/16_STOimage_1.ser", (1, 1024, 1024), 0.10012704, 80e3),
        ("formats/openncem/Acquisition_18.emd", (1, 1024, 1024), 0.12246525, 200e3),
        ("formats/openncem/Camera Ceta Imaging Micro.emd", (1, 512, 512), 31.3883705, 300e3),
        ("formats/openncem/STEM HAADF Diffraction Micro.emd", (1, 128, 128), 873.707961, 300e3),
        ("formats/openncem/temp.mrc", (3, 128, 128), 2.0, None),
        ("formats/openncem/dmTest_float32_nonSquare_diffPixelSize.dm3", (1, 64, 128), 20**0.5, None),
        ("formats/other/float64.dm4", (1, 465, 476), 0.35591915, None),
        ("formats/other/unit_garbled.tif", (1, 512, 512), 29.8845675, None),
        (f"{DM}/2D/multi_signal.dm3", (1, 512, 512), 0.17751578, 300e3),
        (f"{DM}/2D/test_STEM_image.dm3", (1, 68, 68), 2.48538017, 200e3),
        (f"{DM}/Fei HAADF-DE_location.dm3", (1, 4, 16), 55.0607312, 200e3),
        (f"{DM}/test_stackbuilder_imagestack.dm3", (3, 2, 16), 599.829033, None),
        (f"{EMD}/fei_example_tem_stack.emd", (2, 3, 3), 0.08172883, 300e3),
        (f"{EMD}/FFTComplexEven.emd", (1, 128, 128), 271.152956, 300e3),
        ("formats/rosettasciio/mrc/HAADFscan.mrc", (1, 16, 16), 56.7913129, 300e3),
        (f"{TIA}/old/64x64x5_TEM_preview.emi", (5, 64, 64), 62.8183362, 200e3),
        (f"{TIA}/new/128x128-TEM_search.emi", (1, 128, 128), 52.6121421, 200e3),
        (f"{TIFF}/olympus_SIS.tif", (1, 101, 112), 0.23927918, None),
        (f"{TIFF}/test_dm_image_um_unit.dm3", (1, 68, 68), 1686.74693, 200e3),
        (f"{TIFF}/test_loading_image_saved_with_DM.tif", (1, 68, 68), 1686.74693, None),
        (f"{TIFF}/test_loading_image_saved_with_imageJ_stack.tif", (2, 68, 68), 1686.74711, None),
        (f"{TIFF}/test_loading_image_saved_with_imageJ_stack_no_scale.tif", (2, 68, 68), None, None),
        ("broken/dm4_renamed_as.dm3", (1, 2, 2), None, None),
        ("broken/rgb_uint8.tif", (1, 64, 64), None, None),
        ("broken/tif_renamed_as.mrc", (1, 68, 68), 1686.74693, None),
        ("broken/zero_cell_no_pixelsize.mrc", (3, 128, 128), None, None),
        ("graphene_hrtem/graphene_flower_raw.tif", (1, 256, 256), None, None),
        ("mos2/example_Se_implanted_MoS2.dm3", (1, 1024, 1024), 0.126953125, 60e3),
        ("mos2/MoS2_stem_Exp-000-2.npy", (1, 512, 512), None, None),
        ("mos2/vacancy_lines_20.jpg", (1, 2048, 2048), None, None),
        ("independent/in_range/s000.npz", (3, 304, 304), 0.22564148, None),
        ("independent/wide/s003.npz", (3, 321, 321), 0.21636669, 50e3),
    ],
)
def test_series_as_their_files_state_them(
    name: str, shape: tuple[int, ...], sampling: float | None, energy: float | None
) -> None:
    series = load_series(DATA / name)
    assert series.frames.shape == shape
    assert series.sampling == (None if sampling is None else pytest.approx(sampling, rel=1e-6))
    assert series.energy == energy


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken/all_zero_uint16.tif", "shows nothing"),
        ("broken/bad_mode99.mrc", "mode 99"),
        ("broken/bad_version_9.dm3", "does not begin like a Digital Micrograph file"),
        ("broken/empty.dm3", "empty"),
        ("broken/garbage_magic.ser", "does not begin like a TIA series"),
        ("broken/huge_dims.mrc", "100000 × 100000 × 100000"),
        ("broken/nan_inf_float32.tif", "17 pixels of 16384"),
        ("broken/stack_mixed_sizes.tif", "64 × 64, 32 × 48"),
        ("broken/text_renamed.tif", "does not begin like a TIFF file"),
        ("broken/trunc_50pct.dm3", "cut off"),
        ("broken/trunc_50pct.tif", "cut off"),
        ("broken/trunc_60pct.ser", "cut off"),
        ("broken/trunc_70pct.emd", "cut off"),
        ("broken/trunc_90pct.dm4", "cut off"),
        ("broken/trunc_data.mrc", "cut off"),
        ("broken/trunc_header_only.dm4", "cut off"),
        ("formats/openncem/01_Si110_5images.emi", r"'01_Si110_5images_1\.ser' is missing"),
        ("formats/openncem/08_carbon.dm3", "spectrum"),
        ("formats/openncem/Camera Ceta Diffraction Micro.emd", "diffraction pattern"),
        ("formats/openncem/emd_type1_stringDims.h5", "4-dimensional"),
        (f"{DM}/1D/test-EELS_spectrum.dm3", "spectrum"),
        (f"{DM}/2D/test_diffraction_pattern.dm3", "diffraction pattern"),
        (f"{DM}/2D/test_fft_packed_complex8.dm4", "complex numbers"),
        (f"{DM}/2D/test-MonarcCL_spectrum-SI.dm4", "spectrum image"),
        (f"{DM}/3D/EELS_SI.dm4", "spectrum image"),
        (f"{EMD}/fei_example_complex_fft.emd", "Fourier transform"),
        (f"{EMD}/Si100_3D.emd", "angles"),
        (f"{EMD}/velox_emd_version11.zip", "unpack it"),
        (f"{TIA}/old/64x64_diffraction_acquire_1.ser", "diffraction pattern"),
        (f"{TIA}/new/16x16-spectrum_image_5x5x4000-not_square.emi", "spectrum image"),
    ],
)
def test_what_is_no_series_is_named(name: str, message: str) -> None:
    with pytest.raises(SeriesError, match=message):
        load_series(DATA / name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken/rgb_uint8.tif", "colour"),
        ("broken/tif_renamed_as.mrc", "TIFF file in spite of its extension"),
        ("formats/openncem/STEM HAADF-DF4-DF2-BF Diffraction Micro.emd", "4 data sets: 'HAADF' .* was taken"),
        ("formats/openncem/dmTest_3D_int16_64,65,66.dm4", "30 Å along y and 0.02 Å along x"),
        (f"{DM}/2D/multi_signal.dm3", "'Plot'"),
        (f"{TIA}/old/16x16_STEM_BF_DF_acquire.emi", "2 data sets"),
    ],
)
def test_what_had_to_be_assumed_is_told(name: str, message: str) -> None:
    told = load_series(DATA / name).warnings
    assert any(re.search(message, warning) for warning in told), told


def test_defocus_of_a_focal_series() -> None:
    series = load_series(DATA / "independent/in_range/s000.npz")
    assert series.defocus == pytest.approx((-98.515467, -47.606788, 2.046071), abs=1e-5)
    stack = load_series(DATA / EMD / "fei_example_tem_stack.emd")
    assert stack.defocus == pytest.approx((-302.316992, -302.316992), abs=1e-5)


def test_a_series_of_two_files_names_both() -> None:
    folder = DATA / "formats/openncem"
    emi, ser = folder / "16_STOimage.emi", folder / "16_STOimage_1.ser"
    assert [source.path for source in load_series(emi).sources] == [emi, ser]
    assert [source.path for source in load_series(ser).sources] == [ser, emi]


def test_files_of_one_series_as_frames() -> None:
    paths = [DATA / f"mos2/vacancy_lines_{number}.jpg" for number in (20, 40)]
    series = load_series(paths)
    assert series.frames.shape == (2, 2048, 2048)
    np.testing.assert_array_equal(series.frames[1], load_series(paths[1]).frames[0])
