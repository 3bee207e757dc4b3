"""``nassearch run`` as its users see it: objectives, budgets, ends, failures, faults."""

import json
import resource
import signal
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from console import accepted, refused
from processes import until
from tables import audited_table
from trade_offs import CELLS, made_up_accuracy
from whims import lines, quick, user_folder

from luts import read_cost_model, write_cost_model
from nasprof.settings import setting_infos
from search.engines import engines, make_engine
from search.quality.indicators import hypervolume, non_dominated
from spaces import get_space, parse_arch

SPACE = get_space("nasbench201")
NSGA2 = ("--engine", "nsga2", "--set", "population=16")
OWN = (*NSGA2, "--objectives", "top1,macs", "--evals", 60, "--json")
"""A search by the user's own function."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An accuracy model and tables of two devices, in small cells."""
    folder = tmp_path_factory.mktemp("models")
    made_up_accuracy(CELLS, "cells").as_arrays().write(folder / "cells.npz")
    write_cost_model(audited_table(CELLS), folder / "cells.json")
    write_cost_model(audited_table(CELLS, seed=5), folder / "other.json")
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with user_folder(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def search(folder, models: Path) -> Callable[..., object]:
    """A search by models, which the engine is told of as options."""

    def run(*args, engine="nsga2"):
        given = ("--accuracy", models / "cells.npz", "--lut", models / "cells.json")
        common = ("--engine", engine, "--evals", 200, "--json")
        return folder.invoke("run", *given, *common, *quick(engine), *args)

    return run


def kept(folder, name="kept"):
    (path,) = (folder.path / name).iterdir()
    return path


def genes_of(front, space=CELLS):
    return space.encode([parse_arch(each["arch"])[1] for each in front])


def minimised(found):
    signs = {each["name"]: -1 if each["maximise"] else 1 for each in found["objectives"]}
    return np.array([[signs[n] * v for n, v in each["values"].items()] for each in found["front"]])


# --- objectives -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "n"),
    [
        ("top1", 1),
        ("top1,latency", 2),
        ("latency,top1,params", 3),
        (
            "top1,latency,latency@{other},latency_upper,latency_upper@{other},macs,params,"
            "size_bytes,size_bytes@int8,peak_memory,score=own_whims:score,"
            "max:again=own_whims:score",
            12,
        ),
    ],
)
def test_as_many_objectives_as_are_named(search, models, names, n):
    names = names.format(other=models / "other.json")
    found = accepted(search("--objectives", names, "--evals", 60))
    told = [each["name"] for each in found["objectives"]]
    assert len(told) == n
    assert told == [name.removeprefix("max:").partition("=")[0] for name in names.split(",")]
    assert found["evaluations"] == 60
    assert found["space"] == CELLS.settings
    values = minimised(found)
    assert values.shape == (len(found["front"]), n)
    assert len(non_dominated(values)) == len(values) > 0
    signs = np.array([-1 if each["maximise"] else 1 for each in found["objectives"]])
    corner = signs * list(found["reference"].values())
    assert found["hypervolume"] == pytest.approx(hypervolume(values, corner))
    assert found["hypervolume"] > 0
    assert sum("knee" in each["marks"] for each in found["front"]) == 1


def test_values_are_those_of_the_models_in_their_own_units(search, models):
    other = models / "other.json"
    names = f"top1,latency,latency@{other},macs,params"
    found = accepted(search("--objectives", names, "--evals", 60))
    genes = genes_of(found["front"])
    expected = {
        "top1": made_up_accuracy(CELLS, "cells").top1(genes),
        "latency": read_cost_model(models / "cells.json").latency_ms(genes),
        f"latency@{other}": read_cost_model(other).latency_ms(genes),
        "macs": CELLS.macs(genes),
        "params": CELLS.params(genes),
    }
    for name, values in expected.items():
        told = [each["values"][name] for each in found["front"]]
        np.testing.assert_allclose(told, values, rtol=1e-12)
    units = [(each["unit"], each["maximise"]) for each in found["objectives"]]
    assert units[:2] == [("%", True), ("ms", False)]


