"""The guide under Help: every page and picture is there, and links lead where they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices, QTextDocument
from qtpy.QtWidgets import QWidget

from hrtem_app.gui.guide import Guide, guide_folder, show_guide


@pytest.fixture
def guide(qtbot: Any) -> Iterator[Guide]:
    guide = Guide()
    qtbot.addWidget(guide)
    guide.resize(guide.sizeHint())
    guide.show()
    return guide


def _links() -> list[tuple[str, str]]:
    """(page, link) of all links that stay within the documentation."""
    found = []
    for page in sorted(guide_folder().glob("*.md")):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text)
        found += [(page.name, link) for link in links if "://" not in link and not link.startswith("..")]
    return found


def test_links_lead_to_their_page_and_heading(guide: Guide) -> None:
    links = _links()
    assert len(links) > 40
    for page, link in links:
        guide.pages.setSource(QUrl.fromLocalFile(str(guide_folder() / page)))
        guide.pages.verticalScrollBar().setValue(0)
        guide.pages.follow(QUrl(link))
        name, _, heading = link.partition("#")
        assert guide.pages.source().fileName() == (name or page), f"{link} in {page}"
        if heading:
            block = guide.pages.textCursor().block()
            assert block.blockFormat().headingLevel(), f"{link} in {page} names no heading"
            # Blocks that Qt leaves out of the page have no height.
            assert block.layout().boundingRect().height() > 10, f"{link} in {page}"
            assert set(heading.split("-")) - {""} <= set(re.findall(r"\w+", block.text().lower())), f"{link} in {page}"
            assert guide.pages.cursorRect().top() < guide.pages.viewport().height() - 20, f"{link} in {page}"


def test_pictures_are_there_and_fit(guide: Guide) -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (guide_folder() / "guide.md").read_text(encoding="utf-8"))
    assert len(pictures) > 10
    for picture in pictures:
        image = guide.pages.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(picture))
        assert 0 < image.width() / image.devicePixelRatio() <= guide.pages.viewport().width(), picture


def test_links_have_a_colour_that_can_be_read_on_light_and_dark(guide: Guide) -> None:
    cursor = guide.pages.document().find("napari")
    while not cursor.charFormat().isAnchor():
        cursor = guide.pages.document().find("napari", cursor)
    assert 0.2 < cursor.charFormat().foreground().color().lightnessF() < 0.8
    assert cursor.charFormat().foreground().color().green() > 100


def test_back_forward_and_start(guide: Guide, qtbot: Any) -> None:
    def click(button: Any) -> str:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        return str(guide.pages.source().fileName())

    assert guide.pages.source().fileName() == "guide.md"
    assert not guide.back.isEnabled()
    guide.pages.follow(QUrl("correction.md"))
    assert click(guide.back) == "guide.md"
    assert click(guide.forward) == "correction.md"
    assert click(guide.start) == "guide.md"


def test_links_to_elsewhere_leave_the_page(guide: Guide, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    guide.pages.follow(QUrl("https://napari.org"))
    # The source code is not installed with the program.
    guide.pages.follow(QUrl("../plugins/janus_mosse/README.md"))
    assert opened == ["https://napari.org"]
    assert guide.pages.source().fileName() == "guide.md"


def test_it_closes_with_its_window(qtbot: Any) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    guide = show_guide(parent)
    assert guide.isWindow()
    assert guide.isVisible()
    with qtbot.waitSignal(guide.destroyed):
        guide.close()
