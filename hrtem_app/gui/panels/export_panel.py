"""Export: which results are written, how the figure looks, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, QUrl
from qtpy.QtGui import QDesktopServices, QGuiApplication
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QWidget,
)

from hrtem_app.gui.exporting import ExportOptions, proposed_folder
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.session import Palette
from hrtem_app.gui.widgets.folder_dialog import ask_folder

if TYPE_CHECKING:
    from hrtem_app.export.results import ExportPart
    from hrtem_app.series import FocalSeries

_PARTS: dict[ExportPart, tuple[str, str]] = {
    "tables": ("Tables (CSV)", "columns.csv as corrected by hand, and one table for each network as it found them"),
    "xyz": ("Atoms (XYZ)", "The columns as extended XYZ, positions in Å, which ASE reads"),
    "png": ("Figure (PNG)", "The agreement figure as pixels, 300 per inch"),
    "svg": ("Figure (SVG)", "The agreement figure as shapes and text, for an editor"),
    "pdf": ("Figure (PDF)", "The agreement figure as shapes and text, to print"),
    "filtered": (
        "Filtered series (TIFF)",
        "The used frames without the support's lattice, with pixel size and defocus",
    ),
    "report": ("Report (HTML)", "All of it to read and to print, in one file"),
    "measurements": (
        "Measurements",
        "Vacancies, distances, strain, edges and defects as JSON and CSV, and in the report",
    ),
    "scores": ("Scores", "F1, confusion and position error against the truth of the step Score, and in the report"),
}
_PALETTES: dict[Palette, str] = {"thesis": "red, green, blue", "colour-blind": "colour-blind safe"}
_UNCHECKED = (
    "Off because the truth is what the networks found, but for a few corrections: review every disputed column, or "
    "choose a truth from a file in the step Score"
)
_NO_TRUTH = "There is nothing to score against: correct columns, or choose a truth in the step Score"
# Rows of the list of files that are seen at once.
_LIST_HEIGHT = 150


class ExportPanel(Panel):
    """Write results into a folder."""

    source = "export"

    def build(self) -> None:
        """Make the widgets."""
        self.parts: dict[ExportPart, QCheckBox] = {}
        self._grid = QGridLayout()
        for number, (part, (title, tip)) in enumerate(_PARTS.items()):
            box = QCheckBox(title)
            box.setToolTip(tip)
            box.setChecked(True)
            if part == "scores":
                # Before the panel is shown anew, which then knows what a person wants.
                box.toggled.connect(self._on_scores)
            box.toggled.connect(self.update_view)
            self._grid.addWidget(box, number // 2, number % 2)
            self.parts[part] = box
        self._wants_scores: bool | None = None
        self._series: FocalSeries | None = None
        self.palette_box = QComboBox()
        self.palette_box.addItems(_PALETTES.values())
        self.palette_box.setToolTip(
            "Colours of the networks in the figure, the same as in this window; the second set stays apart for eyes "
            "that lack a kind of cones"
        )
        self.palette_box.currentIndexChanged.connect(self._on_palette)
        self.equal_dots = QCheckBox("equal dots")
        self.equal_dots.setToolTip("Draw predictions of one network alone as large as the others, not at a third")
        self.equal_dots.toggled.connect(self._on_equal_dots)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("asked for when it is needed")
        self.folder.setToolTip("Folder for the results; it is made where it does not exist")
        self.choose_button = QPushButton("Choose…")
        self.choose_button.setToolTip("Choose the folder for the results")
        self.choose_button.clicked.connect(self._on_choose)
        self.export_button = QPushButton("Export")
        self.export_button.setToolTip("Write what is ticked into the folder, and a record of how it was made (F8)")
        self.export_button.clicked.connect(self._on_export)
        self.copy_button = QPushButton("Copy as command")
        self.copy_button.setToolTip(
            "Copy the command that makes the same results in a shell, without corrections by hand"
        )
        self.copy_button.clicked.connect(self._on_copy)
        self.busy = QProgressBar()
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.files = QListWidget()
        self.files.setToolTip("The files that were written")
        self.files.setFixedHeight(_LIST_HEIGHT)
        self.open_button = QPushButton("Open folder")
        self.open_button.setToolTip("Show the folder with the files in the system's file manager")
        self.open_button.clicked.connect(self._on_open)
        self._lay_out()

    def links(self) -> list[Link]:
        """Follow results, what can be scored, and the export itself."""
        session = self.session
        signals = (
            session.series_changed,
            session.analysis_changed,
            session.corrections_changed,
            session.recipe_changed,
            session.view_changed,
            session.activity_changed,
            session.messages_changed,
            self.workbench.scoring.changed,
        )
        return [(signal, self.update_view) for signal in signals]

    def refresh(self) -> None:
        """Show what can be written, and what was."""
        session, exported = self.session, self.workbench.exported
        there, writing = session.analysis is not None, "export" in session.busy
        if self._series is not session.file_series:
            self._on_series()
        self._show_scores()
        view = session.view
        blockers = [QSignalBlocker(self.palette_box), QSignalBlocker(self.equal_dots)]
        self.palette_box.setCurrentIndex(list(_PALETTES).index(view.palette))
        self.equal_dots.setChecked(view.equal_dots)
        del blockers
        figure = any(self.parts[part].isChecked() for part in ("png", "svg", "pdf", "report"))
        self.palette_box.setEnabled(figure)
        self.equal_dots.setEnabled(figure)
        self.export_button.setEnabled(there and not writing and bool(self.options().parts))
        self.copy_button.setEnabled(bool(session.file_series is not None and session.file_series.sources))
        self.busy.setVisible(writing)
        self._show_progress()
        self.said.setText(_said(there, session.stale))
        self.said.setVisible(bool(self.said.text()))
        for widget in (self.files, self.open_button):
            widget.setVisible(bool(exported))
        names = [path.name for path in exported]
        if names != [item.text() for item in map(self.files.item, range(self.files.count())) if item is not None]:
            self.files.clear()
            self.files.addItems(names)

    def options(self) -> ExportOptions:
        """What is ticked and can be written."""
        ticked = frozenset(part for part, box in self.parts.items() if box.isChecked())
        if self.workbench.scoring.task() is None:
            ticked -= {"scores"}
        return ExportOptions(ticked, self.session.view.palette, self.session.view.equal_dots)

    def ask_and_export(self) -> bool:
        """Ask for a folder and write there what is ticked; returns whether that was begun."""
        # Off screen it may show another series.
        self.refresh()
        folder = self._asked()
        return folder is not None and self._export(folder)

    def _asked(self) -> Path | None:
        """A folder that a person chose, the last one being proposed, or one beside the data."""
        told, series = self.folder.text().strip(), self.session.file_series
        proposed = Path(told).expanduser() if told or series is None else proposed_folder(series)
        folder = ask_folder(self, "Folder for the results", proposed)
        if folder is not None:
            self.folder.setText(str(folder))
        return folder

    def _export(self, folder: Path) -> bool:
        overwrite = folder.is_dir() and any(folder.iterdir())
        if overwrite and not self._may_overwrite(folder):
            return False
        self.workbench.export(folder, overwrite, self.options())
        return True

    def _on_series(self) -> None:
        """What was chosen for another series does not count for this one."""
        if self._series is not None:
            self.folder.clear()
        self._series, self._wants_scores = self.session.file_series, None

    def _show_scores(self) -> None:
        box, task = self.parts["scores"], self.workbench.scoring.task()
        is_checked = task is not None and task.is_checked
        box.setEnabled(task is not None)
        tip = _PARTS["scores"][1]
        box.setToolTip(_NO_TRUTH if task is None else tip if is_checked else f"{tip}. {_UNCHECKED}")
        blocker = QSignalBlocker(box)
        box.setChecked(is_checked if self._wants_scores is None else self._wants_scores)
        del blocker

    def _show_progress(self) -> None:
        told = self.workbench.writing
        self.busy.setRange(0, 0 if told is None else told.total)
        self.busy.setValue(0 if told is None else told.number - 1)
        self.busy.setFormat("measuring…" if told is None else f"writing {told.number} of {told.total}: {told.name}")

    def _may_overwrite(self, folder: Path) -> bool:
        answer = QMessageBox.question(
            self,
            "The folder is not empty",
            f"{folder} is not empty. Replace results in it? Other files stay as they are.",
        )
        return answer == QMessageBox.StandardButton.Yes

    def _on_export(self) -> None:
        told = self.folder.text().strip()
        if told:
            self._export(Path(told).expanduser())
        else:
            self.ask_and_export()

    def _on_choose(self) -> None:
        self._asked()

    def _on_scores(self, wanted: bool) -> None:
        self._wants_scores = wanted

    def _on_palette(self, index: int) -> None:
        self.session.change_view(palette=list(_PALETTES)[index])

    def _on_equal_dots(self, equal: bool) -> None:
        self.session.change_view(equal_dots=equal)

    def _on_open(self) -> None:
        exported = self.workbench.exported
        if exported:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(exported[0].parent)))

    def _on_copy(self) -> None:
        from hrtem_app.command import analyse_command

        series, clipboard = self.session.file_series, QGuiApplication.clipboard()
        if series is None or clipboard is None:
            return
        told = self.folder.text().strip()
        paths = [source.path for source in series.sources]
        clipboard.setText(analyse_command(paths, self.session.recipe, Path(told).expanduser() if told else None))
        self.session.forget("export")
        self.session.tell("export", "info", "The command is on the clipboard.")

    def _lay_out(self) -> None:
        folder, buttons = QHBoxLayout(), QHBoxLayout()
        folder.addWidget(self.folder, 1)
        folder.addWidget(self.choose_button)
        buttons.addWidget(self.export_button, 1)
        buttons.addWidget(self.copy_button)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Colours", self.palette_box)
        form.addRow("", self.equal_dots)
        form.addRow("Folder", folder)
        self.column.addLayout(self._grid)
        self.column.addLayout(form)
        self.column.addLayout(buttons)
        widgets: tuple[QWidget, ...] = (self.busy, self.said, self.open_button, self.files)
        for widget in widgets:
            self.column.addWidget(widget)


def _said(there: bool, stale: bool) -> str:
    if not there:
        return "No results yet: run the networks first."
    return "⚠ Stale: something was changed after these results were computed; run again." if stale else ""
