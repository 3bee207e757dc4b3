"""``nassearch train``, ``generate`` and ``front`` as their users see them."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from console import accepted, console, refused
from processes import until
from scripted import ScriptedSession
from tables import CELLS as SPACE
from tables import QUICK_PROTOCOL as PROTOCOL
from tables import made_up_networks, made_up_table
from trade_offs import accuracy_by_macs

from devices import DeviceLost, Samples, Target, open_device
from devices.cpu import CpuDevice
from devices.profile_files import find_profile
from luts import read_cost_model, write_cost_model
from nasprof.errors import NasprofError, UsageError
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.rounds import EMPTY, SENTINEL
from search import (
    AnswerOptions,
    AnswerProgress,
    Export,
    GenerateOptions,
    ModelOptions,
    front,
    generate,
    train_generator,
)
from search.accuracy import read_accuracy_model
from search.answers.deployment import resolve_deployment
from search.cli import main
from search.pnag import stored
from search.pnag.settings import TrainingSettings
from search.pnag.trainer import Trainer
from spaces import get_space, parse_arch


def here(table):
    """The table with the provenance of one that was measured on this machine."""
    facts = {
        "device": "cpu",
        "device_fingerprint": open_device(find_profile("cpu")).fingerprint(),
        "runtime": "onnxruntime",
        "runtime_version": __import__("onnxruntime").__version__,
        "threads": 1,
        "precision": "fp32",
        "batch": 1,
        "source": "blocks",
        "protocol": parse_protocol(PROTOCOL).to_dict(),
    }
    return replace(table, provenance=facts)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an accuracy model, a table of this machine, and a generator for both."""
    folder = tmp_path_factory.mktemp("home")
    accuracy_by_macs(SPACE, folder / "macs.npz")
    # Slower than the truth, so that every answer holds when it is measured.
    table = here(made_up_table(SPACE))
    table = replace(table, networks=tuple(made_up_networks(table)))
    write_cost_model(table, folder / "slow.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASPROF_DATA", str(folder / "data"))
        args = ["--accuracy", folder / "macs.npz", "--lut", folder / "slow.json"]
        result = CliRunner().invoke(main, ["train", *map(str, args), *QUICK, "--json"])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("NASPROF_DATA", str(home / "data"))
    monkeypatch.chdir(tmp_path)
    return console(main)


@pytest.fixture
def models(home: Path):
    return ["--accuracy", home / "macs.npz", "--lut", home / "slow.json"]


QUICK = ["--set", "steps=30", "--set", "pool=200"]


def budgets(home, *shares):
    """Budgets by their place between the fastest and the slowest."""
    table = read_cost_model(home / "slow.json")
    ends, factor = table.extremes(SPACE), table.bound(0.95).factor
    return [factor * (ends.min_ms + share * (ends.max_ms - ends.min_ms)) for share in shares]


# --- answers -----------------------------------------------------------------------------------


def test_one_budget_is_answered_with_one_object(run, models, home):
    (budget,) = budgets(home, 0.5)
    found = accepted(run("generate", "--budget", budget, *models, "--no-verify", "--json"))
    assert (found["budget_ms"], found["device"], found["lut"]) == (budget, "cpu", "slow")
    assert (found["accuracy"], found["clock"], found["note"]) == ("macs", "wall", None)
    (result,) = found["results"]
    assert set(result) == {
        "arch", "top1", "std", "latency_ms", "latency_at_table_ms", "upper_ms", "measured_ms",
    }  # fmt: skip
    assert result["measured_ms"] is None
    assert result["latency_ms"] < result["upper_ms"] <= budget
    space, arch = parse_arch(result["arch"])
    table = read_cost_model(home / "slow.json")
    assert table.latency_ms(space.encode([arch]))[0] == pytest.approx(result["latency_ms"])


def test_several_budgets_are_answered_in_their_order_and_units_are_known(run, models, home):
    low, high = budgets(home, 0.3, 0.8)
    args = ["--budget", f"{high}ms", "--budget", f"{low / 1000}s", "--budget", f"{low * 1000} us"]
    found = accepted(run("generate", *args, *models, "--no-verify", "--top", 3, "--json"))
    assert [each["budget_ms"] for each in found] == pytest.approx([high, low, low])
    for each in found:
        accuracies = [result["top1"] for result in each["results"]]
        assert len(accuracies) == 3
        assert accuracies == sorted(accuracies, reverse=True)
        assert max(result["upper_ms"] for result in each["results"]) <= each["budget_ms"]
    assert found[0]["results"][0]["top1"] > found[1]["results"][0]["top1"]


