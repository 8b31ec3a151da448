"""Figures as files: text that stays text, dots that stay shapes, sizes that are right."""

import base64
import io
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from hrtem_app.export.drawing import DPI, add_dots, grey, lay_out, new_figure, save_figure, scale_bar, show_image, svg
from hrtem_app.export.figure import agreement_figure
from hrtem_app.export.pictures import columns_figure, frames_figure

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


@pytest.fixture
def page(analysis):
    """The agreement figure as SVG."""
    figure = agreement_figure(analysis, vector=True)
    lay_out(figure)
    return figure, ElementTree.fromstring(svg(figure))


def group(page, name):
    return next(g for g in page.iter(f"{SVG}g") if g.get("id") == name)


def colours(page, name):
    # Many dots share one shape, a few are drawn out.
    shapes = [s for kind in ("use", "path") for s in group(page, name).iter(f"{SVG}{kind}") if s.get("style")]
    return sorted(re.search(r"fill: (#\w+)", shape.get("style"))[1] for shape in shapes)


def test_svg_has_text_one_image_and_a_shape_for_each_dot(page):
    root = page[1]
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"Mo", "2S", "1S", "U-net + U-net++", "all three", "n = 3", "all predictions", "i"} <= texts
    assert colours(root, "1S-all") == ["#ff0000", "#ff00ff", "#ffffff"]
    assert colours(root, "2S-unique") == ["#00ff00"]
    assert colours(root, "Mo-unique") == []
    images = list(root.iter(f"{SVG}image"))
    assert len(images) == 1
    assert sum(use.get(LINK) == f"#{images[0].get('id')}" for use in root.iter(f"{SVG}use")) == 9
    assert images[0].get("transform") is None
    with Image.open(io.BytesIO(base64.b64decode(images[0].get(LINK).partition(",")[2]))) as inside:
        assert inside.size == (130, 101)
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names))


def test_a_dot_in_svg_lies_where_it_belongs_and_has_its_size(page):
    figure, root = page
    axes = figure.axes[2]
    use = next(use for use in group(root, "1S-all").iter(f"{SVG}use") if "#ff0000" in use.get("style"))
    # That of U-net alone at (80, 100); SVG is in pt from the upper left.
    inches = figure.dpi_scale_trans.inverted().transform(axes.transData.transform((100, 80)))
    height = figure.get_size_inches()[1]
    assert float(use.get("x")) == pytest.approx(72 * inches[0], abs=0.01)
    assert float(use.get("y")) == pytest.approx(72 * (height - inches[1]), abs=0.01)
    path = next(p for p in root.iter(f"{SVG}path") if p.get("id") == use.get(LINK)[1:]).get("d")
    pixel = 72 * axes.get_position().width * figure.get_size_inches()[0] / 130
    assert max(float(n) for n in re.findall(r"-?[\d.]+", path)) == pytest.approx(1.0 / 0.225 * pixel, rel=0.01)


def test_pdf_embeds_its_fonts_as_truetype_and_draws_each_dot(analysis, tmp_path):
    save_figure(agreement_figure(analysis, vector=True), tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    starts = [found.end() for found in re.finditer(rb"(?<!end)stream\r?\n", content)]
    drawn = next(text for text in (inflated(content[start:]) for start in starts) if b"BT\n" in text)
    # 16 dots in nine panels; those that are alone in theirs are drawn out in place of being referred to.
    assert len(re.findall(rb"/P\d+ Do", drawn)) == 14
    assert len(re.findall(rb"/I\d+ Do", drawn)) == 9


def inflated(stream):
    """What a stream holds at the beginning of these bytes; nothing where it is not compressed."""
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    figure = new_figure(1, 1)
    figure.text(0.5, 0.5, "a")
    for name in ("a.svg", "b.svg", "a.pdf", "b.pdf"):
        save_figure(figure, tmp_path / name)
    for kind in ("svg", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_png_has_the_dots_per_inch_of_print(tmp_path):
    save_figure(new_figure(1, 0.5), tmp_path / "a.PNG")
    with Image.open(tmp_path / "a.PNG") as picture:
        assert picture.size == (300, 150)
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_an_unknown_kind_of_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a.bmp does not tell the kind.*\.png, \.svg or \.pdf"):
        save_figure(new_figure(1, 1), tmp_path / "a.bmp")


def test_a_frame_is_averaged_to_what_is_printed():
    image = np.random.default_rng(0).normal(size=(120, 240)).astype(np.float32)
    fine, coarse = grey(image), grey(image, 80 / DPI)
    assert fine.shape == (120, 240)
    assert coarse.shape == (40, 80)
    blocks = image.reshape(40, 3, 80, 3).mean(axis=(1, 3))
    inner = (coarse > 0) & (coarse < 1)
    assert np.corrcoef(coarse[inner], blocks[inner])[0, 1] > 0.999
    assert (fine.min(), fine.max()) == (0, 1)
    assert not grey(np.ones((5, 5), np.float32)).any()


@pytest.mark.parametrize(("width", "length"), [(130, "0.5 nm"), (400, "2 nm"), (2000, "10 nm")])
def test_the_scale_bar_is_as_long_as_it_says(width, length):
    axes = new_figure(2, 2).subplots()
    show_image(axes, np.zeros((100, width)), (100, width))
    scale_bar(axes, (100, width), 0.225)
    assert axes.texts[0].get_text() == length
    assert axes.patches[0].get_width() == pytest.approx(float(length.split()[0]) * 10 / 0.225)
    assert axes.patches[0].get_width() <= 0.3 * width


def test_a_triangle_points_upwards_in_an_image():
    axes = new_figure(2, 2).subplots()
    show_image(axes, np.zeros((10, 10)), (10, 10))
    dots = add_dots(axes, np.array([[5.0, 5.0]]), 1, "red", "^")
    tip = dots.get_paths()[0].vertices[0]
    # Downwards in the array is upwards in its coordinates.
    assert tip == pytest.approx([0, -1])


def test_the_columns_lie_on_the_image_each_class_apart(analysis):
    figure = columns_figure(analysis)
    axes = figure.axes[0]
    offsets = {dots.get_gid(): np.asarray(dots.get_offsets()) for dots in axes.collections}
    for index, name in enumerate(("Mo", "2S", "1S")):
        assert np.array_equal(offsets[name][:, ::-1], analysis.table.positions[analysis.table.classes == index])
    counts = analysis.table.counts()
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [f"{name} ({n})" for name, n in counts.items()]
    assert any(text.get_text().endswith(" nm") for text in axes.texts)
    # The first used frame, not the first one of the series.
    assert np.array_equal(axes.images[0].get_array(), grey(analysis.series.frames[1]))


def test_frames_as_recorded_stand_above_filtered_ones(analysis):
    axes = frames_figure(analysis).axes
    assert [a.get_title() for a in axes[:3]] == [
        "frame 1, defocus -100 Å", "frame 2, defocus -50 Å", "frame 0, defocus 0 Å"
    ]  # fmt: skip
    for column, frame in enumerate((1, 2, 0)):
        assert np.array_equal(axes[column].images[0].get_array(), grey(analysis.series.frames[frame]))
        assert np.array_equal(axes[3 + column].images[0].get_array(), grey(analysis.filtered.frames[column]))
