"""The public names of ``search`` change on purpose, are documented, and have examples that run."""

from functools import cache
from pathlib import Path

import pytest
from public_api import failed_examples, functions, public, undocumented
from quick_trainings import HARDLY_DIFFUSED
from trade_offs import generator_for, mobile

import search
from search.pnag.checkpoint import write_generator
from search.pomonag import checkpoint as pomonag
from search.pomonag.settings import PomonagSettings
from search.pomonag.training import train

PUBLIC = """
    AccuracyModel AccuracyPrediction AccuracyPredictions AnswerOptions AnswerProgress
    BudgetRequest CompareOptions CompareProgress Comparison DeliveredNetworks Delivery
    DeliveryOptions DeliveryProgress DeliveryRequest EvaluatedArch EvaluatedArchs
    EvaluationOptions EvaluationProgress Export FittedAccuracy Front GenerateOptions
    GeneratedArchs Generator GeneratorReport LabelledImages Limit MeasuredAccuracy ModelOptions
    Models Objective PomonagGenerator PomonagOptions PomonagReportOptions PomonagSettings
    Problem Replies Reply Result RunOptions SampledArchs SearchInterrupted SearchResult
    StoredArchive TradeOff TrainOptions TrainingSettings TransferOptions TransferProgress
    TransferRequest TransferResult TransferSettings TransferStatus accuracy_for_images compare
    deliver deliver_networks evaluate_supernet fit_accuracy fit_supernet front generate
    generate_pomonag merge_archives plot_replies predict_accuracy read_accuracy_model
    read_archive report_pomonag run sample train_generator train_pomonag transfer write_archive
"""
NAMES = PUBLIC.split()


def test_public_names_change_on_purpose():
    assert search.__all__ == NAMES
    assert dir(search) == NAMES
    assert set(search._ORIGINS) == set(NAMES)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = search.nosuch


def test_a_public_function_is_not_hidden_by_a_module_of_its_name():
    for name in NAMES:
        __import__(search._ORIGINS[name])
        assert callable(getattr(search, name))


@pytest.mark.parametrize("name", functions(search))
def test_public_functions_are_documented(name):
    assert undocumented(getattr(search, name), whole=True) == []


@cache
def diffusion():
    return train(mobile(), PomonagSettings(**HARDLY_DIFFUSED))


@pytest.fixture
def a_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with generators for the shipped models, PNAG's and POMONAG's."""
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    write_generator(generator_for("mobile"), tmp_path / "mine.npz")
    pomonag.write_generator(diffusion(), tmp_path / "diffusion.npz")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("a_generator")
def test_examples_run(name):
    assert public(search)[name].__doc__
    assert failed_examples(public(search)[name]) == 0
