"""What is promised of every way of answering budgets; one that is registered is taken in."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from quick_trainings import QUICK_TRAININGS
from trade_offs import CELLS, budgets_of, cells, generator_for, learned, mobile

from nasprof.errors import UsageError
from search import AnswerOptions, AnswerProgress, GenerateOptions, front, generate
from search.answers.answerers import answerers, choice
from search.answers.answerers.choice import ready_answerer
from search.generators import training
from search.pnag.checkpoint import write_generator
from search.pnag.stored import shelf

TRAINED = [name for name in answerers if answerers.get(name).trains]
UNTRAINED = [name for name in answerers if name not in TRAINED]


def ask(budgets_ms, models=cells, **options):
    asking = GenerateOptions(**{"speed": "table", **options})
    lut, accuracy = models().cost, models().accuracy
    return generate(budgets_ms, lut=lut, accuracy=accuracy, verify=False, options=asking)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory):
    """A data folder of one's own, where trainings are over at once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("data")
        patch.setenv("NASPROF_DATA", str(folder))
        for quicken in QUICK_TRAININGS.values():
            quicken(patch)
        yield folder


@pytest.fixture(scope="module", params=list(answerers))
def by(request: pytest.FixtureRequest, data: Path) -> str:
    return request.param


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_answers_keep_within_their_budgets_the_most_accurate_first(by, confidence):
    budgets_ms = budgets_of(cells(), 0.1, 0.5, 0.9)
    replies = ask(budgets_ms, by=by, top=4, confidence=confidence)
    assert [reply["by"] for reply in replies.to_dict()] == [by] * 3
    for reply in replies:
        genes = CELLS.encode([result.arch for result in reply.results])
        assert len(np.unique(genes, axis=0)) == len(genes) == 4
        top1 = [result.top1 for result in reply.results]
        assert top1 == sorted(top1, reverse=True)
        assert top1 == pytest.approx(cells().top1(genes).tolist())
        bounds = cells().bound(confidence).upper(cells().latency_ms(genes))
        assert [result.upper_ms for result in reply.results] == pytest.approx(bounds.tolist())
        assert max(result.upper_ms for result in reply.results) <= reply.budget_ms
    assert replies[0].best.top1 < replies[2].best.top1


def test_the_same_seed_gives_the_same_answers(by):
    (budget_ms,) = budgets_of(mobile(), 0.4)
    first, again = (ask(budget_ms, mobile, by=by, seed=3, top=8, samples=16) for _ in range(2))
    assert first.to_dict() == again.to_dict()


def test_budgets_outside_the_range(by):
    low, high = budgets_of(cells(), 0, 1)
    below, above = ask([0.9 * low, 2 * high], by=by, top=3)
    assert len(below.results) == 1
    assert below.best.latency_ms == pytest.approx(cells().extremes.min_ms)
    assert "no network is known to run under" in below.note
    assert "are left" in above.note
    assert above.best.top1 >= ask(high, by=by)[0].best.top1


def test_there_are_more_candidates_for_those_that_miss_when_measured(by):
    asked = AnswerOptions(by=by)
    ready = ready_answerer(mobile(), asked, 1, AnswerProgress())
    (found,) = ready.proposing(mobile(), asked)(budgets_of(mobile(), 0.3))
    assert len(found) >= 8
    assert found[0].top1 - found[7].top1 < 3


def test_without_polish_answers_keep_within_their_budgets_too(by):
    budgets_ms = budgets_of(cells(), 0.3, 0.6)
    raw, polished = (ask(budgets_ms, by=by, polish=polish) for polish in (False, True))
    for before, after in zip(raw, polished, strict=True):
        assert before.best.upper_ms <= before.budget_ms
        assert before.best.top1 <= after.best.top1


@pytest.mark.parametrize("name", UNTRAINED)
def test_what_needs_no_training_finds_the_best_of_a_space_that_can_be_counted(name):
    (cell,) = [values for _, values in CELLS.parts]
    top1, latency_ms = cells().top1(cell), cells().latency_ms(cell)
    budgets_ms = budgets_of(cells(), 0.05, 0.35, 0.7)
    for reply in ask(budgets_ms, by=name):
        limit_ms = cells().limit(reply.budget_ms, 0.95).on_prediction
        assert reply.best.top1 == pytest.approx(top1[latency_ms <= limit_ms].max(), abs=1e-9)


# --- training, and what does without ------------------------------------------------------------