def test_the_same_seed_gives_the_same_answer(run, models, home):
    args = ["generate", "--budget", budgets(home, 0.4)[0], *models, "--no-verify", "--json"]
    assert accepted(run(*args, "--seed", 7)) == accepted(run(*args, "--seed", 7))


def test_budgets_outside_the_range_are_answered_with_a_note(run, models, home):
    low, high = budgets(home, 0, 1)
    args = ["--budget", low / 2, "--budget", high + 5]
    below, above = accepted(run("generate", *args, *models, "--no-verify", "--json"))
    table = read_cost_model(home / "slow.json")
    assert below["minimum_ms"] == pytest.approx(low)
    assert below["results"][0]["latency_ms"] == pytest.approx(table.extremes(SPACE).min_ms)
    assert f"no network is known to run under {low:.4g} ms" in below["note"]
    left = above["budget_ms"] - above["results"][0]["upper_ms"]
    assert f"{left:.4g} ms are left" in above["note"]


def test_a_table_for_people(run, models, home):
    (budget,) = budgets(home, 0.5)
    result = run("generate", "--budget", budget, "--budget", 0.001, *models, "--no-verify")
    assert result.exit_code == 0
    assert "nasbench201" in result.stdout
    assert f"{budget:.4g}" in result.stdout
    assert "0.001 ms: no network is known to run under" in result.stdout


def test_the_front_never_falls_with_the_budget_it_spans(run, models):
    points = accepted(run("front", *models, "--points", 6, "--plot", "f.png", "--json"))
    assert [len(point["results"]) for point in points] == [1] * 6
    assert points[0]["budget_ms"] == pytest.approx(points[0]["minimum_ms"])
    assert points[-1]["budget_ms"] == pytest.approx(points[-1]["maximum_ms"])
    assert points[-1]["results"][0]["top1"] > points[0]["results"][0]["top1"]
    assert Path("f.png").read_bytes()[:4] == b"\x89PNG"


# --- the library's call ------------------------------------------------------------------------


def as_json(replies):
    return json.loads(json.dumps(replies.to_dict()))


def test_the_call_gives_what_the_command_prints(run, models, home):
    low, high = budgets(home, 0.3, 0.8)
    args = ["--budget", f"{low}ms", "--budget", high, "--budget", low, *models, "--no-verify"]
    printed = accepted(run("generate", *args, "--top", 2, "--seed", 3, "--json"))
    options = GenerateOptions(top=2, seed=3)
    asked = partial(generate, [f"{low}ms", high, low], verify=False, options=options)
    replies = asked(lut=models[3], accuracy=models[1])
    assert as_json(replies) == printed
    assert as_json(replies[0]) == printed[0]
    as_objects = {
        "device": Target("cpu"),
        "lut": read_cost_model(models[3]),
        "accuracy": read_accuracy_model(str(models[1])),
    }
    assert as_json(asked(**as_objects)) == printed
    frame = replies.to_frame()
    assert frame["budget_ms"].tolist() == [low, low, high, high]
    assert frame["arch"].tolist() == [one["arch"] for each in printed for one in each["results"]]
    assert (len(replies), replies.error, repr(replies)[:8]) == (2, None, "Replies(")


def test_the_call_measures_as_the_command_does(run, models, home, monkeypatch):
    def script(name, number, runs):
        level = {SENTINEL: 2.0, EMPTY: 0.01}.get(name) or 5.0 + int(name.removeprefix("answer"))
        return Samples([level] * runs, [0.9 * level] * runs)

    monkeypatch.setattr(CpuDevice, "open", lambda _, settings: ScriptedSession(settings, script))
    low, high = budgets(home, 0.2, 0.9)
    args = ["--budget", low, "--budget", high, *models, "--no-learn"]
    printed = accepted(run("generate", *args, "--export", "onnx", "-o", "files", "--json"))
    replies = generate(
        [low, high],
        lut=models[3],
        accuracy=models[1],
        export=Export("files"),
        options=GenerateOptions(learn=False),
    )
    assert as_json(replies) == printed
    assert replies[1].best.measured_ms == printed[1]["results"][0]["measured_ms"] >= 5
    assert all(Path(file).exists() for reply in replies for file in reply.best.files)


