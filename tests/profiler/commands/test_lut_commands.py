"""``nasprof predict`` and ``nasprof lut`` as their users see them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from console import accepted, console, refused
from data_files import PUBLISHED
from tables import TINY, audited_table, made_up_table

from luts import LookupTable, read_cost_model, write_cost_model
from profiler.cli import main
from spaces import get_space, read_archs

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
NAMES = ("large", "small", "medium")
ARCHS = [EXAMPLES / f"{name}.json" for name in NAMES]
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line in a folder of its own, without the user's tables."""
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return console(main)


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., object]:
    def write(table, name="t.json"):
        write_cost_model(table, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def audited(store: Callable[..., object]):
    return store(audited_table(get_space("ofa-mbv3")), "audited.json")


@pytest.fixture
def plain(store: Callable[..., object]):
    return store(made_up_table(), "plain.json")


# --- predict -----------------------------------------------------------------------------------


def test_predict_answers_in_input_order_with_upper_bounds(run, audited):
    rows = accepted(run("predict", "--lut", audited, "--arch", *ARCHS, "--json"))
    table = read_cost_model(audited)
    assert [row["name"] for row in rows] == list(NAMES)
    for row, path in zip(rows, ARCHS, strict=True):
        ((space, arch),) = read_archs(path)
        genes = space.encode([arch])
        assert row["space"] == "ofa-mbv3 w1.0@224"
        assert row["latency_ms"] == table.latency_ms(genes)[0]
        assert set(row["upper_ms"]) == {"0.9", "0.95", "0.99"}
        for level, upper in row["upper_ms"].items():
            assert upper == pytest.approx(table.upper_bound_ms(genes, float(level))[0])
            assert upper >= row["latency_ms"]
        assert set(row) == {"name", "space", "latency_ms", "speed", "answer_upper_ms", "upper_ms"}


def test_predict_on_an_unaudited_table_has_no_bounds_and_says_why(run, plain):
    result = run("predict", "--lut", plain, "--arch", *ARCHS, "--json")
    rows = accepted(result)
    assert all("upper_ms" not in row for row in rows)
    assert "'plain': it was never compared with whole networks" in result.stderr


def test_predict_answers_several_spaces_at_once(run, store, tmp_path):
    spaces = [
        get_space("ofa-mbv3"),
        get_space("ofa-mbv3", resolution=160),
        get_space("nasbench201"),
        get_space("ofa-mbv3", **TINY),
    ]
    path = store(made_up_table(*spaces))
    table = read_cost_model(path)
    drawn = [
        (space, genes)
        for seed in range(3)
        for space in spaces
        for genes in space.sample(2, np.random.default_rng(seed))
    ]
    archs = [space.decode(genes[None])[0] for space, genes in drawn]
    (tmp_path / "archs.json").write_text(json.dumps(archs))
    (tmp_path / "cell.txt").write_text(CELL)
    rows = accepted(run("predict", "--lut", path, "--arch", "archs.json", "cell.txt", "--json"))
    expected = [table.latency_ms(genes[None], space)[0] for space, genes in drawn]
    assert [row["latency_ms"] for row in rows[:-1]] == expected
    assert [row["space"] for row in rows[:-1]] == [space.label for space, _ in drawn]
    assert rows[-1]["name"] == "cell"


def test_predict_by_the_other_clock(run, plain):
    wall = accepted(run("predict", "--lut", plain, "--arch", *ARCHS, "--json"))
    cpu = accepted(run("predict", "--lut", plain, "--arch", *ARCHS, "--clock", "cpu", "--json"))
    ratios = [a["latency_ms"] / b["latency_ms"] for a, b in zip(cpu, wall, strict=True)]
    assert ratios == pytest.approx([0.9] * 3)


def test_predict_says_who_meets_a_budget_by_the_upper_bound(run, audited, plain):
    first = accepted(run("predict", "--lut", audited, "--arch", *ARCHS, "--json"))
    medium = first[2]
    between = (medium["latency_ms"] + medium["upper_ms"]["0.95"]) / 2
    args = ["--arch", *ARCHS, "--budget", between, "--json"]
    rows = accepted(run("predict", "--lut", audited, *args))
    assert [row["within_budget"] for row in rows] == [False, True, False]
    assert {row["budget_ms"] for row in rows} == {between}
    row = accepted(run("predict", "--lut", plain, "--arch", ARCHS[2], "--json"))[0]
    args = ["--arch", ARCHS[2], "--budget", row["latency_ms"] * 1.001, "--json"]
    assert accepted(run("predict", "--lut", plain, *args))[0]["within_budget"] is True
    shown = run("predict", "--lut", audited, "--arch", *ARCHS, "--budget", "69.5").stdout
    assert "within: at most (95%) 69.5 ms" in shown
    assert "99%: few networks were audited" in shown
    for row in first:
        assert f"{row['latency_ms']:.3f}" in shown
        assert f"{row['upper_ms']['0.99']:.3f}" in shown


def test_a_budget_that_no_network_meets_is_answered_at_once(run, plain):
    least = read_cost_model(plain).extremes().min_ms
    result = run("predict", "--lut", plain, "--arch", *ARCHS, "--budget", 0.9 * least)
    said = refused(result, code=1)
    assert f"no ofa-mbv3 w1.0@224 network runs under {least:.3g} ms on 'plain'" in said


def test_a_budget_that_only_one_resolution_meets_is_no_error(run, store, tmp_path):
    spaces = [get_space("ofa-mbv3", resolution=resolution) for resolution in (128, 256)]
    path = store(made_up_table(*spaces))
    table = read_cost_model(path)
    fast, slow = (table.extremes(space) for space in spaces)
    assert fast.min_ms < 0.95 * slow.min_ms
    archs = [space.decode(table.extremes(space).fastest[None])[0] for space in spaces]
    (tmp_path / "archs.json").write_text(json.dumps(archs))
    budget = (fast.min_ms + slow.min_ms) / 2
    result = run("predict", "--lut", path, "--arch", "archs.json", "--budget", budget, "--json")
    assert [row["within_budget"] for row in accepted(result)] == [True, False]
    assert "no ofa-mbv3 w1.0@256 network runs under" in result.stderr


def test_a_table_is_found_by_its_name(run, tmp_path):
    write_cost_model(made_up_table(), tmp_path / "data" / "luts" / "mine.json")
    assert len(accepted(run("predict", "--lut", "mine", "--arch", *ARCHS, "--json"))) == 3
    said = refused(run("predict", "--lut", "mime", "--arch", *ARCHS))
    assert "no lookup table is called 'mime'" in said
    assert "mine" in said


def test_tables_that_miss_the_mark_are_doubted_by_every_command_that_uses_them(run, store):
    path = store(audited_table(get_space("ofa-mbv3"), error=0.4))
    for args in (
        ["predict", "--lut", path, "--arch", ARCHS[0]],
        ["lut", "show", path],
        ["lut", "diff", path, path],
        ["lut", "export", path, "--format", "csv", "-o", "t.csv"],
    ):
        result = run(*args)
        assert result.exit_code == 0
        assert "Careful with 't': it misses 5% error" in result.stderr
        assert "Careful" not in result.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["predict", "--arch", ARCHS[0]], "Missing option '--lut'"),
        (["predict", "--lut", "plain.json"], "Missing option '--arch'"),
        (["predict", "--lut", "none.json", "--arch", ARCHS[0]], "cannot read none.json"),
        (["predict", "--lut", "plain.json", "--arch", "none.json"], "cannot read none.json"),
        (["predict", "--lut", "plain.json", "--arch", "cell.txt"], "not of nasbench201"),
        (["predict", "--lut", "plain.json", "--arch", "r160.json"], "not of ofa-mbv3 w1.0@160"),
        (["predict", "--lut", "plain.json", "--arch", ARCHS[0], "--clock", "sun"], "--clock"),
        (["predict", "--lut", "plain.json", "--arch", ARCHS[0], "--budget", "0"], "--budget"),
        (["predict", "--lut", "plain.json", "--arch", ARCHS[0], "--budget", "nan"], "--budget"),
        (["predict", "--lut", "plain.json", "--arch", ARCHS[0], "--budget", "inf"], "--budget"),
        (["predict", "--lut", "cut.json", "--arch", ARCHS[0]], "cut.json is not valid JSON"),
        (["predict", "--lut", "gaps.json", "--arch", ARCHS[0]], "(4 of 93 keys of"),
        (["predict", "--lut", "gaps.json", "--arch", ARCHS[0]], "nasprof build-lut --space ofa"),
        (["lut", "show", "cut.json"], "cut.json is not valid JSON"),
        (["lut", "show", "nosuch"], "no lookup table is called 'nosuch'"),
        (["lut", "diff", "plain.json"], "Missing argument 'SECOND'"),
        (["lut", "export", "plain.json", "--format", "cvs", "-o", "x"], "Did you mean csv"),
        (["lut", "export", "gaps.json", "--format", "ofa", "-o", "x.yaml"], "4 of 93 keys"),
        (["lut", "import", "--format", "csv", "-o", "x.json"], "Missing argument"),
        (["lut", "import", "--format", "csv", "none.csv", "-o", "x.json"], "cannot read none.csv"),
        (
            ["lut", "import", "--format", "csv", "t.csv", "-o", "a/b"],
            "is no name for a lookup table",
        ),
        (
            ["lut", "import", "--format", "ofa", "t.csv", "-o", "x.json", "--width", "1.2"],
            "leave out --width",
        ),
        (["lut", "import", "--format", "csv", "t.csv", "-o", "x.json", "--width", "3"], "width is"),
    ],
)
def test_bad_usage_exits_2_and_writes_nothing(run, plain, store, tmp_path, args, message):
    store(made_up_table(leave_out=4), "gaps.json")
    (tmp_path / "cut.json").write_text(plain.read_text()[:9000])
    (tmp_path / "cell.txt").write_text(CELL)
    (tmp_path / "r160.json").write_text(
        json.dumps(json.loads(ARCHS[0].read_text()) | {"resolution": 160})
    )
    (tmp_path / "t.csv").write_text("key,latency_ms\nstem,1\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert message in refused(run(*args))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


# --- list and show -----------------------------------------------------------------------------


def test_list_names_tables_with_what_they_are_and_damaged_ones(run, tmp_path):
    folder = tmp_path / "data" / "luts"
    write_cost_model(audited_table(get_space("ofa-mbv3")), folder / "good.json")
    write_cost_model(audited_table(get_space("nasbench201"), error=0.5), folder / "bad.json")
    (folder / "cut.json").write_text((folder / "good.json").read_text()[:5000])
    items = {item["name"]: item for item in accepted(run("lut", "list", "--json"))}
    good = items["good"]
    assert {"good", "bad", "cut"} <= set(items)
    assert (good["device"], good["runtime"], good["precision"]) == ("cpu", "litert", "fp32")
    assert (good["entries"], good["spaces"], good["clock"]) == (93, ["ofa-mbv3 w1.0@224"], "wall")
    assert good["mape"] < 0.03 < items["bad"]["mape"]
    assert good["doubts"] == []
    assert "misses" in items["bad"]["doubts"][0]
    assert "not valid JSON" in items["cut"]["error"]
    shown = run("lut", "list")
    assert shown.exit_code == 0
    assert "damaged" in shown.stdout
    assert "bad*" in shown.stdout


def test_show_tells_all_that_a_table_knows(run, audited):
    table = read_cost_model(audited)
    shown = accepted(run("lut", "show", audited, "--json"))
    (space,) = shown["spaces"]
    assert shown["provenance"] == table.provenance
    assert shown["audit"] == table.audit.to_dict()
    assert (space["min_ms"], space["max_ms"]) == (table.extremes().min_ms, table.extremes().max_ms)
    assert (space["exact"], space["missing"]) == (True, [])
    assert {k: e["latency_ms"] for k, e in shown["entries"].items()} == {
        key: dict(entry.latency_ms) for key, entry in table.entries.items()
    }
    text = run("lut", "show", audited).stdout
    for words in ("litert", "calibration:", "Kendall", "conformal", "stage 5, later blocks"):
        assert words in text
    for key in ("stem-i224x224x3", "head-i7x7x160"):
        assert key in text
    for entry in table.entries.values():
        assert f"{entry.latency_ms['wall']:.4f}" in text


def test_show_works_on_a_table_with_gaps_and_names_the_command(run, store):
    path = store(made_up_table(leave_out=4))
    (space,) = accepted(run("lut", "show", path, "--json"))["spaces"]
    assert (space["min_ms"], space["max_ms"], len(space["missing"])) == (None, None, 4)
    text = " ".join(run("lut", "show", path).stdout.split())
    assert "4 of 93 keys missing. Measure only those: nasprof build-lut --space ofa-mbv3" in text


@pytest.mark.parametrize("name", ["ofa-mbv3", "nasbench201"])
def test_show_draws_a_heat_map_of_every_block(run, store, name):
    from matplotlib import pyplot

    path = store(made_up_table(get_space(name), leave_out=2))
    assert run("lut", "show", path, "--plot", "deep/t.png").exit_code == 0
    image = pyplot.imread("deep/t.png")
    assert image.shape[0] > 500
    assert image.shape[1] > 900
    colours = (image[..., :3] * 255).astype(int) @ [1 << 16, 1 << 8, 1]
    assert len(np.unique(colours)) > 100


def test_a_table_of_several_spaces_is_drawn_as_several_files(run, store):
    spaces = [get_space("nasbench201"), get_space("nasbench201", channels=8)]
    result = run("lut", "show", store(made_up_table(*spaces)), "--plot", "t.png", "--json")
    accepted(result)
    assert "t-1.png, t-2.png" in result.stderr
    assert Path("t-2.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cost model that is no table of blocks."""
    from luts.learned import LearnedCostModel
    from luts.training import TrainingSet

    table = made_up_table()
    genes = table.spaces[0].sample(50, np.random.default_rng(0), "biased")
    known = TrainingSet.of(table.spaces[0].decode(genes), table.latency_ms(genes).tolist())
    path = tmp_path_factory.mktemp("learned") / "learned.json"
    write_cost_model(LearnedCostModel.fit("learned", known, {"device": "gpu"}), path)
    return path


def test_learned_cost_models_are_used_like_tables(run, learned, plain):
    rows = accepted(run("predict", "--lut", learned, "--arch", *ARCHS, "--json"))
    assert [row["name"] for row in rows] == list(NAMES)
    assert all(row["upper_ms"]["0.9"] > 0 for row in rows)
    shown = accepted(run("lut", "show", learned, "--json"))
    assert (shown["kind"], shown["entries"]) == ("learned", None)
    assert run("lut", "show", learned).exit_code == 0
    found = accepted(run("lut", "diff", plain, learned, "--json"))
    assert found["entries"] is None
    assert 0 < found["spaces"][0]["spearman"] < 1
    assert run("lut", "diff", plain, learned).exit_code == 0


@pytest.mark.parametrize(
    "args",
    [
        ["predict", "--arch", ARCHS[0], "--clock", "cpu", "--lut"],
        ["lut", "export", "--format", "csv", "-o", "t.csv"],
        ["lut", "show", "--plot", "t.png"],
    ],
)
def test_what_only_tables_can_do_is_refused_for_learned_models(run, learned, args):
    said = refused(run(*args, learned))
    assert "'learned'" in said or "no table of blocks" in said
    assert not Path("t.csv").exists()
    assert not Path("t.png").exists()


# --- diff --------------------------------------------------------------------------------------


def test_diff_of_a_table_with_itself_finds_nothing(run, plain):
    found = accepted(run("lut", "diff", plain, plain, "--json"))
    (space,) = found["spaces"]
    assert found["provenance"] == {}
    assert found["entries"]["median_ratio"] == 1
    assert (found["entries"]["only_a"], found["entries"]["only_b"]) == ([], [])
    assert (space["spearman"], space["kendall"], space["n"]) == (
        pytest.approx(1),
        pytest.approx(1),
        1000,
    )
    assert "(no difference)" in run("lut", "diff", plain, plain).stdout


def test_diff_names_what_differs(run, plain, store):
    from dataclasses import replace

    table = made_up_table()
    stem, head = table.spaces[0].vocabulary[0].key, table.spaces[0].vocabulary[-1].key
    entries = {
        key: replace(entry, latency_ms={"wall": 2 * entry.latency_ms["wall"]})
        for key, entry in table.entries.items()
        if key != head
    }
    entries[stem] = replace(entries[stem], latency_ms={"wall": 77.0})
    facts = {"device": "pixel", "runtime": "litert", "os": {"name": "android", "api": 30}}
    other = store(LookupTable("other", table.spaces, entries, facts), "other.json")
    found = accepted(run("lut", "diff", plain, other, "--json"))
    assert found["provenance"]["device"] == {"a": "cpu", "b": "pixel"}
    assert found["provenance"]["os.api"] == {"a": None, "b": 30}
    assert "runtime" not in found["provenance"]
    assert found["entries"]["only_a"] == [head]
    assert found["entries"]["only_b"] == []
    assert found["entries"]["median_ratio"] == pytest.approx(2)
    assert found["entries"]["ratios"][0]["key"] == stem
    assert len(found["entries"]["ratios"]) == found["entries"]["common"] == 92
    assert found["spaces"][0]["spearman"] is None
    assert "1 of 93 keys" in found["spaces"][0]["reason"]
    text = run("lut", "diff", plain, other, "--top", 2).stdout
    assert text.count("mbconv-") == 1
    assert "pixel" in text


def test_diff_ranks_random_networks_by_both_tables(run, store):
    paths = [store(made_up_table(seed=seed), f"{seed}.json") for seed in (1, 2)]
    found = accepted(run("lut", "diff", *paths, "--json"))
    again = accepted(run("lut", "diff", *paths, "--json", "--seed", 0, "-n", 1000))
    other = accepted(run("lut", "diff", *paths, "--json", "--seed", 1, "-n", 200))
    (space,) = found["spaces"]
    assert found == again
    assert 0.3 < space["kendall"] < space["spearman"] < 0.999
    assert other["spaces"][0]["n"] == 200
    assert other["spaces"][0]["spearman"] != space["spearman"]


def test_diff_of_tables_without_a_common_space_says_so(run, plain, store):
    other = store(made_up_table(get_space("nasbench201")))
    result = run("lut", "diff", plain, other, "--json")
    found = accepted(result)
    assert (found["spaces"], found["entries"]["common"]) == ([], 0)
    assert (len(found["entries"]["only_a"]), len(found["entries"]["only_b"])) == (93, 19)
    assert "no space in common" in result.stderr
    assert run("lut", "diff", plain, other).exit_code == 0


# --- import and export -------------------------------------------------------------------------


def test_a_table_comes_back_from_csv_as_it_went(run, plain, tmp_path):
    out = accepted(run("lut", "export", plain, "--format", "csv", "-o", "t.csv", "--json"))
    assert out == {"paths": ["t.csv"], "losses": []}
    args = ["--format", "csv", "t.csv", "-o", "copy.json", "--device-name", "Pixel 4"]
    result = accepted(run("lut", "import", *args, "--json"))
    assert result["entries"] == 93
    assert result["spaces"] == [{"space": "ofa-mbv3 w1.0@224", "blocks": 93, "missing": []}]
    copy, table = read_cost_model("copy.json"), read_cost_model(plain)
    assert copy.entries == table.entries
    assert copy.provenance["device"] == "Pixel 4"
    rows = [
        accepted(run("predict", "--lut", path, "--arch", *ARCHS, "--json"))
        for path in (plain, "copy.json")
    ]
    assert rows[0] == rows[1]


def test_tables_come_back_from_ofas_yaml(run, store):
    spaces = [get_space("ofa-mbv3", width=1.2, resolution=size) for size in (160, 224)]
    path = store(made_up_table(*spaces))
    exported = run("lut", "export", path, "--format", "ofa", "-o", "folder", "--json")
    files = accepted(exported)["paths"]
    assert files == ["folder/160_lookup_table.yaml", "folder/224_lookup_table.yaml"]
    assert "Not as it was: the whole head stands under Conv_1" in exported.stderr
    accepted(run("lut", "import", "--format", "ofa", *files, "-o", "copy.json", "--json"))
    copy, table = read_cost_model("copy.json"), read_cost_model(path)
    assert copy.spaces == table.spaces
    for space in spaces:
        genes = space.sample(20, np.random.default_rng(0))
        assert copy.latency_ms(genes, space).tolist() == table.latency_ms(genes, space).tolist()
    said = refused(run("lut", "export", path, "--format", "ofa", "-o", "t.yaml"))
    assert "becomes 2 files" in said
    assert not Path("t.yaml").exists()


def test_an_export_without_the_audit_says_so(run, audited):
    result = run("lut", "export", audited, "--format", "csv", "-o", "t.csv")
    assert "calibration and bounds" in result.stderr


def test_an_import_with_gaps_names_how_many_and_the_command(run, plain, tmp_path):
    run("lut", "export", plain, "--format", "csv", "-o", "t.csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "gaps.csv").write_text("\n".join(lines[:-3]))
    result = run("lut", "import", "--format", "csv", "gaps.csv", "-o", "mine")
    assert result.exit_code == 0
    assert "(3 of 93 keys of ofa-mbv3 w1.0@224 missing)" in result.stderr
    assert "nasprof build-lut --space ofa-mbv3 --width 1.0 --resolution 224" in result.stderr
    assert len(read_cost_model("mine").missing()) == 3
    assert (tmp_path / "data" / "luts" / "mine.json").exists()


def test_csv_of_other_spaces_is_imported_by_naming_them(run, store):
    spaces = [get_space("nasbench201", resolution=size, cells=2) for size in (32, 16)]
    path = store(made_up_table(*spaces))
    run("lut", "export", path, "--format", "csv", "-o", "t.csv")
    named = ["--space", "nasbench201", "--resolution", "32,16", "--set", "cells=2"]
    accepted(run("lut", "import", "--format", "csv", "t.csv", *named, "-o", "c.json", "--json"))
    assert read_cost_model("c.json").spaces == tuple(spaces)


@pytest.mark.parametrize("command", ["import", "export"])
def test_files_that_exist_are_replaced_only_when_asked_for(run, plain, tmp_path, command):
    run("lut", "export", plain, "--format", "csv", "-o", "t.csv")
    (tmp_path / "precious").with_suffix(".json").write_text("precious")
    args = {
        "import": ["lut", "import", "--format", "csv", "t.csv", "-o", "precious.json"],
        "export": ["lut", "export", plain, "--format", "csv", "-o", "precious.json"],
    }[command]
    said = refused(run(*args))
    assert "precious.json exists already" in said
    assert "--overwrite" in said
    assert (tmp_path / "precious.json").read_text() == "precious"
    assert run(*args, "--overwrite").exit_code == 0
    assert (tmp_path / "precious.json").read_text() != "precious"


@pytest.mark.parametrize(
    "text", ["key,latency_ms\nstem,1\n", "key,latency_ms\n", "key,latency_ms\nstem,nan\n", "{"]
)
def test_a_failed_import_leaves_what_was_there(run, plain, tmp_path, text):
    (tmp_path / "bad.csv").write_text(text)
    before = plain.read_bytes()
    refused(run("lut", "import", "--format", "csv", "bad.csv", "-o", plain, "--overwrite"))
    assert plain.read_bytes() == before


def test_published_tables_are_imported_and_predict_their_published_sums(run):
    files = [PUBLISHED / f"{size}_lookup_table.yaml" for size in (160, 192, 224)]
    result = run("lut", "import", "--format", "ofa", *files, "-o", "note10")
    assert result.exit_code == 0, result.stderr
    ends = {
        space["space"]: (round(space["min_ms"], 2), round(space["max_ms"], 2))
        for space in accepted(run("lut", "show", "note10", "--json"))["spaces"]
    }
    assert ends == {
        "ofa-mbv3 w1.2@160": (9.89, 47.77),
        "ofa-mbv3 w1.2@192": (13.33, 67.56),
        "ofa-mbv3 w1.2@224": (17.77, 92.40),
    }


def test_a_place_that_cannot_be_written_exits_1(run, plain):
    result = run("lut", "export", plain, "--format", "csv", "-o", "/proc/t.csv")
    assert "cannot write /proc/t.csv" in refused(result, code=1)


def test_the_command_that_fills_gaps_is_one_that_exists(run):
    import shlex

    from luts.build_command import build_command
    from profiler.commands.build_lut import build_lut

    facts = {"device": "cpu", "runtime": "litert", "threads": 1, "precision": "fp32"}
    facts |= {"affinity": [0, 3], "device_options": {"delegate": "gpu"}}
    words = shlex.split(build_command(facts, get_space("ofa-mbv3", **TINY)))
    known = {option for parameter in build_lut.params for option in parameter.opts}
    assert words[:2] == ["nasprof", build_lut.name]
    assert {word for word in words if word.startswith("--")} <= known


def test_damage_of_any_kind_does_not_end_the_list(run, tmp_path):
    folder = tmp_path / "data" / "luts"
    (folder / "folder.json").mkdir(parents=True)
    (folder / "list.json").write_text("[]")
    (folder / "binary.json").write_bytes(b"\xff\xfe")
    (folder / "link.json").symlink_to("nowhere.json")
    odd = made_up_table()
    odd.provenance.update(device={"name": "x"}, runtime=3)
    write_cost_model(odd, folder / "odd.json")
    items = {item["name"]: item for item in accepted(run("lut", "list", "--json"))}
    for name in ("folder", "list", "binary", "link", "odd"):
        assert items[name]["error"], name
    assert "field 'device' is {'name': 'x'}, expected a string" in items["odd"]["error"]
    assert run("lut", "list").exit_code == 0