def test_one_objective_has_one_best(folder):
    args = (*NSGA2, "--objectives", "macs", "--evals", 100)
    found = accepted(folder.run(*args, "--json"))
    (least,) = found["front"]
    assert least["values"]["macs"] == found["objectives"][0]["best"]
    assert least["values"]["macs"] == SPACE.macs(genes_of([least], SPACE))[0]
    shown = folder.run(*args)
    assert shown.exit_code == 0
    assert f"{least['values']['macs'] / 1e6:.4g} M" in shown.stdout


def test_what_the_network_alone_tells_does_not_say_the_space(search):
    said = refused(search("--objectives", "macs"))
    assert "no objective tells which space to search" in said
    assert "Name it: --space ofa-mbv3." in said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("top1,latencie", "no objective is called 'latencie'"),
        ("top1,latency,top1", "objective 'top1' is there twice"),
        ("top1,macs@pixel", "macs depends on the network alone"),
        ("top1,a=own_whims:nothing", "expected a function 'nothing' in 'own_whims'"),
        ("top1,a=nowhere:score", "module 'nowhere' cannot be imported"),
        ("top1,macs=own_whims:score", "'macs' is what another objective is called"),
        ("", "no objective is named"),
        (",,", "no objective is named"),
    ],
)
def test_objectives_that_are_none_are_refused(search, names, said):
    assert said in refused(search("--objectives", names))


# --- engines --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["moead", "exact", "nas-mo"])
@pytest.mark.parametrize("names", ["top1", "top1,macs,params"])
def test_an_engine_for_other_numbers_of_objectives_names_those_that_fit(search, engine, names):
    n = names.count(",") + 1
    least, most = engines.get(engine).n_objectives
    result = search("--objectives", names, "--budget", "top1=71", "-o", "kept", engine=engine)
    if least <= n <= most and (n == 1 or not engines.get(engine).needs_limit):
        assert accepted(result)["evaluations"] > 0
        return
    said = refused(result)
    if not least <= n <= most:
        assert f"there are {n}: {', '.join(names.split(','))}" in said
    assert "nsga2" in said
    assert "random" in said


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("colour=3", "this engine has no setting 'colour'"),
        ("population=many", "setting 'population' is 'many', expected something like"),
        ("population=-3", "setting 'population' is -3, expected something like"),
        ("population", "'population' is not of the form NAME=VALUE"),
    ],
)
def test_settings_that_the_engine_does_not_have_are_refused(search, setting, said):
    assert said in refused(search("--set", setting, "-o", "kept"))


@pytest.mark.parametrize("engine", list(engines))
def test_help_settings_shows_what_can_be_set_and_searches_nothing(folder, engine):
    args = ("--engine", engine, "--objectives", "top1", "--help-settings", "-o", "kept")
    shown, told = folder.run(*args), accepted(folder.run(*args, "--json"))
    assert shown.exit_code == 0
    infos = setting_infos(type(engines.get(engine).settings))
    assert [each["name"] for each in told] == [info.name for info in infos]
    for info in infos:
        assert info.name in shown.stdout
        assert make_engine(engine, {info.name: info.default})
    assert not folder.calls
    assert not (folder.path / "kept").exists()


def test_settings_of_the_exact_engine_are_refused_before_anything_is_kept(folder, search):
    said = refused(search("--set", "population=3", "-o", "kept", engine="exact"))
    assert "this engine has no setting 'population'" in said
    assert not (folder.path / "kept").exists()


@pytest.mark.parametrize("engine", ["linas", "oneshot"])
def test_an_inner_engine_that_does_not_fit_is_refused_before_anything_is_kept(folder, engine):
    args = ("--engine", engine, "--objectives", "top1", "--set", "inner=moead", "-o", "kept")
    said = refused(folder.run(*args))
    assert "setting 'inner' is 'moead': this engine needs at least 2 objectives" in said
    assert not folder.calls
    assert not (folder.path / "kept").exists()


