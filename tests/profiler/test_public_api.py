"""What package roots export: a change of these lists is a change of what people may rely on."""

import importlib
import inspect
import subprocess
import sys

import pytest
from public_api import failed_examples, functions, undocumented

PUBLIC = {
    "profiler": """
        AuditOptions AuditReport AuditedNetwork BlockDescription BuildProgress Cancelled
        Description Descriptions DeviceStatus DeviceStatuses EvaluatedFile EvaluatedFiles
        ExportedFile Exports Interrupted LatencyFit Listeners LoweringOptions Measurement
        Measurements ModelInputs NamedArch Normalisation Prediction Predictions Protocol Status
        TableOptions TableSpeed Target TorchModel audit build_table describe environment evaluate
        export fit_latency list_devices measure named_archs parse_protocol predict
        read_measurements
    """,
    "luts": """
        Agreement Audit Bound BudgetImpossible CONFIDENCES Calibration CostModel
        CostModelInvalid Entry ExportedTable Extremes ImportedTable LookupTable Measured
        MissingEntries NO_BOUND Sentinel SpaceMismatch Speed TABLE_SPEED agreement
        cost_model_files cost_models export_table import_table open_cost_model read_cost_model
        sentinel_of write_cost_model
    """,
    "spaces": """
        Arch Genes Space get_space parse_arch read_archs spaces
    """,
    "supernets": """
        DataSet Evaluation Evaluator FineTuning Recalibration Recipe Subnet Supernet
        SupernetCard SupernetWeights TrainedSupernet TrainingOptions TrainingStatus
        fine_tune read_data read_supernet train train_supernet write_supernet
    """,
    "devices": """
        Arrived Backend Conditions Device DeviceError DeviceFull DeviceLost DeviceTimeout
        DeviceUnreachable ModelDetails Profile Reachability RunSettings RunnerCrashed
        RunnerRefused Samples Session THROTTLED Target device_kinds find_profile list_profiles
        open_device read_profile take_in
    """,
    "devices.adb": """
        BenchmarkResult PerfTestResult parse_benchmark parse_perf_test
    """,
}

EVERY = [(package, name) for package, names in PUBLIC.items() for name in names.split()]


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_change_on_purpose(package):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == PUBLIC[package].split()
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = module.nothing_of_this_name


@pytest.mark.parametrize(("package", "name"), EVERY)
def test_public_names_are_documented(package, name):
    value = getattr(importlib.import_module(package), name)
    if inspect.isfunction(value) or inspect.isclass(value):
        assert undocumented(value) == []


@pytest.mark.parametrize(("package", "name"), EVERY)
def test_examples_give_what_they_show(package, name):
    assert failed_examples(getattr(importlib.import_module(package), name)) == 0


def test_no_module_shadows_a_public_name():
    """Importing ``profiler.x`` sets the attribute ``x`` of the package."""
    import profiler

    for name in functions(profiler):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"profiler.{name}")


def test_the_root_imports_nothing_heavy():
    heavy = {"numpy", "torch", "rich", "onnx"}
    code = f"import sys, profiler; print(sorted({heavy} & {{*sys.modules}}))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output == "[]\n"
