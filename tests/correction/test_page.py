"""The page about corrections does what it says."""

import re
from pathlib import Path

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.correction import Corrections

PAGE = Path(__file__).parents[2] / "docs" / "correction.md"


def test_the_script_of_the_page_runs(made_table, tmp_path, monkeypatch):
    table = made_table()
    table = table.select(np.argsort(table.ids))
    table.to_csv(tmp_path / "columns.csv")
    monkeypatch.chdir(tmp_path)
    script = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    script = script.replace("results/columns.csv", "columns.csv").replace("grain=3", "grain=1")
    space = {"polygon": [(300, 0), (300, 200), (400, 200), (400, 0)]}
    exec(script, space)
    made = space["corrections"]
    assert isinstance(made, Corrections)
    assert [edit.kind for edit in made.edits] == ["add", "delete", "reclassify", "swap", "review"]
    assert ColumnTable.from_csv(tmp_path / "corrected.csv").class_names == made.table.class_names