def test_what_is_not_additive_is_refused_by_exact_before_anything_is_kept(folder):
    args = ("--engine", "exact", "--objectives", "top1,macs", "-o", "kept")
    assert "'top1' is not" in refused(folder.run(*args))
    assert not (folder.path / "kept").exists()


def test_settings_change_the_search_and_are_kept(folder):
    accepted(folder.run(*OWN, "-o", "kept"))
    begun = kept(folder).read_bytes()
    assert lines(kept(folder))[0]["facts"]["settings"] == {"population": 16}
    said = refused(folder.run(*OWN, "--set", "population=8", "-o", "kept"))
    assert "is of another search: settings.population was 16, now 8" in said
    assert kept(folder).read_bytes() == begun


def test_an_unknown_executor_is_refused_at_once(folder):
    said = refused(folder.run(*OWN, "--executor", "rai", "-o", "kept"))
    assert "no executor is called 'rai'" in said
    assert folder.calls == []
    assert not (folder.path / "kept").exists()


# --- budgets --------------------------------------------------------------------------------


def middle(models, share=0.4):
    """A budget at a share of the range, and the table that it is of."""
    table = read_cost_model(models / "cells.json")
    ends = table.extremes()
    return table.bound(0.95).factor * (ends.min_ms + share * (ends.max_ms - ends.min_ms)), table


@pytest.mark.parametrize("form", ["{}ms", "{}", "latency={}ms", "latency={}", "{us}us"])
def test_a_time_is_the_budget_of_latency(search, models, form):
    budget_ms, table = middle(models)
    found = accepted(search("--budget", form.format(budget_ms, us=1e3 * budget_ms)))
    assert found["limits"] == {"latency": pytest.approx(budget_ms / table.bound(0.95).factor)}
    genes = genes_of(found["front"])
    assert len(genes) > 1
    assert (table.upper_bound_ms(genes) <= budget_ms * (1 + 1e-12)).all()
    bare = "=" not in form
    assert [each["budget_ms"] for each in found["budgets"]] == (
        [pytest.approx(budget_ms)] if bare else []
    )


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("budgets", "limits"),
    [
        (["top1=71"], {"top1": 71}),
        (["top1=71%"], {"top1": 71}),
        (["params=7k"], {"params": 7000}),
        (["params=0.007M"], {"params": 7000}),
        (["macs=3.2e5", "top1=70.8"], {"macs": 320_000, "top1": 70.8}),
    ],
)
def test_budgets_by_name_hold_for_the_front(search, budgets, limits):
    args = [part for each in budgets for part in ("--budget", each)]
    found = accepted(search("--objectives", "top1,macs,params", "--evals", 400, *args))
    assert found["limits"] == pytest.approx(limits)
    assert found["budgets"] == []
    signs = {each["name"]: -1 if each["maximise"] else 1 for each in found["objectives"]}
    assert len(found["front"]) > 1
    for each in found["front"]:
        for name, limit in limits.items():
            assert signs[name] * each["values"][name] <= signs[name] * limit
    free = accepted(search("--objectives", "top1,macs,params", "--evals", 400))
    outside = [
        each
        for each in free["front"]
        if any(signs[n] * each["values"][n] > signs[n] * limit for n, limit in limits.items())
    ]
    assert outside


def test_several_times_are_as_many_searches_that_share_the_named_budgets(search, models, folder):
    (low, _), (high, table) = middle(models, 0.2), middle(models, 0.6)
    args = ("--budget", "top1=70.9", "--budget", f"{high}ms", "--budget", f"{low}ms")
    found = accepted(search(*args, "-o", "kept", engine="local"))
    assert found["evaluations"] == 400
    assert found["limits"] == {"top1": 70.9}
    assert [each["budget_ms"] for each in found["budgets"]] == pytest.approx([high, low])
    for each in found["budgets"]:
        assert each["values"]["top1"] >= 70.9
        assert each["upper_ms"] <= each["budget_ms"] * (1 + 1e-12)
    assert all(each["values"]["top1"] >= 70.9 for each in found["front"])
    assert len(list((folder.path / "kept").iterdir())) == 2
    assert max(table.upper_bound_ms(genes_of(found["front"]))) > low


