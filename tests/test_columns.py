"""The atom list: its schema, its round trip, what it refuses."""

import csv

import numpy as np
import pytest

from hrtem_app.columns import ColumnTable, empty_table

FIXED = "id,class,x_px,y_px,x_A,y_A,votes,probability,p_unet,p_unet_pp,p_msd_net,spread_pm,disputed,edited"
HEADER = f"{FIXED},grain,grain_evidence,decided,reviewed"


def table(**changes):
    values = {
        "positions": np.array([[3.25, 10.5], [700.123, 1.0], [0.0, 0.0]]),
        "classes": np.array([0, 2, 1]),
        "sampling": 0.2247,
        "votes": np.array([3, 1, 2]),
        "probability": np.array([0.98765, 0.5, 0.75]),
        "network_probability": {"unet": np.array([0.9, 0.5, 0.75]), "unet_pp": np.array([1.0, 0.5, 0.75])},
        "spread": np.array([4.25, 0.0, 12.0]),
        "disputed": ("", "2S:unet_pp", "1S:msd_net"),
        "edited": np.array([False, True, False]),
        "ids": np.array([7, 3, 12]),
        "grain": np.array([1, -1, 0]),
        "grain_evidence": np.array([1.25, np.nan, -0.125]),
        "decided": np.array([True, False, False]),
        "reviewed": np.array([False, False, True]),
    }
    return ColumnTable(**(values | changes))


def test_csv_has_the_agreed_columns(tmp_path):
    table().to_csv(tmp_path / "columns.csv")
    text = (tmp_path / "columns.csv").read_bytes().decode()
    assert text.splitlines()[0] == HEADER
    assert "\r" not in text
    first = next(csv.DictReader(text.splitlines()))
    assert first["class"] == "Mo"
    assert (first["x_px"], first["y_px"]) == ("10.5000", "3.2500")
    assert float(first["x_A"]) == pytest.approx(10.5 * 0.2247, abs=1e-5)
    assert float(first["y_A"]) == pytest.approx(3.25 * 0.2247, abs=1e-5)
    assert first["p_msd_net"] == ""
    assert first["edited"] == "0"
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["grain"], row["grain_evidence"], row["decided"]) for row in rows] == [
        ("1", "1.250", "1"), ("", "", ""), ("0", "-0.125", "0"),
    ]  # fmt: skip
    assert [row["reviewed"] for row in rows] == ["0", "0", "1"]


def test_round_trip(tmp_path):
    table().to_csv(tmp_path / "columns.csv")
    back = ColumnTable.from_csv(tmp_path / "columns.csv")
    assert back.rows() == table().rows()
    assert back.sampling == pytest.approx(0.2247, rel=1e-6)
    assert list(back.network_probability) == ["unet", "unet_pp"]
    assert back.edited.tolist() == [False, True, False]
    assert back.grain.tolist() == [1, -1, 0]
    assert back.grain_evidence == pytest.approx([1.25, np.nan, -0.125], nan_ok=True)
    assert back.decided.tolist() == [True, False, False]
    assert back.reviewed.tolist() == [False, False, True]


def test_what_a_person_added_has_no_probabilities(tmp_path):
    unknown = np.array([0.9, np.nan, 0.75])
    added = table(probability=unknown, network_probability={"unet": unknown}, spread=unknown, votes=np.array([3, 0, 2]))
    added.to_csv(tmp_path / "columns.csv")
    row = list(csv.DictReader((tmp_path / "columns.csv").read_text().splitlines()))[1]
    assert (row["votes"], row["probability"], row["p_unet"], row["spread_pm"]) == ("0", "", "", "")
    back = ColumnTable.from_csv(tmp_path / "columns.csv")
    assert back.rows() == added.rows()
    assert np.isnan(back.probability).tolist() == np.isnan(back.spread).tolist() == [False, True, False]


@pytest.mark.parametrize(("lacking", "header"), [(4, FIXED), (1, f"{FIXED},grain,grain_evidence,decided")])
def test_files_of_earlier_versions_are_read(tmp_path, lacking, header):
    table().to_csv(tmp_path / "columns.csv")
    lines = (tmp_path / "columns.csv").read_text().splitlines()
    (tmp_path / "old.csv").write_text("\n".join(line.rsplit(",", lacking)[0] for line in lines) + "\n")
    assert (tmp_path / "old.csv").read_text().splitlines()[0] == header
    back = ColumnTable.from_csv(tmp_path / "old.csv")
    assert back.class_names == table().class_names
    assert not back.reviewed.any()
    if header == FIXED:
        assert back.grain.tolist() == [-1, -1, -1]
        assert np.isnan(back.grain_evidence).all()
        assert not back.decided.any()
    else:
        assert back.decided.tolist() == [True, False, False]


