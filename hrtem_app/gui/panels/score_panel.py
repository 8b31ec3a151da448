"""Score: networks and sites against a truth, and corrected series as data for fine-tuning."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from hrtem_app.columns import CLASSES
from hrtem_app.gui import theme
from hrtem_app.gui.fine_tuning import Added, add_to_folder
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.score_task import OWN
from hrtem_app.gui.widgets.drop import FileDrop
from hrtem_app.gui.widgets.score_table import ScoreTable

if TYPE_CHECKING:
    from hrtem_app.evaluation.hand_labelled import TableScore
    from hrtem_app.evaluation.table_scores import Scores

_TITLES = {"sites": "Together", "corrected": "Corrected"}


class ScorePanel(Panel):
    """Score what was found against corrected columns, a table of true ones or a simulation's truth."""

    source = "score"

    def build(self) -> None:
        """Make the widgets."""
        self.truth_box = QComboBox()
        self.truth_box.setToolTip("What is held to be true: the corrected columns, or columns from a file")
        self.truth_box.currentIndexChanged.connect(self._on_truth)
        self.open_button = QPushButton("Open…")
        self.open_button.setToolTip("Read true columns: a table (CSV), or a simulated series with its truth (npz)")
        self.open_button.clicked.connect(self._on_open)
        self.reviewed_box = QCheckBox("only reviewed or edited columns")
        self.reviewed_box.setToolTip("Hold only those true, and judge only places near them, within 0.9 Å")
        self.reviewed_box.toggled.connect(self._on_reviewed)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.table = ScoreTable(CLASSES)
        self.table.setToolTip("Two columns match within 3 px; columns within 10 px of the border do not count")
        self.add_button = QPushButton("Add to fine-tuning set…")
        self.add_button.setToolTip(
            "Write the frames as recorded and the columns as corrected into a folder that `hrtem-app train` reads; "
            "nothing in it is overwritten"
        )
        self.add_button.clicked.connect(self._on_add)
        self.added = QWidget()
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setToolTip("The command that goes on training a network with this folder")
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the command")
        self.copy_button.clicked.connect(self._on_copy)
        self._drop = FileDrop(self, _may_hold_truth, partial(self.workbench.scoring.open, choose=True))
        self._lay_out()

    def links(self) -> list[Link]:
        """Follow results, corrections and scores."""
        session = self.session
        signals = (
            session.series_changed,
            session.analysis_changed,
            session.corrections_changed,
            session.view_changed,
            session.activity_changed,
            self.workbench.scoring.changed,
        )
        return [(signal, self.update_view) for signal in signals]

    def refresh(self) -> None:
        """Show the score, and have it made anew where it is an earlier one's."""
        session, scoring = self.session, self.workbench.scoring
        scoring.look_around()
        scoring.request()
        there = session.table is not None
        self._show_truths()
        self.open_button.setEnabled(session.ready and "truth" not in session.busy)
        self.reviewed_box.setEnabled(there)
        self.add_button.setEnabled(there and "label" not in session.busy)
        result, current = scoring.result, scoring.current()
        self.table.setVisible(result is not None)
        if result is not None:
            self.table.show_scores(self._columns(result), current)
        self.said.setText(_said(result, current, scoring.problem))

    def _show_truths(self) -> None:
        scoring = self.workbench.scoring
        blockers = [QSignalBlocker(self.truth_box), QSignalBlocker(self.reviewed_box)]
        names = [OWN.capitalize(), *(truth.path.name for truth in scoring.truths)]
        if names != [self.truth_box.itemText(index) for index in range(self.truth_box.count())]:
            self.truth_box.clear()
            self.truth_box.addItems(names)
        for index, truth in enumerate(scoring.truths, start=1):
            self.truth_box.setItemData(index, str(truth.path), Qt.ItemDataRole.ToolTipRole)
        chosen = scoring.chosen
        self.truth_box.setCurrentIndex(0 if chosen is None else 1 + scoring.truths.index(chosen))
        self.reviewed_box.setChecked(scoring.reviewed_only)
        del blockers

    def _columns(self, scores: Scores) -> dict[str, tuple[str | None, TableScore]]:
        """By heading: its colour and the score; networks in their own colours."""
        analysis, palette = self.session.analysis, self.session.view.palette
        networks = {} if analysis is None else analysis.networks
        columns: dict[str, tuple[str | None, TableScore]] = {}
        for name, each in scores.tables.items():
            if name in networks:
                columns[networks[name].card.title] = theme.network_ink(name, palette), each
            else:
                columns[_TITLES.get(name, name)] = None, each
        return columns

    def _on_truth(self, index: int) -> None:
        scoring = self.workbench.scoring
        scoring.choose(None if index < 1 else scoring.truths[index - 1])

    def _on_reviewed(self, reviewed_only: bool) -> None:
        self.workbench.scoring.set_reviewed_only(reviewed_only)

    def _on_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Open true columns", "", "True columns (*.csv *.npz);;All files (*)"
        )
        if name:
            self.workbench.scoring.open([name], choose=True)

    def _on_add(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of the fine-tuning set")
        corrected = self.workbench.corrected()
        if name and corrected is not None:
            self.session.forget("score")
            self.workbench.start("label", "score", self._on_added, add_to_folder, corrected, Path(name))

    def _on_added(self, added: Added) -> None:
        self.session.tell("score", "info", added.text)
        self.command.setText(added.command)
        self.command.setCursorPosition(0)
        self.added.setVisible(True)

    def _on_copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.command.text())

    def _lay_out(self) -> None:
        truth, added = QHBoxLayout(), QHBoxLayout(self.added)
        truth.addWidget(self.truth_box, 1)
        truth.addWidget(self.open_button)
        added.setContentsMargins(0, 0, 0, 0)
        added.addWidget(self.command, 1)
        added.addWidget(self.copy_button)
        self.added.setVisible(False)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Truth", truth)
        form.addRow("", self.reviewed_box)
        self.column.addLayout(form)
        for widget in (self.said, self.table, self.add_button, self.added):
            self.column.addWidget(widget)


def _may_hold_truth(path: Path) -> bool:
    """Whether a dropped file may hold true columns; what is wrong with it is said when it is read."""
    from hrtem_app.evaluation.truth_files import SUFFIXES

    return path.suffix.lower() in SUFFIXES


def _said(scores: Scores | None, current: bool, problem: str) -> str:
    """What the numbers are, in a sentence or two."""
    if problem:
        return problem
    if scores is None:
        return "Scoring…"
    truth = scores.truth
    judged = ", ".join(f"{number} {name}" for name, number in truth.table.select(truth.judged).counts().items())
    said = f"Truth: {scores.source}; {int(truth.judged.sum())} columns: {judged}."
    checked = scores.told_checked()
    if checked:
        said += f" {checked}."
    if scores.source == OWN:
        said += " They were corrected from what these networks found, which favours the networks."
    return said if current else f"⚠ Stale: something was changed since. {said}"
