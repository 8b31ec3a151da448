"""The page about sessions does what it says."""

import re
from pathlib import Path

import numpy as np

from hrtem_app.columns import ColumnTable
from hrtem_app.io import load_series, save_series
from hrtem_app.sessions import Autosave

PAGE = Path(__file__).parents[2] / "docs" / "sessions.md"


def test_the_scripts_of_the_page_run(catalog_of_two, made_files, content, tmp_path, monkeypatch):
    for number, path in enumerate(made_files, start=1):
        save_series(load_series(path), tmp_path / f"focus_{number}.tif")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HRTEM_APP_AUTOSAVE", str(tmp_path / "autosave"))
    space = {}
    first, second, third = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    first = first.replace("sampling=0.225", "sampling=0.31, networks=('unet',), columns={'threshold': 0.3}")
    save = first.index("\ntry:")
    exec(first[:save], space)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "focus_2.tif").rename(tmp_path / "elsewhere" / "focus_2.tif")
    exec(first[save:], space)
    table = space["analysis"].table
    assert ColumnTable.from_csv("corrected.csv").ids.tolist() == table.ids[3:].tolist()
    exec(second, space)
    assert np.array_equal(space["maps"], space["analysis"].networks["unet"].probabilities)
    assert space["document"]["version"] == 2
    # Nothing is pending, so the page's script begins with what is open.
    exec(third, space | {"content": content})
    assert list(tmp_path.glob("autosave/*")) == []
    assert Autosave().root == tmp_path / "autosave"