def test_one_budget_of_a_call_needs_no_list(models, home, run):
    (budget,) = budgets(home, 0.5)
    printed = accepted(run("generate", "--budget", budget, *models, "--no-verify", "--json"))
    replies = generate(budget, lut=models[3], accuracy=models[1], verify=False)
    assert as_json(replies) == printed
    assert replies[0].best.arch == printed["results"][0]["arch"]


def test_the_front_of_a_call_is_that_of_the_command(models, run):
    printed = accepted(run("front", *models, "--points", 3, "--seed", 5, "--json"))
    options = AnswerOptions(seed=5)
    points = front(3, lut=models[3], accuracy=models[1], options=options)
    assert as_json(points) == printed
    assert [answer.top1 for answer in points.front()] == [each.best.top1 for each in points]


@pytest.mark.no_cover
def test_a_training_by_the_call_is_that_of_the_command(run, models):
    accepted(run("train", *models, *QUICK, "-o", "mine.npz", "--json"))
    steps = []
    generator = train_generator(
        TrainingSettings(steps=30, pool=200),
        lut=models[3],
        accuracy=models[1],
        output="other.npz",
        progress=AnswerProgress(training=lambda done, total: steps.append((done, total))),
    )
    assert generator.path == Path("other.npz")
    assert Path("other.npz").read_bytes() == Path("mine.npz").read_bytes()
    assert steps == [(done, 30) for done in range(1, 31)]


def test_a_call_that_was_interrupted_tells_what_there_is(models, home, run, monkeypatch, caplog):
    def interrupt(device, settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(CpuDevice, "open", interrupt)
    replies = generate(budgets(home, 0.5), lut=models[3], accuracy=models[1])
    assert replies[0].best.measured_ms is None
    with pytest.raises(NasprofError, match="not all answers were measured"):
        replies.raise_for_error()
    assert "Verifying ended early (interrupted)" in caplog.text


def test_a_call_that_makes_no_sense_is_refused(models):
    for budget in ("ten", 0, [], [5, "3m"]):
        with pytest.raises(UsageError, match=r"no time above 0|no budget"):
            generate(budget, lut=models[3], accuracy=models[1])
    for options in (
        {"top": 0},
        {"confidence": 1.0},
        {"samples": 0},
        {"seed": -1},
        {"speed": "now"},
        {"clock": "sun"},
        {"protocol": "swift"},
    ):
        with pytest.raises(UsageError, match=next(iter(options))):
            GenerateOptions(**options)
    with pytest.raises(UsageError, match="Did you mean onnx"):
        Export("out", "onyx")
    with pytest.raises(UsageError, match="points is 1"):
        front(1)


# --- training ----------------------------------------------------------------------------------


def test_a_generator_is_trained_once_and_kept(run, home, tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "fresh"))
    monkeypatch.setattr(stored, "TrainingSettings", partial(TrainingSettings, steps=30))
    models = ["--accuracy", home / "macs.npz", "--lut", home / "slow.json"]
    args = ["--budget", budgets(home, 0.5)[0], *models, "--no-verify", "--json"]
    first, second = run("generate", *args, "--by", "pnag"), run("generate", *args)
    assert "Training a generator" in first.stderr
    assert len(list((tmp_path / "fresh" / "generators").glob("*.npz"))) == 1
    assert "Training" not in second.stderr
    assert "Answering by pnag: its generator is kept" in second.stderr
    assert accepted(first) == accepted(second)


def test_a_first_answer_needs_no_training(run, home, tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "fresh"))
    models = ["--accuracy", home / "macs.npz", "--lut", home / "slow.json"]
    args = ["--budget", budgets(home, 0.5)[0], *models, "--no-verify", "--json"]
    first = run("generate", *args)
    assert accepted(first)["by"] == "local"
    said = [line for line in first.stderr.splitlines() if "Answering by" in line]
    assert said == ["Answering by local, which needs no training (--by pnag trains)"]
    assert not list((tmp_path / "fresh").rglob("*.npz"))
    assert accepted(run("generate", *args, "--by", "local")) == accepted(first)
    assert accepted(run("front", *models, "--points", 2, "--json"))[0]["by"] == "local"


