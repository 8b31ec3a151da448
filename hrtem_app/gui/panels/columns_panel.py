"""Columns: how many there are, which are shown, and how the networks agree."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QWidget,
)

from hrtem_app.columns import CLASSES
from hrtem_app.gui import theme
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.session import Palette
from hrtem_app.gui.shown import Counts, counts
from hrtem_app.gui.widgets.count_table import CountTable
from hrtem_app.gui.widgets.number_slider import NumberSlider

_PALETTES: dict[Palette, str] = {"thesis": "red, green, blue", "colour-blind": "colour-blind safe"}
_KINDS = {"all": "all predictions", "agree": "two or more agree", "unique": "only one network"}


class ColumnsPanel(Panel):
    """Count and filter what the networks found."""

    source = "columns"

    def build(self) -> None:
        """Make the widgets."""
        self.table = CountTable(CLASSES, {name: theme.CLASS_COLOURS[name] for name in CLASSES})
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.votes = QSlider(Qt.Orientation.Horizontal)
        self.votes.setRange(1, 1)
        self.votes.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.votes.setToolTip("Show columns that at least this many networks found, with this class")
        self.votes.valueChanged.connect(self._on_votes)
        self.votes_text = QLabel()
        self.threshold = NumberSlider(
            0.05,
            0.95,
            0.01,
            decimals=2,
            tip="Least probability that a column is there; columns are found anew in the maps, no network is run again",
        )
        self.threshold.changed.connect(self._on_threshold)
        self.class_box, self.kind_box = QComboBox(), QComboBox()
        self.class_box.addItems(CLASSES)
        self.class_box.setToolTip("Class that the agreement picture and the probability maps show")
        self.kind_box.addItems(_KINDS.values())
        self.kind_box.setToolTip("Which predictions the agreement picture shows")
        self.class_box.currentIndexChanged.connect(self._on_class)
        self.kind_box.currentIndexChanged.connect(self._on_kind)
        self.palette_box = QComboBox()
        self.palette_box.addItems(_PALETTES.values())
        self.palette_box.setToolTip(
            "Colours of the networks in this window; the second set stays apart for eyes that lack a kind of cones"
        )
        self.palette_box.currentIndexChanged.connect(self._on_palette)
        self.equal_dots = QCheckBox("equal dots")
        self.equal_dots.setToolTip("Draw predictions of one network alone as large as the others, not at a third")
        self.equal_dots.toggled.connect(self._on_equal_dots)
        self.columns_box = QCheckBox("Columns")
        self.columns_box.setToolTip("Show the columns on the image, coloured by class")
        self.picture_box = QCheckBox("Agreement picture")
        self.picture_box.setToolTip(
            "Dots in the networks' colours, which add up where they agree: all three make white"
        )
        self.columns_box.toggled.connect(self._on_columns)
        self.picture_box.toggled.connect(self._on_picture)
        self.networks: dict[str, QCheckBox] = {}
        self._network_row = QHBoxLayout()
        self._lay_out()

    def links(self) -> list[Link]:
        """Follow results and view."""
        session = self.session
        signals = (
            session.analysis_changed,
            session.corrections_changed,
            session.view_changed,
            session.activity_changed,
            session.recipe_changed,
            self.workbench.layers.visibility_changed,
        )
        return [(signal, self.update_view) for signal in signals]

    def refresh(self) -> None:
        """Show the counts of what is shown."""
        session, analysis = self.session, self.session.analysis
        there = analysis is not None
        for widget in self._controls():
            widget.setEnabled(there)
        if analysis is None:
            self.table.clear_counts()
            self.summary.setText("No results yet: run the networks first.")
            self._show_networks({})
            return
        self._show_networks({name: result.card.title for name, result in analysis.networks.items()})
        numbers = counts(analysis, session.table or analysis.table, session.view)
        self.table.show_counts(
            numbers.shown,
            {self._titles[n]: (theme.network_ink(n, session.view.palette), c) for n, c in numbers.networks.items()},
        )
        self.summary.setText(_summary(numbers, session.stale))
        self._show_view(len(analysis.networks))

    def _controls(self) -> tuple[QWidget, ...]:
        return (
            self.threshold,
            self.votes,
            self.class_box,
            self.kind_box,
            self.palette_box,
            self.equal_dots,
            self.columns_box,
            self.picture_box,
        )

    def _show_view(self, networks: int) -> None:
        view, layers = self.session.view, self.workbench.layers
        blockers = [QSignalBlocker(widget) for widget in self._controls()]
        self.threshold.set_value(self.session.recipe.columns.threshold)
        self.votes.setRange(1, max(1, networks))
        self.votes.setValue(view.votes)
        self.votes_text.setText(f"{view.votes} of {networks}" if view.votes < networks else f"all {networks}")
        self.class_box.setCurrentIndex(view.class_index)
        self.kind_box.setCurrentIndex(list(_KINDS).index(view.kind))
        self.palette_box.setCurrentIndex(list(_PALETTES).index(view.palette))
        self.equal_dots.setChecked(view.equal_dots)
        for key, box in (("columns", self.columns_box), ("agreement", self.picture_box)):
            layer = layers.get(key)
            box.setChecked(layer is not None and layer.visible)
        del blockers

    def _show_networks(self, titles: dict[str, str]) -> None:
        self._titles = titles
        if list(self.networks) != list(titles):
            for box in self.networks.values():
                box.setParent(None)
                box.deleteLater()
            self.networks = {name: QCheckBox(title) for name, title in titles.items()}
            for box in self.networks.values():
                box.setToolTip("Count this network in the agreement picture")
                box.toggled.connect(self._on_networks)
                self._network_row.addWidget(box)
        for name, box in self.networks.items():
            theme.colour_text(box, theme.network_ink(name, self.session.view.palette), self)
            blocker = QSignalBlocker(box)
            box.setChecked(name not in self.session.view.hidden)
            del blocker

    def _on_votes(self, votes: int) -> None:
        self.session.change_view(votes=votes)

    def _on_class(self, index: int) -> None:
        self.session.change_view(class_index=index)

    def _on_kind(self, index: int) -> None:
        self.session.change_view(kind=list(_KINDS)[index])

    def _on_threshold(self, value: float) -> None:
        self.session.change(columns=self.session.recipe.columns.model_dump() | {"threshold": value})

    def _on_palette(self, index: int) -> None:
        self.session.change_view(palette=list(_PALETTES)[index])

    def _on_equal_dots(self, equal: bool) -> None:
        self.session.change_view(equal_dots=equal)

    def _on_networks(self) -> None:
        self.session.change_view(hidden=frozenset(name for name, box in self.networks.items() if not box.isChecked()))

    def _on_columns(self, visible: bool) -> None:
        self.workbench.layers.set_visible("columns", visible)

    def _on_picture(self, visible: bool) -> None:
        self.workbench.layers.set_visible("agreement", visible)

    def _lay_out(self) -> None:
        votes, picture, shown = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        votes.addWidget(self.votes, 1)
        votes.addWidget(self.votes_text)
        picture.addWidget(self.class_box)
        picture.addWidget(self.kind_box, 1)
        shown.addWidget(self.columns_box)
        shown.addWidget(self.picture_box)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Threshold", self.threshold)
        form.addRow("Votes", votes)
        form.addRow("Show", shown)
        form.addRow("Agreement", picture)
        form.addRow("Colours", self.palette_box)
        form.addRow("", self.equal_dots)
        form.addRow("Networks", self._network_row)
        self.column.addWidget(self.table)
        self.column.addWidget(self.summary)
        self.column.addLayout(form)


def _summary(numbers: Counts, stale: bool) -> str:
    total = sum(numbers.shown.values())
    text = f"{total} columns shown, {numbers.disputed} of them disputed."
    return f"{text} ⚠ Stale: something was changed since; run again." if stale else text