@pytest.fixture
def learning(folder, models: Path) -> Callable[..., object]:
    """A search on a table that learns: its networks, and so its bounds, can be changed."""
    table = read_cost_model(models / "cells.json")
    path = folder.path / "learning.json"

    def learn(error):
        """The table, whose predictions missed every other network by that share more."""
        networks = [
            replace(each, latency_ms={"wall": each.latency_ms["wall"] * (1 + error * (place % 2))})
            if each.role == "audit"
            else each
            for place, each in enumerate(table.networks)
        ]
        path.unlink(missing_ok=True)
        write_cost_model(replace(table, networks=tuple(networks)), path)
        return read_cost_model(path).bound(0.95).factor

    def run(*args, engine="nsga2", out="kept"):
        given = ("--accuracy", models / "cells.npz", "--lut", path, "--json", "-o", out)
        return folder.invoke("run", *given, "--engine", engine, *quick(engine), *args)

    learn(0)
    run.learn = learn
    return run


def without_bounds(found):
    """What a search found, but for what networks take at most by today's bounds."""
    return {**found, "budgets": [{**each, "upper_ms": None} for each in found["budgets"]]}


@pytest.mark.no_cover
@pytest.mark.parametrize("engine", ["nsga2", "local", "linas"])
@pytest.mark.parametrize("form", ["{}ms", "latency={}ms"])
def test_a_search_goes_on_within_its_limits_when_the_table_has_learned(
    learning, folder, models, engine, form
):
    budget = ("--budget", form.format(round(middle(models)[0], 6)))
    before = learning.learn(0)
    expected = accepted(learning(*budget, "--evals", 120, engine=engine, out="whole"))
    accepted(learning(*budget, "--evals", 60, engine=engine))
    assert learning.learn(0.05) > before * 1.01
    resumed = learning(*budget, "--evals", 120, engine=engine)
    assert without_bounds(accepted(resumed)) == without_bounds(expected)
    assert kept(folder).read_bytes() == kept(folder, "whole").read_bytes()
    (said,) = [line for line in resumed.stderr.splitlines() if "bound of 'latency'" in line]
    was, now = expected["limits"]["latency"], round(middle(models)[0], 6) / learning.learn(0.05)
    assert f"its limit was {was:.6g} ms, now it would be {now:.6g}" in said
    assert "bound of" not in learning(*budget, "--evals", 120, engine=engine, out="new").stderr


def test_another_budget_or_confidence_is_another_search(learning, folder, models):
    budget = round(middle(models)[0], 6)
    accepted(learning("--budget", f"{budget}ms", "--evals", 40))
    path = kept(folder)
    begun = path.read_bytes()
    said = refused(learning("--budget", f"{budget}ms", "--evals", 40, "--confidence", 0.9))
    assert "budgets.latency.confidence was 0.95, now 0.9" in said
    assert "limits" not in said
    other = path.with_name(path.name.replace(f"{budget:g}", f"{1.1 * budget:g}"))
    path.rename(other)
    said = refused(learning("--budget", f"{1.1 * budget:g}ms", "--evals", 40))
    assert f"budgets.latency.value was {budget}, now {1.1 * budget:g}" in said
    assert other.read_bytes() == begun


def test_archives_of_before_budgets_were_kept_go_on_within_the_same_limits_alone(
    learning, folder, models
):
    budget = ("--budget", f"{round(middle(models)[0], 6)}ms")
    expected = accepted(learning(*budget, "--evals", 80, out="whole"))
    accepted(learning(*budget, "--evals", 40))
    path = kept(folder)
    head, *others = path.read_text().splitlines(keepends=True)
    header = json.loads(head)
    del header["facts"]["budgets"]
    old = "".join([json.dumps(header) + "\n", *others])
    path.write_text(old)
    assert len(accepted(folder.invoke("archive", "show", path, "--json"))["front"]) > 0
    merged = ("archive", "merge", path, kept(folder, "whole"), "-o", "merged.jsonl")
    assert folder.invoke(*merged).exit_code == 0
    learning.learn(0.05)
    assert "limits.latency was" in refused(learning(*budget, "--evals", 80))
    assert path.read_text() == old
    learning.learn(0)
    assert accepted(learning(*budget, "--evals", 80)) == expected


