"""Reading of files made on the spot: every format's sampling, orientation and order of frames."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from hrtem_app.io import SUFFIXES, load_series, looks_like_series, save_series
from hrtem_app.series import FocalSeries, SeriesError

STACK = np.random.default_rng(7).normal(100, 20, (3, 20, 30)).astype(np.float32)


def mrc_bytes(data: NDArray[Any], pixel: float = 0.22, order: str = "<") -> bytes:
    """An MRC file of (n, y, x) float32 or int16 data."""
    n, y, x = data.shape
    header = bytearray(1024)
    mode = {"f": 2, "i": 1}[data.dtype.kind]
    struct.pack_into(f"{order}10i", header, 0, x, y, n, mode, 0, 0, 0, x, y, n)
    struct.pack_into(f"{order}3f", header, 40, x * pixel, y * pixel, n * pixel)
    header[208:212] = b"MAP "
    return bytes(header) + data.astype(data.dtype.newbyteorder(order)).tobytes()


def write_imagej(path: Path) -> None:
    tifffile.imwrite(
        path, STACK, imagej=True, resolution=(10 / 0.22, 10 / 0.22), metadata={"unit": "nm", "axes": "ZYX"}
    )


def write_imagej_micro(path: Path) -> None:
    resolution = (1e4 / 0.22, 1e4 / 0.22)
    tifffile.imwrite(path, STACK, imagej=True, resolution=resolution, metadata={"unit": "\\u00B5m", "axes": "ZYX"})


def write_ome(path: Path) -> None:
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.022, "PhysicalSizeY": 0.022}
    units = {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(path, STACK, ome=True, metadata=metadata | units)


def write_resolution_in_cm(path: Path) -> None:
    tifffile.imwrite(path, STACK, resolution=(1e8 / 0.22, 1e8 / 0.22), resolutionunit="CENTIMETER", metadata=None)


def write_digital_micrograph_tags(path: Path) -> None:
    text = [(code, "s", 0, "nm", False) for code in (65003, 65004)]
    sizes = [(code, "d", 1, 0.022, False) for code in (65009, 65010)]
    tifffile.imwrite(path, STACK, extratags=text + sizes, metadata=None)


def write_mrc(path: Path) -> None:
    path.write_bytes(mrc_bytes(STACK))


def write_big_endian_mrc(path: Path) -> None:
    path.write_bytes(mrc_bytes(STACK, order=">"))


def write_npz(path: Path) -> None:
    np.savez_compressed(path, image=STACK, positions=np.zeros((99, 2)), meta=json.dumps({"sampling": 0.22}))


def write_hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["run/images"] = STACK
        file["run/images"].attrs["element_size_um"] = (1.0, 0.22e-4, 0.22e-4)


def write_velox(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["Version"] = np.array([json.dumps({"format": "Velox", "version": "11"}).encode()], dtype="S100")
        group = file.create_group("Data/Image/0123")
        group["Data"] = np.moveaxis(STACK, 0, -1)
        columns = np.zeros((2000, 3), np.uint8)
        for index, defocus in enumerate((1e-9, -4e-9, -9e-9)):
            text = json.dumps(
                {
                    "Optics": {"Defocus": str(defocus), "AccelerationVoltage": "80000", "ProjectorMode": "2"},
                    "BinaryResult": {"PixelSize": {"width": "2.2e-11", "height": "2.2e-11"}, "PixelUnitX": "m"},
                }
            ).encode()
            columns[: len(text), index] = np.frombuffer(text, np.uint8)
        group["Metadata"] = columns


@pytest.mark.parametrize(
    ("name", "write", "sampling"),
    [
        ("a.tif", write_imagej, 0.22),
        ("a.tif", write_imagej_micro, 0.22),
        ("a.ome.tif", write_ome, 0.22),
        ("a.tif", write_resolution_in_cm, 0.22),
        ("a.tif", write_digital_micrograph_tags, 0.22),
        ("a.mrc", write_mrc, 0.22),
        ("a.mrc", write_big_endian_mrc, 0.22),
        ("a.npz", write_npz, 0.22),
        ("a.h5", write_hdf5, 0.22),
        ("a.emd", write_velox, 0.22),
        ("a.npy", lambda path: np.save(path, STACK), None),
        ("a.npy", lambda path: np.save(path, STACK.astype(">f8")), None),
        ("a.tif", lambda path: tifffile.imwrite(path, STACK, compression="lzw"), None),
        ("a.tif", lambda path: tifffile.imwrite(path, STACK, compression="deflate"), None),
        ("a.tif", lambda path: tifffile.imwrite(path, STACK, compression="zlib", predictor=True, rowsperstrip=7), None),
        ("a.tif", lambda path: tifffile.imwrite(path, STACK, byteorder=">"), None),
        ("a.tif", lambda path: tifffile.imwrite(path, STACK, bigtiff=True), None),
        # 72 dpi is for printers.
        ("a.tif", lambda path: tifffile.imwrite(path, STACK, resolution=(72, 72), resolutionunit="INCH"), None),
    ],
)
def test_stacks_keep_pixels_order_and_sampling(
    tmp_path: Path, name: str, write: Callable[[Path], None], sampling: float | None
) -> None:
    path = tmp_path / name
    write(path)
    series = load_series(path)
    np.testing.assert_array_equal(series.frames, STACK)
    assert series.frames.dtype == np.float32
    assert series.sampling == (None if sampling is None else pytest.approx(sampling, rel=1e-6))
    assert series.sources[0].path == path
    assert series.sources[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert looks_like_series(path)


def test_velox_states_the_defocus_of_every_frame(tmp_path: Path) -> None:
    write_velox(tmp_path / "a.emd")
    series = load_series(tmp_path / "a.emd")
    # The microscope calls underfocus negative, abTEM positive.
    assert series.defocus == pytest.approx((-10.0, 40.0, 90.0))
    assert series.energy == 80_000


def test_npz_states_defocus_and_energy(tmp_path: Path) -> None:
    meta = {"sampling": 0.2, "defocus": [-50.0, 0.0, 50.0], "energy": 6e4}
    np.savez(tmp_path / "a.npz", image=STACK, meta=json.dumps(meta))
    series = load_series(tmp_path / "a.npz")
    assert (series.sampling, series.defocus, series.energy) == (0.2, (-50.0, 0.0, 50.0), 6e4)


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", "<u2", ">u4", "f8", "f2"])
@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_every_number_becomes_float32(tmp_path: Path, dtype: str, suffix: str) -> None:
    image = np.arange(1, 61).reshape(6, 10).astype(dtype)
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, image)
    else:
        tifffile.imwrite(path, image, byteorder=image.dtype.newbyteorder("S").byteorder if dtype[0] == ">" else None)
    frames = load_series(path).frames
    assert frames.dtype == np.float32
    assert frames.dtype.isnative
    np.testing.assert_array_equal(frames[0], np.arange(1, 61).reshape(6, 10))


def test_several_files_are_frames_in_the_given_order(tmp_path: Path) -> None:
    paths = []
    for index in (2, 0, 1):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6) + 50 * index).save(paths[-1])
    series = load_series(paths, sampling=0.3)
    assert [frame[0, 0] for frame in series.frames] == [100, 0, 50]
    assert series.sampling == 0.3
    assert [source.path for source in series.sources] == paths


@pytest.mark.parametrize(("first", "second"), [((5, 6), (6, 5)), ((5, 6), (5, 7))])
def test_files_of_different_sizes_are_refused(tmp_path: Path, first: tuple[int, int], second: tuple[int, int]) -> None:
    for name, shape in (("a.npy", first), ("b.npy", second)):
        np.save(tmp_path / name, np.arange(shape[0] * shape[1]).reshape(shape))
    with pytest.raises(SeriesError, match=rf"a\.npy' {first[0]} × {first[1]}, .*b\.npy' {second[0]} × {second[1]}"):
        load_series([tmp_path / "a.npy", tmp_path / "b.npy"])


def test_files_of_different_sampling_are_refused_unless_one_is_given(tmp_path: Path) -> None:
    for name, pixel in (("a.mrc", 0.2), ("b.mrc", 0.21)):
        (tmp_path / name).write_bytes(mrc_bytes(STACK, pixel))
    paths = [tmp_path / "a.mrc", tmp_path / "b.mrc"]
    with pytest.raises(SeriesError, match=r"a\.mrc' 0\.2, .*b\.mrc' 0\.21 Å/px"):
        load_series(paths)
    assert load_series(paths, sampling=0.205).sampling == 0.205


def test_the_same_image_twice_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", STACK[0])
    np.save(tmp_path / "b.npy", STACK[0])
    series = load_series([tmp_path / "a.npy", tmp_path / "b.npy"])
    assert any("same content" in warning for warning in series.warnings)


def test_pixels_that_are_not_square_warn_with_both_values(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, imagej=True, resolution=(10 / 0.2, 10 / 0.3), metadata={"unit": "nm", "axes": "ZYX"})
    series = load_series(path)
    assert series.sampling == pytest.approx(np.sqrt(0.06))
    assert any("0.3 Å along y and 0.2 Å along x" in warning for warning in series.warnings)


def test_grey_in_three_channels_is_silent_and_colour_is_told(tmp_path: Path) -> None:
    grey = np.repeat(np.arange(30, dtype=np.uint8).reshape(5, 6, 1), 3, axis=2)
    colour = grey.copy()
    colour[..., 1] = 200
    for name, data in (("grey.png", grey), ("colour.png", colour)):
        Image.fromarray(data).save(tmp_path / name)
    for name, data in (("grey.tif", grey), ("colour.tif", colour)):
        tifffile.imwrite(tmp_path / name, data, photometric="rgb")
    for suffix in ("png", "tif"):
        series = load_series(tmp_path / f"grey.{suffix}")
        assert series.warnings == ()
        np.testing.assert_array_equal(series.frames[0], grey[..., 0])
        assert any("colour" in warning for warning in load_series(tmp_path / f"colour.{suffix}").warnings)


def test_white_is_zero_is_turned_round(tmp_path: Path) -> None:
    image = np.arange(30, dtype=np.uint16).reshape(5, 6)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="miniswhite")
    np.testing.assert_array_equal(load_series(tmp_path / "a.tif").frames[0], 65535 - image.astype(np.float32))


def test_frames_saved_last_are_moved_first(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.moveaxis(STACK, 0, -1))
    series = load_series(tmp_path / "a.npy")
    np.testing.assert_array_equal(series.frames, STACK)
    assert any("(y, x, frame)" in warning for warning in series.warnings)


def test_magnification_of_jeol_is_taken_out_of_the_resolution(tmp_path: Path) -> None:
    report = (
        "<TemReporter><Eos><EosMode>eosTEM</EosMode></Eos><ElectronGun><AccelerationVoltage>80000</AccelerationVoltage>"
        "</ElectronGun><ImageFormingSystem><ModeString>MAG</ModeString><SelectorValue>1000000</SelectorValue>"
        "</ImageFormingSystem></TemReporter>"
    )
    extra = [(271, "s", 0, "JEOL Ltd.", False)]
    tifffile.imwrite(
        tmp_path / "a.tif",
        STACK[0],
        description=report,
        extratags=extra,
        resolution=(500, 500),
        resolutionunit=3,
        metadata=None,
    )
    series = load_series(tmp_path / "a.tif")
    assert series.sampling == pytest.approx(1e8 / 500 / 1e6)  # a pixel of 20 µm on the camera
    assert series.energy == 80_000


def test_the_stack_is_picked_and_what_was_left_is_told(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["overview"] = np.arange(10_000.0).reshape(100, 100)
        file["series"] = STACK
    series = load_series(tmp_path / "a.h5")
    assert series.frames.shape == STACK.shape
    assert any("'overview' (100 × 100)" in warning for warning in series.warnings)


def test_an_extension_that_lies_is_told(tmp_path: Path) -> None:
    write_imagej(tmp_path / "a.tif")
    (tmp_path / "a.tif").rename(tmp_path / "a.dm3")
    series = load_series(tmp_path / "a.dm3")
    np.testing.assert_array_equal(series.frames, STACK)
    assert any("TIFF" in warning for warning in series.warnings)


def _cut(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def _plain_tiff(path: Path) -> None:
    with tifffile.TiffWriter(path) as writer:
        for frame in STACK:
            writer.write(frame, contiguous=False, metadata=None)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.tif", write_imagej),
        ("a.tif", write_ome),
        ("a.tif", _plain_tiff),
        ("a.tif", lambda path: tifffile.imwrite(path, STACK, compression="lzw")),
        ("a.mrc", write_mrc),
        ("a.npy", lambda path: np.save(path, STACK)),
        ("a.npz", write_npz),
        ("a.h5", write_hdf5),
        ("a.emd", write_velox),
        ("a.png", lambda path: Image.fromarray(STACK[0].astype(np.uint8)).save(path)),
    ],
)
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.3, 0.6, 0.9])
def test_files_cut_off_anywhere_are_refused_in_one_line(
    tmp_path: Path, name: str, write: Callable[[Path], None], keep: float
) -> None:
    path = tmp_path / name
    write(path)
    _cut(path, keep)
    with pytest.raises(SeriesError) as caught:
        load_series(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _huge_npy(path: Path) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)})


def _huge_hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("images", shape=(10**5, 10**5, 10**3), dtype="f8", chunks=(64, 64, 64))


def _two_sizes(path: Path) -> None:
    with tifffile.TiffWriter(path) as writer:
        writer.write(STACK[0], metadata=None)
        writer.write(STACK[0, :10], metadata=None)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("missing.tif", lambda path: None, "does not exist"),
        ("folder.tif", lambda path: path.mkdir(), "folder"),
        ("a.dm3", lambda path: _write(path, b""), "empty"),
        ("a.tif", lambda path: _write(path, b"just some text, a good deal of it" * 40), "does not begin like a TIFF"),
        ("a.xyz", lambda path: _write(path, b"just some text"), "no image file"),
        ("a.tif.gz", lambda path: _write(path, b"\x1f\x8b" + bytes(50)), "unpack it"),
        ("a.dm3", lambda path: _write(path, bytes([0, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0, 1]) + bytes(30)), "damaged"),
        ("a.dm3", lambda path: _write(path, bytes([0, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0, 0]) + bytes(30)), "big-endian"),
        ("a.mrc", lambda path: _write(path, mrc_bytes(STACK)[:-1]), "cut off"),
        ("a.emi", lambda path: _write(path, b"JK\0\x02" + bytes(60)), r"a_1\.ser' is missing"),
        ("a.npy", _huge_npy, "more than"),
        ("a.h5", _huge_hdf5, "more than"),
        ("a.tif", _two_sizes, "different sizes .20 × 30, 10 × 30 pixels"),
        ("a.npy", lambda path: np.save(path, np.where(STACK > 120, np.nan, STACK)), "NaN or infinite"),
        ("a.npy", lambda path: np.save(path, np.where(STACK > 120, np.inf, STACK)), "NaN or infinite"),
        ("a.npy", lambda path: np.save(path, STACK * 1e60), "NaN or infinite"),
        ("a.npy", lambda path: np.save(path, np.full((9, 9), 3)), "shows nothing: all its pixels are 3"),
        ("a.npy", lambda path: np.save(path, np.fft.fft2(STACK)), "complex"),
        ("a.npy", lambda path: np.save(path, STACK[0, 0]), "line profile"),
        ("a.npy", lambda path: np.save(path, STACK[None, None, ..., None] + np.ones(5)), "-dimensional"),
        ("a.npy", lambda path: np.save(path, np.array([{}, 1], object)), "damaged|type object|line profile"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_file(
    tmp_path: Path, name: str, write: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(SeriesError, match=message) as caught:
        load_series(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_diffraction_patterns_are_declined(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, imagej=True, resolution=(5, 5), metadata={"unit": "1/nm", "axes": "ZYX"})
    with pytest.raises(SeriesError, match="diffraction pattern"):
        load_series(path)


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(SeriesError, match="no file was named"):
        load_series([])


def test_one_blank_frame_is_told(tmp_path: Path) -> None:
    stack = STACK.copy()
    stack[1] = 5
    np.save(tmp_path / "a.npy", stack)
    assert any("without any contrast: 1;" in warning for warning in load_series(tmp_path / "a.npy").warnings)


@pytest.mark.parametrize(
    "series",
    [
        FocalSeries(STACK, sampling=0.2256414847459821, defocus=(-98.5, -47.6, 2.05), energy=5e4),
        FocalSeries(STACK[:1], sampling=0.0768),
        FocalSeries(STACK),
        FocalSeries(STACK, defocus=(1.0, 2.0, 3.0)),
    ],
)
def test_saved_series_come_back(tmp_path: Path, series: FocalSeries) -> None:
    path = tmp_path / "saved.tif"
    save_series(series, path)
    back = load_series(path)
    np.testing.assert_array_equal(back.frames, series.frames)
    assert (back.sampling, back.defocus, back.energy) == (series.sampling, series.defocus, series.energy)
    assert [file.name for file in tmp_path.iterdir()] == ["saved.tif"]


def test_imagej_finds_the_sampling_of_a_saved_series(tmp_path: Path) -> None:
    save_series(FocalSeries(STACK, sampling=0.22), tmp_path / "saved.tif")
    with tifffile.TiffFile(tmp_path / "saved.tif") as file:
        assert file.is_imagej
        assert file.imagej_metadata is not None
        assert (file.imagej_metadata["unit"], file.imagej_metadata["slices"]) == ("nm", 3)
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert denominator / numerator == pytest.approx(0.022, rel=1e-6)


def test_looks_like_series_never_raises(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "fake.tif").write_text("no TIFF")
    for path in (tmp_path / "table.csv", tmp_path / "fake.tif", tmp_path / "missing.dm4", tmp_path, "nul\0byte.tif"):
        assert not looks_like_series(path)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)


def test_importing_costs_no_library() -> None:
    libraries = ("rsciio", "tifffile", "h5py", "PIL", "dask")
    code = f"import sys, hrtem_app.io; print([name for name in {libraries} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