@pytest.mark.parametrize("name", TRAINED)
def test_a_killed_training_goes_on_as_if_never_killed(name, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO", "nasprof")
    monkeypatch.setattr(training, "SAVED_EVERY", 2)
    QUICK_TRAININGS[name](monkeypatch)

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    (budget_ms,) = budgets_of(cells(), 0.5)
    made = []
    for folder, stops in (("whole", [None]), ("killed", [stop, None])):
        monkeypatch.setenv("NASPROF_DATA", str(tmp_path / folder))
        for progress in stops:
            asked = GenerateOptions(by=name, speed="table")
            call = partial(generate, budget_ms, lut=cells().cost, accuracy=cells().accuracy)
            call = partial(call, verify=False, options=asked)
            if progress is None:
                call()
            else:
                with pytest.raises(KeyboardInterrupt):
                    call(progress=AnswerProgress(training=progress))
        (file,) = (path for path in (tmp_path / folder).rglob("*") if path.is_file())
        made.append(file.read_bytes())
    assert "Going on with what" in caplog.text
    assert made[0] == made[1]


NO_TORCH = """
import sys
from search import GenerateOptions, generate
table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
for name in sys.argv[1:]:
    asked = GenerateOptions(by=None if name == "none" else name, speed="table")
    assert generate(12, lut=table, verify=False, options=asked)[0].best.upper_ms <= 12
slow = {"torch", "sklearn", "pandas"} & set(sys.modules)
assert not slow, slow
"""


def test_what_needs_no_training_needs_no_torch_and_waits_for_no_slow_import(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path))
    command = [sys.executable, "-c", NO_TORCH, "none", *UNTRAINED]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- who answers where nobody is named ------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """A data folder without generators."""
    caplog.set_level("INFO", "nasprof")
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path))


@pytest.mark.usefixtures("fresh")
def test_few_budgets_are_answered_at_once_and_many_by_a_training(monkeypatch, caplog):
    monkeypatch.setattr(choice, "PAYS", 3)
    QUICK_TRAININGS["pnag"](monkeypatch)
    budgets_ms = budgets_of(cells(), 0.3, 0.5, 0.7)
    assert ask(budgets_ms[:2]).context.by == "local"
    said = [record.message for record in caplog.records if record.levelname == "INFO"]
    assert said == ["Answering by local, which needs no training (--by pnag trains)"]
    assert ask(budgets_ms, by="local").context.by == "local"
    with monkeypatch.context() as patch:
        patch.setattr(choice, "find_spec", lambda name: None)  # torch is not installed
        assert ask(budgets_ms).context.by == "local"
    models = {"lut": cells().cost, "accuracy": cells().accuracy}
    assert front(3, **models).context.by == "pnag"
    assert "for 3 budgets a training pays" in caplog.text
    assert ask(budgets_ms[0]).context.by == "pnag"


@pytest.mark.usefixtures("fresh")
def test_a_generator_kept_for_these_models_answers_and_one_for_others_does_not(caplog):
    write_generator(generator_for("cells"), shelf.path(cells()))
    (budget_ms,) = budgets_of(cells(), 0.5)
    assert ask(budget_ms).context.by == "pnag"
    assert "its generator is kept for these models" in caplog.text
    facts = {**generator_for("cells").provenance, "fingerprint": "of others"}
    write_generator(replace(generator_for("cells"), provenance=facts), shelf.path(cells()))
    assert ask(budget_ms).context.by == "local"
    assert "was trained for models that have changed: it does not answer" in caplog.text


@pytest.mark.usefixtures("fresh")
def test_a_generator_that_is_named_says_who_answers(tmp_path):
    write_generator(generator_for("cells"), tmp_path / "mine.npz")
    (budget_ms,) = budgets_of(cells(), 0.5)
    for named in (generator_for("cells"), tmp_path / "mine.npz", str(tmp_path / "mine.npz")):
        assert ask(budget_ms, generator=named).context.by == "pnag"
        assert ask(budget_ms, generator=named, by="pnag").context.by == "pnag"
        for name in UNTRAINED:
            with pytest.raises(UsageError, match="answers without a generator"):
                GenerateOptions(by=name, generator=named)


def test_an_unknown_answerer_is_refused_with_names_near_to_it():
    with pytest.raises(UsageError, match="no answerer is called 'exakt'") as refused:
        AnswerOptions(by="exakt")
    assert refused.value.remedy == "Did you mean exact?"


def test_the_exact_front_of_what_is_no_sum_is_refused_with_what_to_do(data):
    with pytest.raises(UsageError, match="'exact' needs latencies that are sums") as refused:
        ask(5, learned, by="exact")
    assert "'learned'" in refused.value.message
    assert "local" in refused.value.remedy