def test_what_no_architecture_evaluated_meets_is_null(search):
    found = accepted(search("--budget", "top1=99", "--budget", "10ms", "--evals", 50))
    assert found["front"] == []
    assert found["budgets"] == [{"budget_ms": 10, "arch": None, "values": None, "upper_ms": None}]
    assert found["hypervolume"] == 0


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        (["flops=5M"], "a budget is of 'flops', which is no objective"),
        (["=5"], "a budget is of '', which is no objective"),
        (["latency=3", "latency=4"], "there are two budgets for 'latency'"),
        (["latency=3", "4ms"], "there are two budgets for 'latency'"),
        (["0.5ms", "500us"], "a time is there twice as a budget"),
        (["top1=good"], "the budget of 'top1' is 'good', expected a number"),
        (["top1="], "the budget of 'top1' is '', expected a number"),
        (["top1=nan"], "expected a number"),
        (["top1=1e999"], "expected a number"),
        (["latency=0"], "no time above 0"),
        (["latency=inf"], "no time above 0"),
        (["-5"], "no time above 0"),
        (["soon"], "no time above 0"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(search, folder, budgets, said):
    args = [part for each in budgets for part in ("--budget", each)]
    assert said in refused(search(*args, "-o", "kept"))
    assert not (folder.path / "kept").exists()


def test_a_time_is_refused_where_nothing_is_in_ms(search):
    said = refused(search("--objectives", "top1,macs", "--budget", "5ms"))
    assert "a time is no budget for any of the objectives: top1, macs" in said
    assert "--budget NAME=VALUE" in said


@pytest.mark.parametrize("engine", list(engines))
def test_an_impossible_budget_is_answered_at_once_with_the_least_there_is(folder, engine):
    given = ("--space", "ofa-mbv3", "--accuracy", "imagenet", "--objectives", "top1,params")
    args = ("run", "--engine", engine, *given, "--json", "-o", "kept", "--budget")
    folder.invoke(*args, "params=-1")  # what is loaded at first use
    began = time.process_time()
    said = refused(folder.invoke(*args, "params=1k"), 1)
    assert time.process_time() - began < 1
    space = get_space("ofa-mbv3")
    least = space.params(np.zeros((1, space.n_genes), np.int8))[0]
    assert f"under 1000 parameters of 'params': the least is {least:.4g}" in said
    assert not (folder.path / "kept").exists()


# --- when it ends ---------------------------------------------------------------------------


def test_a_time_that_is_over_is_told(folder):
    args = (*OWN[:-3], "--evals", 10**6, "--time", "0.3s", "--json")
    result = folder.run(*args, "-o", "kept")
    found = accepted(result)
    assert found["ended"] == "0.3 s are over"
    assert 0 < found["evaluations"] < 10**5
    assert f"Ended after {found['evaluations']} evaluations: 0.3 s are over" in result.stderr
    assert len(lines(kept(folder))[1]) == found["evaluations"]


@pytest.mark.no_cover
def test_a_front_that_does_not_change_is_told(folder):
    args = (*NSGA2, "--objectives", "top1,macs", "--evals", 4000, "--patience", 50, "--json")
    found = accepted(folder.run(*args))
    assert found["ended"] == "the last 50 evaluations did not change the front"
    assert 50 < found["evaluations"] < 4000


def test_all_evaluations_made_is_nothing_to_tell(folder):
    assert accepted(folder.run(*OWN))["ended"] is None


def test_the_exact_engine_ends_by_itself(search):
    found = accepted(search("--evals", 5, engine="exact"))
    assert (found["evaluations"], found["ended"]) == (5, None)
    more = accepted(search("--evals", 5000, engine="exact"))
    assert more["ended"] == "the engine has nothing more to propose"


# --- failures -------------------------------------------------------------------------------

WHIMSICAL = ("--engine", "random", "--objectives", "top1,macs", "--accuracy", "own_whims:whimsical")
WAYS = {
    0: "objective 'top1' raised ValueError: no GPU is idle for ",
    1: "objective 'top1' returned nan",
    2: "objective 'top1' returned inf",
    3: "objective 'top1' raised TypeError",
    4: "objective 'top1' raised ValueError: could not convert string to float: 'fast'",
    5: "objective 'top1' raised TypeError",
}


def way(arch):
    return zlib.crc32(arch["cell"].encode()) % 60


@pytest.mark.no_cover
def test_what_fails_is_kept_with_why_and_the_search_goes_on(folder):
    result = folder.run(*WHIMSICAL, "--evals", 150, "-o", "kept", "--json")
    found = accepted(result)
    head, records = lines(kept(folder))
    assert head["facts"]["objectives"][0]["facts"] == {"function": "own_whims:whimsical"}
    archs = SPACE.decode(np.array([each["genes"] for each in records], np.int8))
    failed = set()
    for arch, record in zip(archs, records, strict=True):
        if way(arch) in WAYS:
            failed.add(way(arch))
            assert record["error"].startswith(WAYS[way(arch)])
            assert record["values"] == {"top1": None, "macs": None}
        else:
            assert "error" not in record
            assert all(np.isfinite(list(record["values"].values())))
    assert failed == set(WAYS)
    assert found["evaluations"] == len(records) == 150
    assert found["failed"] == sum("error" in each for each in records)
    assert found["front"]
    assert all(way(each["arch"]) not in WAYS for each in found["front"])
    shown = folder.run(*WHIMSICAL, "--evals", 150).stdout
    assert f"random: 150 evaluated, {found['failed']} failed" in shown


def test_failures_are_not_evaluated_again(folder):
    args = (*WHIMSICAL, "--json")
    begun = accepted(folder.run(*args, "--evals", 60, "-o", "kept"))
    assert begun["failed"] > 0
    folder.forget()
    resumed = accepted(folder.run(*args, "--evals", 60, "-o", "kept"))
    assert resumed == begun
    assert folder.calls == []
    more = accepted(folder.run(*args, "--evals", 90, "-o", "kept"))
    assert more["failed"] >= begun["failed"]
    assert len(folder.calls) == 30


def test_too_many_failures_end_it_and_what_was_evaluated_is_kept(folder):
    args = (*OWN, "--accuracy", "own_whims:hopeless", "-o", "kept", "--max-failures", 7)
    # A traceback of the user's own function is what is to be seen.
    process = folder.begin(*args)
    stdout, stderr = map(bytes.decode, process.communicate())
    assert (process.returncode, stdout) == (1, "")
    assert "8 of 8 architectures could not be evaluated; the first" in stderr
    assert "objective 'top1' raised ValueError: no GPU is idle" in stderr
    assert stderr.count("Traceback") == 1
    assert "in hopeless\n" in stderr
    assert "--warm-start" in stderr
    _, records = lines(kept(folder))
    assert len(records) == 8
    assert all(each["error"] for each in records)
    # Gone on with, it is as bad as before, without trying anything again.
    folder.forget()
    assert "8 of 8 architectures" in refused(folder.run(*args), 1)
    assert folder.calls == []


# --- faults ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "workers"), [((), 1), (("--executor", "processes"), 2)])
def test_ctrl_c_shows_what_was_found(folder, how, workers):
    folder.stall("all", 30)
    how = (*how, *(("--workers", workers) if how else ()))
    process = folder.begin(*OWN, *how, "-o", "kept")
    until(lambda: len(folder.stalled) == workers, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = map(bytes.decode, process.communicate())
    assert process.returncode == 1
    assert "Interrupted" in stderr
    assert "Traceback" not in stderr
    found = json.loads(stdout)
    # Not all of the last ones before those that stalled may have arrived.
    held = kept(folder).read_bytes().count(b"\n") - 1
    assert 29 - 2 * workers < found["evaluations"] == held < 30
    assert found["ended"] == "interrupted"
    assert found["front"]
    folder.forget()
    resumed = accepted(folder.run(*OWN, "-o", "kept"))
    assert resumed == accepted(folder.run(*OWN))


def test_ctrl_c_before_anything_was_found_is_no_error(folder):
    folder.stall("all", 1)
    write_cost_model(audited_table(SPACE), folder.path / "table.json")
    args = (*NSGA2, "--lut", "table.json", "--objectives", "top1,latency", "--json")
    process = folder.begin(*args, "--warm-start", "macs", "--plot", "front.png")
    until(lambda: folder.stalled, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = map(bytes.decode, process.communicate())
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert "Nothing is plotted" in stderr
    found = json.loads(stdout)
    assert (found["evaluations"], found["front"], found["ended"]) == (0, [], "interrupted")


def test_a_full_disk_is_an_error_and_nothing_is_lost(folder):
    # Of a function that itself writes nothing.
    args = (*OWN, "--accuracy", "own_whims:succeed", "-o")
    accepted(folder.run(*args, "whole"))
    whole = kept(folder, "whole").read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) // 2, before[1]))
    try:
        said = refused(folder.run(*args, "kept"), 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot write the archive" in said
    assert "Free some space" in said
    half = kept(folder).read_bytes()
    assert whole.startswith(half)
    assert len(whole) // 3 < len(half) < len(whole)
    assert half.endswith(b"\n")
    accepted(folder.run(*args, "kept"))
    assert kept(folder).read_bytes() == whole


def test_a_corrupt_last_line_is_repaired_and_said(folder):
    whole = accepted(folder.run(*OWN, "-o", "kept"))
    path = kept(folder)
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    result = folder.run(*OWN, "-o", "kept")
    assert accepted(result) == whole
    assert f"{path.name}: the last line is incomplete and left out" in result.stderr
    assert path.read_bytes() == data


def test_a_corrupt_line_in_the_middle_is_refused_and_named(folder):
    accepted(folder.run(*OWN, "-o", "kept"))
    path = kept(folder)
    damaged = (
        path.read_bytes().replace(b'"genes"', b'"gones"', 31).replace(b'"gones"', b'"genes"', 30)
    )
    path.write_bytes(damaged)
    said = refused(folder.run(*OWN, "-o", "kept"))
    assert f"{path.name}, line 32: " in said
    assert "--fresh" in said
    assert path.read_bytes() == damaged
    accepted(folder.run(*OWN, "-o", "kept", "--fresh"))
    assert path.read_bytes().count(b'"genes"') == 60


def test_a_foreign_file_is_refused_and_left_alone(folder):
    accepted(folder.run(*OWN, "-o", "kept"))
    path = kept(folder)
    path.write_text("my notes\n")
    said = refused(folder.run(*OWN, "-o", "kept"))
    assert "is no JSON" in said or "is no archive" in said
    assert path.read_text() == "my notes\n"


def test_an_archive_of_another_space_is_refused(folder, models):
    accepted(folder.run(*OWN, "-o", "kept"))
    begun = kept(folder).read_bytes()
    said = refused(folder.run(*OWN, "--space", "ofa-mbv3", "-o", "kept"))
    assert "is of another search" in said
    assert "space" in said
    assert kept(folder).read_bytes() == begun


def test_two_processes_do_not_work_on_one_archive(folder):
    folder.stall("all", 10)
    process = folder.begin(*OWN, "-o", "kept")
    until(lambda: folder.stalled, process)
    begun = kept(folder).read_bytes()
    for more in ((), ("--fresh",)):
        said = refused(folder.run(*OWN, "-o", "kept", *more), 1)
        assert "another process is at work on" in said
    assert kept(folder).read_bytes() == begun
    process.kill()
    process.communicate()
    folder.forget()
    assert accepted(folder.run(*OWN, "-o", "kept"))["evaluations"] == 60


def test_a_file_in_the_place_of_the_folder_is_an_error(folder):
    (folder.path / "kept").write_text("")
    said = refused(folder.run(*OWN, "-o", "kept"), 1)
    assert "cannot write the archive" in said
    assert "Choose another place." in said
    assert folder.calls == []


def test_budgets_too_long_for_a_file_name_are_to_be_shortened(folder):
    budget = f"macs={'0' * 300}5e8"
    said = refused(folder.run(*OWN, "--budget", budget, "-o", "kept"), 1)
    assert "File name too long" in said
    assert "It is named after its budgets" in said
    assert folder.calls == []


# --- what is printed and drawn --------------------------------------------------------------


def test_what_functions_print_is_no_result(folder):
    process = folder.begin(*OWN)
    stdout, stderr = map(bytes.decode, process.communicate())
    assert process.returncode == 0
    assert json.loads(stdout)["evaluations"] == 60
    assert stderr.startswith("imported\n")
    assert stderr.count("evaluating {") == 60


def test_what_functions_print_elsewhere_is_no_result_either(folder):
    process = folder.begin(*OWN, "--executor", "processes", "--workers", 2)
    stdout, stderr = map(bytes.decode, process.communicate())
    assert process.returncode == 0
    assert json.loads(stdout)["evaluations"] == 60
    assert "evaluating {" in stderr


@pytest.mark.parametrize("names", ["top1,macs", "top1,macs,params", "top1,macs,params,latency"])
def test_fronts_are_drawn_with_the_result_printed(search, folder, names):
    result = search("--objectives", names, "--plot", "front.png", "--evals", 60)
    assert accepted(result)["evaluations"] == 60
    assert "Plotted to front.png" in result.stderr
    assert (folder.path / "front.png").read_bytes().startswith(b"\x89PNG")


def test_many_objectives_are_drawn_beside_each_other(search, folder):
    names = "top1,latency,macs,params,peak_memory"
    result = search("--objectives", names, "--plot", "front.png", "--evals", 60)
    assert accepted(result)["evaluations"] == 60
    assert (folder.path / "front.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_of_one_objective_is_refused_before_searching(folder):
    args = ("--engine", "random", "--objectives", "top1", "--plot", "a.png", "-o", "kept")
    said = refused(folder.run(*args, "--json"))
    assert "one objective has none: top1" in said
    assert folder.calls == []
    assert not (folder.path / "kept").exists()


def test_an_empty_front_is_not_drawn(search, folder):
    args = ("--budget", "top1=99", "--plot", "front.png", "--evals", 50)
    result = search(*args)
    assert accepted(result)["front"] == []
    assert "Nothing is plotted" in result.stderr
    assert not (folder.path / "front.png").exists()


def test_a_reference_that_makes_no_sense_is_refused_before_searching(folder):
    for wrong, said in (
        ("flops=3", "no objective is called 'flops'"),
        ("macs=many", "the reference of 'macs' is 'many'"),
    ):
        assert said in refused(folder.run(*OWN, "--reference", wrong, "-o", "kept"))
    assert folder.calls == []
    assert not (folder.path / "kept").exists()


def test_hypervolumes_end_where_they_are_asked_to(folder):
    args = (*OWN, "--reference", "top1=45", "--reference", "macs=1e8")
    found = accepted(folder.run(*args))
    assert found["reference"] == {"top1": 45, "macs": 1e8}
    expected = hypervolume(minimised(found), np.array([-45.0, 1e8]))
    assert found["hypervolume"] == pytest.approx(expected)
    assert found["hypervolume"] > 0


def test_tables_say_what_json_says(folder):
    found = accepted(folder.run(*OWN))
    shown = folder.run(*OWN[:-1])
    assert shown.exit_code == 0
    assert "nsga2: 60 evaluated" in shown.stdout
    assert f"hypervolume {found['hypervolume']:.6g}" in shown.stdout
    best = max(each["values"]["top1"] for each in found["front"])
    assert f"{best:.6g}" in shown.stdout
    assert "knee" in shown.stdout