def test_networks_of_ones_own_come_after_the_fixed_columns(tmp_path):
    mine = table(network_probability={"mine": np.array([0.1, 0.2, np.nan])})
    mine.to_csv(tmp_path / "columns.csv")
    header = (tmp_path / "columns.csv").read_text().splitlines()[0]
    assert header == f"{FIXED},p_mine,grain,grain_evidence,decided,reviewed"
    assert ColumnTable.from_csv(tmp_path / "columns.csv").rows() == mine.rows()


def test_an_empty_table(tmp_path):
    empty_table(0.2).to_csv(tmp_path / "columns.csv")
    assert (tmp_path / "columns.csv").read_text() == HEADER + "\n"
    assert len(ColumnTable.from_csv(tmp_path / "columns.csv", sampling=0.2)) == 0
    with pytest.raises(ValueError, match="give it in Å per pixel"):
        ColumnTable.from_csv(tmp_path / "columns.csv")
    assert empty_table(0.2).counts() == {"Mo": 0, "2S": 0, "1S": 0}


def test_a_spreadsheets_byte_order_mark_is_read(tmp_path):
    table().to_csv(tmp_path / "columns.csv")
    text = (tmp_path / "columns.csv").read_text()
    (tmp_path / "marked.csv").write_text(text, encoding="utf-8-sig")
    assert ColumnTable.from_csv(tmp_path / "marked.csv").rows() == table().rows()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("spread_pm", "spread"), "lacks spread_pm"),
        (lambda text: text.replace(",Mo,", ",C,"), "line 2: class 'C' is none of Mo, 2S, 1S"),
        (lambda text: text.replace("10.5000", "ten"), "line 2: x_px 'ten' is not a number"),
        (lambda text: text.replace("10.5000", ""), "line 2: x_px '' is not a number"),
        (lambda text: text.replace("10.5000", "inf"), "line 2: x_px 'inf' is not a number"),
        (lambda text: text.replace(",2S:unet_pp,1", ""), "line 3 has more or fewer fields"),
        (lambda text: text.replace("2S:unet_pp,1", "2S:unet_pp,1,x"), "line 3 has more or fewer fields"),
        (lambda text: text.replace("1.250", "clear"), "line 2: grain_evidence 'clear' is not a number"),
        (lambda text: "", "lacks id"),
    ],
)
def test_files_that_are_no_tables_are_refused_with_the_line(tmp_path, change, message):
    path = tmp_path / "columns.csv"
    table().to_csv(path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=message) as caught:
        ColumnTable.from_csv(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "columns.csv").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("columns.csv", "missing.csv"):
        with pytest.raises(ValueError, match=name):
            ColumnTable.from_csv(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"votes": np.array([1])}, "votes has 1 rows, classes has 3"),
        ({"network_probability": {"unet": np.array([1.0])}}, "p_unet has 1 rows"),
        ({"classes": np.array([0, 3, 1])}, r"0 to 2: \[3\]"),
        ({"sampling": 0.0}, "0.0 Å/px is impossible"),
    ],
)
def test_impossible_tables_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        table(**changes)


def test_a_table_does_not_change():
    positions = np.zeros((3, 2))
    fixed = table(positions=positions)
    positions[0] = 5
    assert not fixed.positions.any()
    for values in (fixed.positions, fixed.classes, fixed.network_probability["unet"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


@pytest.mark.parametrize("rows", [np.array([False, True, True]), [1, 2], np.array([1, 2])])
def test_selected_rows_keep_their_ids(rows):
    chosen = table().select(rows)
    assert chosen.ids.tolist() == [3, 12]
    assert chosen.rows() == table().rows()[1:]
    assert chosen.counts() == {"Mo": 0, "2S": 1, "1S": 1}


@pytest.mark.parametrize("atoms", [table(), empty_table(0.2)])
def test_ase_reads_the_atoms(tmp_path, atoms):
    ase_io = pytest.importorskip("ase.io")
    atoms.to_xyz(tmp_path / "columns.xyz")
    read = ase_io.read(tmp_path / "columns.xyz")
    assert len(read) == len(atoms)
    assert read.get_chemical_symbols() == [name[-2:] if name == "Mo" else "S" for name in atoms.class_names]
    assert read.positions[:, :2] == pytest.approx(atoms.positions[:, ::-1] * atoms.sampling, abs=1e-5)
    assert read.info["sampling"] == pytest.approx(atoms.sampling)
    assert not read.pbc.any()
    if len(atoms):
        assert read.arrays["column"].tolist() == atoms.class_names
        assert read.arrays["votes"].tolist() == atoms.votes.tolist()
