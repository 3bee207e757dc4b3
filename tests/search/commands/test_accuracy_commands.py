"""``nassearch fit`` and ``nassearch predict``, and the tables they read."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import search
from nasprof.errors import UsageError
from search.accuracy import read_accuracy_model
from search.accuracy.fit import MOST_NETWORKS, fit_measurements
from search.accuracy.measurements import MeasuredAccuracy, read_measurements
from search.accuracy.mlp import SHAPES
from search.cli import main as nassearch
from spaces import get_space

OFA, CELLS = get_space("ofa-mbv3"), get_space("nasbench201")


def run(*args):
    return CliRunner().invoke(nassearch, [str(arg) for arg in args])


def networks(space=OFA, n=40, seed=0):
    """Distinct networks and an accuracy that follows their MACs."""
    rng = np.random.default_rng(seed)
    genes = rng.permutation(np.unique(space.sample(3 * n, rng, "biased"), axis=0))[:n]
    return genes, 40 + 30 * (space.macs(genes) / space.macs(genes).max()) ** 0.3


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def write(path, archs, top1, header="arch,top1"):
    lines = [f"{arch},{value!r}" for arch, value in zip(archs, map(float, top1), strict=True)]
    text = "\n".join([header, *lines, ""])
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def digits(space, genes):
    return [
        ",".join("".join(map(str, arch[name])) for name in ("ks", "e", "d"))
        for arch in space.to_ofa(genes)
    ]


@pytest.fixture
def table(tmp_path: Path):
    genes, top1 = networks()
    return write(tmp_path / "table.csv", [quoted(json.dumps(a)) for a in OFA.decode(genes)], top1)


# --- tables -----------------------------------------------------------------------------------


@settings(max_examples=15)
@given(seed=st.integers(0, 99), form=st.sampled_from(["json", "ofa", "pnag", "digits", "gzip"]))
def test_every_form_of_a_table_is_the_same_table(seed, form, tmp_path_factory):
    genes, top1 = networks(n=12, seed=seed)
    path = tmp_path_factory.mktemp("t") / ("t.csv.gz" if form == "gzip" else "t.csv")
    archs, header = {
        "json": (map(json.dumps, OFA.decode(genes)), "arch,top1"),
        "ofa": (map(json.dumps, OFA.to_ofa(genes)), "arch,top1"),
        "pnag": (OFA.to_pnag(genes), "arch,top1"),
        "digits": (digits(OFA, genes), "ks,e,d,top1"),
        "gzip": ([f"{seed},{row},224" for row in digits(OFA, genes)], "run,ks,e,d,r,top1"),
    }[form]
    rows = archs if "ks" in header else map(quoted, archs)
    found = read_measurements(write(path, rows, top1, header))
    expected = MeasuredAccuracy.of(OFA, genes, top1)
    assert found.space == OFA
    assert (found.genes == expected.genes).all()
    assert (found.top1 == expected.top1).all()
    assert (found.repeats == 1).all()


def test_settings_fill_in_what_archs_do_not_tell(tmp_path):
    genes, top1 = networks(n=5)
    wide = get_space("ofa-mbv3", width=1.2, resolution=192)
    given = {"space": "ofa-mbv3", "width": 1.2, "resolution": 192}
    bare = write(tmp_path / "a.csv", map(quoted, OFA.to_pnag(genes)), top1)
    assert read_measurements(bare, given).space == wide
    told = write(tmp_path / "b.csv", [quoted(json.dumps(a)) for a in OFA.decode(genes)], top1)
    assert read_measurements(told, given).space == OFA
    sides = [f"{row},208" for row in digits(OFA, genes)]
    digit = write(tmp_path / "c.csv", sides, top1, "ks,e,d,r,top1")
    assert read_measurements(digit, given).space.resolution == 208


ROW = "35737353733573337353,34643434634436334364,33343"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 has columns ; expected a first line that names columns 'arch'"),
        ("arch,accuracy\nx,70\n", "line 1 has columns arch, accuracy"),
        ("ks,e,top1\n3,3,70\n", "line 1 has columns ks, e, top1"),
        ("arch,top1\n", "holds no networks"),
        (f"ks,e,d,top1\n{ROW},70\n{ROW},\n", "line 3: field 'top1' is missing"),
        (f"ks,e,d,top1\n{ROW},high\n", "line 2: field 'top1' is 'high', expected percent"),
        (f"ks,e,d,top1\n{ROW},nan\n", "line 2: field 'top1' is 'nan'"),
        (f"ks,e,d,top1\n{ROW},170\n", "line 2: field 'top1' is '170'"),
        (f"ks,e,d,top1\n{ROW},-1\n", "line 2: field 'top1' is '-1'"),
        (f"ks,e,d,top1\n{ROW},0.76\n{ROW},0.77\n", "every 'top1' is at most 1 .* expected percent"),
        (f"ks,e,d,top1\n{ROW}\n", "line 2: field 'top1' is missing"),
        (f"ks,e,d,top1\n{ROW},70,80\n", "line 2: has too many fields"),
        (f"ks,e,d,top1\n9{ROW[1:]},70\n", r"line 2: .*kernel_sizes\[0\] is 9"),
        (f"ks,e,d,top1\nx{ROW[1:]},70\n", "line 2: field 'ks' is 'x57.*expected digits"),
        (f"ks,e,d,top1\n{ROW[1:]},70\n", "line 2: .*kernel_sizes"),
        (f"ks,e,d,r,top1\n{ROW},big,70\n", "line 2: field 'r' is 'big'"),
        (f"ks,e,d,r,top1\n{ROW},224,70\n{ROW},192,70\n", "line 3: .*@192, those before .*@224"),
        ('arch,top1\n"{""space"": ""moon""}",70\n', "line 2: no space is called 'moon'"),
        ('arch,top1\n"{""ks"": [3",70\n', "line 2 is not valid JSON"),
        ("arch,top1\nsomething,70\n", "line 2: this is no architecture"),
        ("arch,top1\n|nor_conv_9x9~0|+|none~0|none~1|+|none~0|none~1|none~2|,70\n", "line 2: "),
    ],
)
def test_bad_tables_are_refused_with_line_and_field(text, message, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(UsageError, match=rf"bad\.csv.*{message}"):
        read_measurements(tmp_path / "bad.csv")


def test_files_that_are_no_tables_are_refused(tmp_path):
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"arch,top1\n" * 50)[:-9])
    (tmp_path / "plain.csv.gz").write_text("arch,top1\n")
    (tmp_path / "binary.csv").write_bytes(bytes(range(128, 256)))
    for name in ("cut.csv.gz", "plain.csv.gz", "binary.csv", "none.csv"):
        with pytest.raises(UsageError, match=name):
            read_measurements(tmp_path / name)


# --- fit --------------------------------------------------------------------------------------


def test_a_table_becomes_a_model_with_a_card(table, tmp_path):
    done = run("fit", table, "-o", tmp_path / "mine.npz", "--source", "our lab", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["networks"] == told["measurements"] == 40
    assert told["noise"] is None
    assert told["cross_validation"]["spearman"] > 0.8
    model = read_accuracy_model(tmp_path / "mine.npz")
    assert (model.name, model.spaces) == ("mine", (OFA,))
    assert model.provenance == {key: told[key] for key in model.provenance}
    card = (tmp_path / "mine.md").read_text()
    for part in ("our lab", "40 distinct networks", "Spearman", "Not for", "w1.0@224"):
        assert part in card
    genes, top1 = networks(n=200, seed=8)
    assert np.corrcoef(model.top1(genes), top1)[0, 1] > 0.95


def test_a_name_goes_among_ones_own_models(table, tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    done = run("fit", table)
    assert done.exit_code == 0, done.output
    assert "Spearman" in done.stdout
    assert (tmp_path / "data" / "accuracy" / "table.npz").exists()
    assert read_accuracy_model("table").provenance["source"] == "table.csv"
    assert run("fit", table, "-o", "a/b").exit_code == 2


def test_what_exists_is_replaced_only_when_asked(table, tmp_path):
    card = tmp_path / "mine.md"
    card.write_text("precious")
    done = run("fit", table, "-o", tmp_path / "mine.npz")
    assert (done.exit_code, card.read_text()) == (2, "precious")
    assert "--overwrite" in done.stderr
    assert not (tmp_path / "mine.npz").exists()
    assert run("fit", table, "-o", tmp_path / "mine.npz", "--overwrite").exit_code == 0
    assert card.read_text() != "precious"


def test_a_table_that_cannot_rank_is_refused_with_numbers(tmp_path):
    genes, _ = networks(n=60)
    top1 = np.random.default_rng(0).normal(70, 2, 60)
    noise = write(tmp_path / "noise.csv", map(quoted, OFA.to_pnag(genes)), top1)
    done = run("fit", noise, "-o", tmp_path / "noise.npz")
    assert done.exit_code == 1
    assert "60 networks do not allow to rank" in done.stderr
    assert "power law" in done.stderr
    assert not (tmp_path / "noise.npz").exists()
    few = write(tmp_path / "few.csv", map(quoted, OFA.to_pnag(genes[:7])), top1[:7])
    done = run("fit", few, "-o", tmp_path / "few.npz")
    assert (done.exit_code, "Measure 13 more" in done.stderr) == (1, True)


def test_more_networks_than_can_be_fitted_are_sampled(monkeypatch):
    monkeypatch.setattr("search.accuracy.fit.MOST_NETWORKS", 50)
    assert MOST_NETWORKS > 2000
    model = fit_measurements(MeasuredAccuracy.of(OFA, *networks(n=90)), "m", "made up")
    assert len(model.support) == 50
    assert any("40 of the measured networks were left out" in doubt for doubt in model.doubts)


# --- predict ----------------------------------------------------------------------------------


@pytest.fixture
def archs(tmp_path: Path):
    genes = OFA.sample(3, np.random.default_rng(3))
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    paths[0].write_text(json.dumps(OFA.decode(genes[:1])[0]))
    paths[1].write_text(json.dumps(OFA.decode(genes[1:])))
    return genes, paths


def test_predictions_come_in_the_order_given(archs):
    genes, paths = archs
    done = run("predict", "--accuracy", "imagenet", "--arch", *paths, "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    model = read_accuracy_model("imagenet")
    assert [row["name"] for row in rows] == ["one", "two-0", "two-1"]
    assert [row["top1"] for row in rows] == pytest.approx(model.top1(genes).tolist())
    assert [row["std"] for row in rows] == pytest.approx(model.std(genes).tolist(), rel=1e-3)
    assert {row["space"] for row in rows} == {OFA.label}
    shown = run("predict", "--arch", *paths).stdout
    assert "two-1" in shown
    assert "Cross-validated on 1850 networks" in shown


def test_a_table_predicts_without_being_fitted_first(table, archs):
    first, second = (
        run("predict", "--accuracy", table, "--arch", *archs[1], "--json") for _ in range(2)
    )
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)[0]["std"] > 0


def test_doubts_are_told_and_do_not_spoil_the_result(archs, tmp_path):
    wide = get_space("ofa-mbv3", width=1.2)
    np.savez(tmp_path / "acc.npz", **{k: np.zeros(v, np.float32) for k, v in SHAPES.items()})
    path = tmp_path / "wide.json"
    path.write_text(json.dumps(wide.decode(archs[0][:1])[0]))
    done = run("predict", "--accuracy", tmp_path / "acc.npz", "--arch", path, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["std"] is None
    assert "with care" in done.stderr
    assert "unknown" in run("predict", "--accuracy", tmp_path / "acc.npz", "--arch", path).stdout


@pytest.mark.parametrize("change", [{"resolution": 192}, {"width": 1.2}])
def test_networks_of_another_space_are_refused(change, tmp_path):
    other = get_space("ofa-mbv3", **change)
    path = tmp_path / "other.json"
    path.write_text(json.dumps(other.decode(np.zeros((1, 45), np.int8))[0]))
    done = run("predict", "--arch", path, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert OFA.label in done.stderr
    assert other.label in done.stderr


def test_unknown_models_are_answered_with_the_known(archs):
    done = run("predict", "--accuracy", "imagnet", "--arch", archs[1][0])
    assert done.exit_code == 2
    assert "Known: imagenet" in done.stderr


# --- the calls behind the commands ------------------------------------------------------------


def test_the_call_gives_what_the_command_prints(table, tmp_path):
    told = run("fit", table, "-o", tmp_path / "a.npz", "--json", "--seed", 3)
    fitted = search.fit_accuracy(table, tmp_path / "a.npz", seed=3, overwrite=True)
    assert fitted.to_dict() == json.loads(told.stdout)
    assert fitted.path == tmp_path / "a.npz"
    assert fitted.card.read_text().startswith("# Accuracy model `a`")
    (tmp_path / "arch.json").write_text(json.dumps(OFA.decode(networks()[0][:1])[0]))
    told = run(
        "predict", "--accuracy", tmp_path / "a.npz", "--arch", tmp_path / "arch.json", "--json"
    )
    predictions = search.predict_accuracy(tmp_path / "arch.json", fitted.model)
    assert predictions.to_dict() == json.loads(told.stdout)


def test_measurements_are_fitted_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted = search.fit_accuracy(MeasuredAccuracy.of(OFA, *networks()), source="made up")
    assert fitted.to_dict()["path"] is fitted.path is fitted.card is None
    assert fitted.model.provenance["source"] == "made up"
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_model_without_its_card(table, tmp_path, monkeypatch):
    synced = []

    def full(descriptor):
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refused = run("fit", table, "-o", tmp_path / "full" / "a.npz")
    assert refused.exit_code == 1
    assert "No space left on device" in refused.stderr
    assert not list((tmp_path / "full").iterdir())