STALLING = """
import sys
import time
from pathlib import Path
from search.pnag import stored

def stalling(trade_off, *args, **options):
    while not Path("go").exists():
        time.sleep(0.01)
    return stored.read_generator(Path(sys.argv.pop()), trade_off.space)

stored.train = stalling
from search.cli import main
main(sys.argv[1:-1])
"""
"""Trains, once it may, what the last argument holds."""


@pytest.fixture
def two_at_once(
    run: Callable[..., Result], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same first ``generate`` twice: one that trains and stalls, one that waits for it."""
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "fresh"))
    models = ["--accuracy", home / "macs.npz", "--lut", home / "slow.json"]
    args = ["generate", "--by", "pnag", "--budget", budgets(home, 0.5)[0], *models]
    args += ["--no-verify", "--json"]

    (trained,) = (home / "data" / "generators").glob("*.npz")

    def begin(name, said):
        with Path(f"{name}.out").open("w") as out, Path(f"{name}.err").open("w") as err:
            command = [sys.executable, "-c", STALLING, *map(str, args), str(trained)]
            process = subprocess.Popen(command, stdout=out, stderr=err)
        until(lambda: said in Path(f"{name}.err").read_text() or process.poll() is not None)
        assert process.poll() is None, Path(f"{name}.err").read_text()
        return process

    processes = [begin("first", "Training a generator")]
    try:
        processes.append(begin("second", "Another process is training"))
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_of_two_first_generates_one_waits_and_uses_what_the_other_trained(two_at_once, tmp_path):
    Path("go").touch()
    assert [process.wait(60) for process in two_at_once] == [0, 0]
    assert "waiting for it" in Path("second.err").read_text()
    assert "Training a generator" not in Path("second.err").read_text()
    assert json.loads(Path("first.out").read_text()) == json.loads(Path("second.out").read_text())
    (kept,) = (tmp_path / "fresh" / "generators").iterdir()
    assert kept.suffix == ".npz"


def test_who_waits_for_a_training_that_is_killed_trains(two_at_once, tmp_path):
    first, second = two_at_once
    first.kill()
    Path("go").touch()
    assert second.wait(60) == 0
    assert "Training a generator" in Path("second.err").read_text()
    assert json.loads(Path("second.out").read_text())["results"]
    (kept,) = (tmp_path / "fresh" / "generators").iterdir()
    assert kept.suffix == ".npz"


def test_an_interrupted_training_goes_on_and_a_stale_one_begins_anew(run, home, monkeypatch):
    models = ["--accuracy", home / "macs.npz", "--lut", home / "slow.json"]
    args = ["train", *models, "--set", "steps=60", "-o", "new.npz", "--json"]
    step = Trainer.step

    def interrupted(trainer):
        if trainer.steps == 55:
            raise KeyboardInterrupt
        step(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", interrupted)
        stopped = run(*args)
    assert stopped.exit_code == 1
    assert "the same command goes on" in stopped.stderr
    assert not Path("new.npz").exists()
    other = run(*args, "--seed", 1)
    assert "begun with other seed" in refused(other)
    assert "Going on" in run(*args).stderr
    assert [path.name for path in Path().iterdir()] == ["new.npz"]
    accepted(run(*args[:-2], "whole.npz", "--json"))
    assert Path("whole.npz").read_bytes() == Path("new.npz").read_bytes()


def test_a_damaged_generator_is_trained_anew(run, home, tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "fresh"))
    monkeypatch.setattr(stored, "TrainingSettings", partial(TrainingSettings, steps=30))
    models = ["--accuracy", home / "macs.npz", "--lut", home / "slow.json"]
    args = ["generate", "--by", "pnag", "--budget", 20, *models, "--no-verify", "--json"]
    first = accepted(run(*args))
    (kept,) = (tmp_path / "fresh" / "generators").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:1000])
    kept.with_name(kept.name + ".training").write_bytes(b"cut off")
    unnamed = run("generate", *args[3:])
    assert accepted(unnamed)["by"] == "local"
    assert "it does not answer" in unnamed.stderr
    again = run(*args)
    assert again.stderr.count("anew") == 2
    assert accepted(again) == first
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_generator_is_written_where_its_user_says(run, models):
    found = accepted(run("train", *models, *QUICK, "-o", "mine.npz", "--json"))
    assert found["path"] == "mine.npz"
    args = ["--budget", 5, *models, "--generator", "mine.npz", "--no-verify"]
    result = run("generate", *args)
    assert result.exit_code == 0
    assert "trained for other models" not in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", "nots=3"], "no setting 'nots'"),
        (["--set", "knots=none"], "setting 'knots' is 'none', expected a whole number"),
        (["--reward", "mnas"], "Did you mean mnasnet"),
        (["-o", "mine.json"], "mine.json is no place for a generator"),
    ],
)
def test_bad_training_is_refused(run, models, args, message):
    assert message in refused(run("train", *models, *args))
    assert not list(Path().glob("mine*"))


def test_a_learnt_reward_tells_how_well_it_ranks(run, models):
    args = ["--reward", "learnt", "--set", "pool=100", *QUICK, "-o", "learnt.npz"]
    result = run("train", *models, *args)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("learnt.npz")
    told = json.loads(run("train", *models, *args, "--json").stdout)["evaluator"]
    for budget_ms, kendall in zip(told["budgets_ms"], told["kendall"], strict=True):
        (row,) = [
            row for row in result.stdout.splitlines() if row.split()[:1] == [f"{budget_ms:.4g}"]
        ]
        assert f"{kendall:.3f}" in row


def test_a_generator_of_another_space_is_refused(run, models, home, tmp_path):
    other = get_space("nasbench201", resolution=8, classes=4, channels=8, cells=1)
    path = tmp_path / "other.npz"
    accuracy_by_macs(other, path)
    table = here(made_up_table(other))
    write_cost_model(table, tmp_path / "other.json")
    (trained,) = (home / "data" / "generators").glob("*.npz")
    theirs = ["--accuracy", path, "--lut", tmp_path / "other.json"]
    args = ["--budget", 5, *theirs, "--generator", trained, "--no-verify"]
    assert "not of" in refused(run("generate", *args))
    args = ["--budget", 5, *models, "--generator", home / "slow.json", "--no-verify"]
    assert "slow.json" in refused(run("generate", *args))


def test_a_generator_that_was_trained_for_others_is_doubted(run, models, home, tmp_path):
    (trained,) = (home / "data" / "generators").glob("*.npz")
    write_cost_model(here(made_up_table(SPACE, seed=5)), tmp_path / "other.json")
    args = ["--accuracy", models[1], "--lut", "other.json", "--generator", trained]
    result = run("generate", "--budget", 5, *args, "--no-verify", "--json")
    accepted(result)
    assert "trained for other models" in result.stderr


# --- verifying ---------------------------------------------------------------------------------


@pytest.fixture
def copied(home: Path, tmp_path: Path):
    """The same models, with a table of one's own to learn into."""
    (tmp_path / "slow.json").write_bytes((home / "slow.json").read_bytes())
    return ["--accuracy", home / "macs.npz", "--lut", tmp_path / "slow.json"]


def test_answers_are_measured_on_this_machine_and_the_table_remembers(
    run, copied, home, tmp_path, monkeypatch
):
    # On a busy machine measurements are flagged, and such ones are not remembered.
    monkeypatch.setattr("devices.local.mark_contention", lambda *_: None)
    monkeypatch.setattr(
        "profiler.measuring.schedule.drifted", lambda values, limit: [False] * len(values)
    )
    before = read_cost_model(tmp_path / "slow.json")
    result = run("generate", "--budget", budgets(home, 0.9)[0], *copied, "--json")
    found = accepted(result)
    assert 0 < found["results"][0]["measured_ms"] < 5
    after = read_cost_model(tmp_path / "slow.json")
    (answer,) = after.networks[24:]
    assert answer.role == "answer"
    assert answer.rank == 1
    assert answer.arch == found["results"][0]["arch"]
    assert answer.latency_ms["wall"] == found["first_choice"]["measured_ms"]
    assert found["first_choice"]["measured_ms"] == found["first_choice"]["clocked_ms"]
    assert found["tried"] == 1
    assert after.networks[:24] == before.networks
    assert "remembers 1 answer more" in result.stderr
    assert found["speed"] == {"factor": 1.0, "low": 1.0, "high": 1.0, "of": "table"}
    assert "keeps no sentinel" in result.stderr


def test_todays_speed_is_stated_and_answers_are_of_it(run, copied, home, tmp_path, monkeypatch):
    """The sentinel is known to take a tenth of what it takes: today is ten times as slow."""
    path = tmp_path / "slow.json"
    table = read_cost_model(path)
    deployment = resolve_deployment("cpu", path, copied[1], ModelOptions())
    genes = SPACE.sample(1, np.random.default_rng(0))
    (taken,) = deployment.measure(genes)
    known = {name: value for name, value in taken.sentinel.items() if name != "latency_ms"}
    times = {clock: ms / 10 for clock, ms in taken.sentinel["latency_ms"].items()}
    sentinel = {**known, "latency_ms": times}
    write_cost_model(replace(table, provenance={**table.provenance, "sentinel": sentinel}), path)
    budget_ms = 20 * budgets(home, 0.5)[0]
    result = run("generate", "--budget", budget_ms, *copied, "--json", "--no-verify")
    found = accepted(result)
    assert 2 < found["speed"]["factor"] < 50  # a busy machine varies by some times itself
    assert found["speed"]["low"] <= found["speed"]["factor"] <= found["speed"]["high"]
    assert found["speed"]["of"] == "today"
    assert "times as long as when its table was measured" in result.stderr
    (best,) = found["results"]
    genes = SPACE.encode([best["arch"]])
    factor = found["speed"]["factor"]
    assert best["latency_ms"] == pytest.approx(factor * table.latency_ms(genes)[0])
    assert best["latency_at_table_ms"] == pytest.approx(table.latency_ms(genes)[0])
    assert best["latency_ms"] <= best["upper_ms"] <= budget_ms
    args = ["generate", "--budget", budgets(home, 0.5)[0], *copied, "--json", "--no-verify"]
    at_table = accepted(run(*args, "--speed", "table"))
    assert at_table["speed"]["of"] == "table"
    assert "today" in accepted(run(*args, "--speed", "today"))["speed"]["of"]


def test_todays_speed_that_cannot_be_told_is_refused_when_asked_for(run, models, home):
    args = ["--budget", budgets(home, 0.5)[0], *models, "--no-verify", "--speed", "today"]
    message = refused(run("generate", *args), code=2)
    assert "today's speed cannot be told: 'slow' keeps no sentinel" in message


def test_a_budget_that_is_there_twice_is_answered_once(run, models, home):
    (budget,) = budgets(home, 0.5)
    args = ["--budget", budget, "--budget", budget, "--budget", budget * 1.0000001]
    found = accepted(run("generate", *args, *models, "--no-verify", "--json", "--export", "onnx"))
    assert len(found) == 2
    files = [each["results"][0]["files"][0] for each in found]
    assert len(set(files)) == 2


def test_without_learning_the_table_stays_as_it_is(run, copied, home, tmp_path):
    before = (tmp_path / "slow.json").read_bytes()
    args = ["--budget", budgets(home, 0.5)[0], *copied, "--no-learn", "--protocol", PROTOCOL]
    assert accepted(run("generate", *args, "--json"))["results"][0]["measured_ms"] > 0
    assert (tmp_path / "slow.json").read_bytes() == before


def test_a_device_that_disappears_leaves_predictions(run, copied, home, monkeypatch):
    def gone(device, settings):
        raise DeviceLost("the device is gone")

    monkeypatch.setattr(CpuDevice, "open", gone)
    result = run("generate", "--budget", budgets(home, 0.5)[0], *copied, "--json")
    assert accepted(result)["results"][0]["measured_ms"] is None
    assert "the device is gone" in result.stderr
    assert "are predictions" in result.stderr


def test_ctrl_c_prints_what_there_is_and_fails(run, copied, home, monkeypatch):
    def interrupt(device, settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(CpuDevice, "open", interrupt)
    result = run("generate", "--budget", budgets(home, 0.5)[0], *copied, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["results"][0]["measured_ms"] is None
    assert "interrupted" in result.stderr


# --- files -------------------------------------------------------------------------------------


def test_exported_files_can_be_measured(run, models, home, tmp_path):
    args = ["--budget", "20ms", *models, "--no-verify", "--export", "onnx,tflite", "-o", "files"]
    result = run("generate", *args, "--plot", "a.png", "--json")
    files = accepted(result)["results"][0]["files"]
    assert files == ["files/20ms.json", "files/20ms.onnx", "files/20ms.tflite"]
    assert "random weights" in result.stderr
    assert Path("a.png").read_bytes()[:4] == b"\x89PNG"
    from profiler.cli import main as nasprof

    args = ["measure", "--arch", files[0], "--model", files[1], "--protocol", "quick", "--json"]
    measured = accepted(CliRunner().invoke(nasprof, args))
    assert [each["name"] for each in measured] == ["20ms", "20ms.onnx"]


def test_a_full_disk_loses_no_answer(run, models, home):
    args = ["--budget", "20ms", *models, "--no-verify", "--export", "onnx", "-o", "/proc/files"]
    result = run("generate", *args, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["results"]
    assert "cannot write /proc/files" in result.stderr


# --- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf", "110m", "ten", "1e999"])
def test_a_budget_that_is_no_time_is_refused_naming_the_forms(run, models, value):
    said = refused(run("generate", "--budget", value, *models))
    assert f"'{value}' is no time above 0 like 110, 110ms, 0.11s or 450us" in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Missing option '--budget'"),
        (["--budget", "5", "--lut", "none.json"], "cannot read none.json"),
        (["--budget", "5", "--accuracy", "nosuch"], "nosuch"),
        (["--budget", "5", "--export", "onyx"], "Did you mean onnx"),
        (["--budget", "5", "--protocol", "swift"], "no protocol is called 'swift'"),
        (["--budget", "5", "--confidence", "1"], "--confidence"),
        (["--budget", "5", "--top", "0"], "--top"),
        (["--budget", "5", "--device", "nowhere"], "no device is called 'nowhere'"),
        (["--budget", "5", "--precision", "int8"], "Leave out --precision"),
        (["--budget", "5", "--resolution", "224"], "not of resolution 224"),
        (["--budget", "5", "--lut", "wide.json"], "not of nasbench201"),
        (["--budget", "5", "--generator", "none.npz"], "none.npz"),
        (["--budget", "5", "--by", "lokal"], "Did you mean local?"),
        (["--budget", "5", "--by", "exact", "--generator", "g.npz"], "without a generator"),
        (["--budget", "5", "--lut", "note10.json", "--verify"], "cannot be measured"),
    ],
)
def test_bad_usage_exits_2_and_prints_nothing(run, models, home, tmp_path, args, message):
    wide = made_up_table(get_space("ofa-mbv3", width=1.2))
    write_cost_model(wide, tmp_path / "wide.json")
    foreign = replace(made_up_table(SPACE), provenance={"device": "Note10"})
    write_cost_model(foreign, tmp_path / "note10.json")
    assert message in refused(run("generate", *models, *args))


def test_a_device_elsewhere_without_a_table_is_told_the_command(run, home):
    args = ["--budget", 50, "--device", "android", "--accuracy", home / "macs.npz"]
    said = refused(run("generate", *args), code=1)
    assert "nasprof build-lut --space nasbench201 --resolution 8 --device android" in said


def test_a_table_of_a_device_without_a_profile_is_not_measured(run, home, tmp_path):
    foreign = replace(read_cost_model(home / "slow.json"), provenance={"device": "Note10"})
    write_cost_model(foreign, tmp_path / "note10.json")
    (trained,) = (home / "data" / "generators").glob("*.npz")
    args = ["--accuracy", home / "macs.npz", "--lut", "note10.json", "--generator", trained]
    found = accepted(run("generate", "--budget", budgets(home, 0.5)[0], *args, "--json"))
    assert (found["device"], found["results"][0]["measured_ms"]) == ("Note10", None)


def test_the_command_itself(home, tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(home / "data"))
    args = ["--accuracy", home / "macs.npz", "--lut", home / "slow.json", "--no-verify", "--json"]
    command = [Path(sys.executable).with_name("nassearch"), "generate", "--budget", "20ms"]
    done = subprocess.run(
        [str(word) for word in (*command, *args)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["budget_ms"] == 20.0
