"""The input resolution as a gene, as users of ``nassearch`` see it."""

from __future__ import annotations

import json

import pytest
from console import accepted, console, refused
from small_supernets import ELASTIC, TINY_MOBILENET
from trade_offs import made_up_accuracy

from nasprof.errors import UsageError
from search.cli import main
from spaces import parse_arch
from supernets import read_supernet

nassearch = console(main)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the user is, with a space that does not say how many classes there are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    of = {name: value for name, value in TINY_MOBILENET.items() if name != "classes"}
    del of["resolution"]
    space = {"space": "elastic-resolution", "of": {"space": "ofa-mbv3", **of}}
    space["resolutions"] = list(ELASTIC.resolutions)
    (tmp_path / "elastic.json").write_text(json.dumps(space))
    return tmp_path


def test_architectures_are_drawn_at_every_resolution(folder):
    archs = accepted(nassearch("sample", "--space", "elastic.json", "-n", 30, "--json"))
    assert {arch["space"] for arch in archs} == {"ofa-mbv3"}
    assert {arch["resolution"] for arch in archs} == {10, 13, 16}
    said = refused(nassearch("sample", "--space", "elastic.json", "--resolution", 13, "--json"))
    assert "unknown field 'resolution'" in said


def test_from_images_to_networks_of_several_resolutions(folder):
    data = ("--data", "digits", "--recipe", "batch=8")
    made = ("supernet", "train", "--space", "elastic.json", *data, "--steps", 3, "-o")
    accepted(nassearch(*made, "s.safetensors", "--json"))
    assert read_supernet("s.safetensors")[1].space == ELASTIC
    looked_at = ("--data", "digits", "--recalibrate", 20)
    evaluated = accepted(
        nassearch("supernet", "evaluate", "s.safetensors", *looked_at, "--random", 6, "--json")
    )
    known = {json.dumps(row["arch"], sort_keys=True): row["top1"] for row in evaluated}
    assert {row["arch"]["resolution"] for row in evaluated} <= {10, 13, 16}
    (folder / "archs.json").write_text(json.dumps([row["arch"] for row in evaluated]))
    named = ("supernet", "evaluate", "s.safetensors", *looked_at, "--arch", "archs.json", "--json")
    again = accepted(nassearch(*named))
    assert {json.dumps(row["arch"], sort_keys=True): row["top1"] for row in again} == known
    objectives = ("--objectives", "top1@s.safetensors,macs", *looked_at, "--evals", 12)
    found = accepted(
        nassearch("run", "--engine", "nsga2", "--set", "population=6", *objectives, "-o", "kept",
                  "--json")
    )  # fmt: skip
    assert {parse_arch(row["arch"])[0] for row in found["front"]} <= set(ELASTIC.members)
    one = ("run", "--engine", "random", "--supernet", "s.safetensors", "--resolution", 13)
    alone = accepted(
        nassearch(*one, "--objectives", "top1,macs", *looked_at, "--evals", 3, "--json")
    )
    assert {row["arch"]["resolution"] for row in alone["front"]} == {13}
    (path,) = (folder / "kept").iterdir()
    shown = nassearch("archive", "show", path)
    assert shown.exit_code == 0 and "elastic-resolution 10/13/16" in shown.output


def test_costs_are_searched_in_a_named_space_and_in_one_resolution_of_it(folder):
    costs = ("run", "--engine", "random", "--objectives", "macs,params", "--evals", 20)
    every = accepted(nassearch(*costs, "--space", "elastic.json", "--json"))
    assert len({row["arch"]["resolution"] for row in every["front"]}) >= 1
    one = accepted(nassearch(*costs, "--space", "elastic.json", "--resolution", 13, "--json"))
    assert {row["arch"]["resolution"] for row in one["front"]} == {13}
    exact = ("run", "--engine", "exact", "--objectives", "macs,params", "--evals", 20)
    best = accepted(nassearch(*exact, "--space", "elastic.json", "--json"))
    assert [row["arch"]["resolution"] for row in best["front"]] == [10]


def test_budgets_are_answered_at_one_resolution(folder):
    made = ("supernet", "train", "--space", "elastic.json", "--data", "digits", "--steps", 1)
    accepted(nassearch(*made, "--recipe", "batch=4", "-o", "s.safetensors", "--json"))
    asked = ("generate", "--budget", "1ms", "--supernet", "s.safetensors", "--data", "digits")
    said = refused(nassearch(*asked, "--export", "files", "--json"))
    assert "budgets are answered at one resolution" in said and "--resolution" in said
    asked = ("deliver", "--supernet", "s.safetensors", "--data", "digits", "--budget", "1ms")
    assert "budgets are answered at one resolution" in refused(nassearch(*asked, "-o", "app"))


def test_an_accuracy_model_of_all_resolutions_is_searched_but_answers_no_budgets(folder):
    model = made_up_accuracy(ELASTIC, "mine")
    model.as_arrays().write(folder / "mine.npz")
    search = ("run", "--engine", "exact", "--objectives", "top1,macs", "--accuracy", "mine.npz")
    found = accepted(nassearch(*search, "--evals", 500, "--json"))
    genes = ELASTIC.encode([row["arch"] for row in found["front"]])
    assert [row["values"]["top1"] for row in found["front"]] == pytest.approx(
        model.top1(genes).tolist()
    )
    said = refused(nassearch("generate", "--budget", "1ms", "--accuracy", "mine.npz", "--json"))
    assert "accuracy model 'mine' is of elastic-resolution 10/13/16" in said
    assert "budgets are answered at one resolution" in said


def test_an_accuracy_model_is_learned_at_the_resolution_asked_for(folder, monkeypatch):
    asked = []

    def fitted(path, images, output, *, options, overwrite, progress):
        asked.append(options.resolution)
        raise UsageError("that is all")

    monkeypatch.setattr("search.fit_supernet", fitted)
    fit = ("fit", folder / "s.safetensors", "--data", "digits", "--json")
    (folder / "s.safetensors").touch()
    for more in ((), ("--resolution", 13)):
        assert "that is all" in refused(nassearch(*fit, *more))
    assert asked == [None, 13]
