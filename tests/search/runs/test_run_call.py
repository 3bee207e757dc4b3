"""``search.run``: the same as the command, called from Python."""

import json

import pytest
from console import accepted, console

from nasprof.errors import UsageError
from search import Models, RunOptions, SearchInterrupted, read_archive, run
from search.cli import main
from spaces import get_space

MODELS = Models(space=get_space("nasbench201"))
OPTIONS = RunOptions(evaluations=150, seed=3, settings={"population": 16})
BUDGETS = ("macs=60M", "params=0.9M")


@pytest.mark.parametrize("budgets", [(), BUDGETS])
def test_it_returns_what_the_command_prints(budgets):
    result = run("nsga2", "macs,params,size_bytes", budgets=budgets, models=MODELS, options=OPTIONS)
    options = [part for budget in budgets for part in ("--budget", budget)]
    space = ("--space", "nasbench201", "--objectives", "macs,params,size_bytes")
    how = ("--evals", 150, "--seed", 3, "--set", "population=16", "--json")
    printed = accepted(console(main)("run", "--engine", "nsga2", *space, *options, *how))
    assert json.loads(json.dumps(result.to_dict())) == printed


def test_everything_evaluated_is_a_frame():
    frame = run(
        "random", ["macs", "params"], models=MODELS, options=RunOptions(evaluations=50)
    ).to_frame()
    assert list(frame.columns) == ["arch", "macs", "params", "on_front", "error"]
    assert (len(frame), frame["on_front"].any(), frame["error"].isna().all()) == (50, True, True)


def test_an_interrupted_search_tells_what_it_found_and_goes_on(tmp_path):
    kept = RunOptions(evaluations=150, seed=3, settings={"population": 16}, folder=tmp_path / "a")
    whole = RunOptions(**{**vars(kept), "folder": tmp_path / "b"})

    def interrupt(done, total):
        assert total == 150
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(SearchInterrupted) as caught:
        run("nsga2", "macs,params", models=MODELS, options=kept, progress=interrupt)
    result = caught.value.result
    assert result.to_dict()["ended"] == "interrupted"
    assert 64 <= len(result.archive) < 150
    assert run("nsga2", "macs,params", models=MODELS, options=kept).ended is None
    run("nsga2", "macs,params", models=MODELS, options=whole)
    (path,) = (tmp_path / "a").iterdir()
    assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert len(read_archive(path)) == 150


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"seed": -1}, "seed is -1, expected at least 0"),
        ({"evaluations": 0}, "evaluations is 0"),
        ({"seconds": 0.0}, "seconds is 0.0"),
        ({"executor": "cloud"}, "cloud"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, why):
    with pytest.raises(UsageError, match=why):
        RunOptions(**options)


@pytest.mark.parametrize(
    ("engine", "objectives", "budgets", "why"),
    [
        ("nsga9", "macs,params", (), "nsga9"),
        ("nsga2", "macs,beauty", (), "beauty"),
        ("nsga2", "macs,params", "12ms", "a time is no budget"),
        ("nsga2", "macs,params", "top1=3", "which is no objective"),
        ("nsga2", "macs,params", ["macs=1M", "macs=2M"], "two budgets"),
    ],
)
def test_requests_that_make_no_sense_are_refused(engine, objectives, budgets, why):
    with pytest.raises(UsageError, match=why):
        run(engine, objectives, budgets=budgets, models=MODELS)
