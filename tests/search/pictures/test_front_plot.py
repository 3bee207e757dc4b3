"""Pictures of fronts and curves: that they are made, and show what they are given."""

from dataclasses import dataclass

import numpy as np
import pytest

from nasprof.errors import NasprofError, UsageError
from search.pictures.curves import mean_and_error, plot_curves
from search.pictures.drawing import look, short
from search.pictures.fronts import plot_front


@dataclass(frozen=True)
class Objective:
    name: str
    unit: str
    maximise: bool


OBJECTIVES = [
    Objective("top1", "%", True),
    Objective("latency@pixel", "ms", False),
    Objective("macs", "", False),
    *(Objective(f"latency@device{number}", "ms", False) for number in range(9)),
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch):
    """The figures that are written."""
    from matplotlib.figure import Figure

    figures = []
    save = Figure.savefig

    def saving(figure, *args, **options):
        figures.append(figure)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", saving)
    return figures


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def renderer(figure):
    """What measures the parts of a figure as it is written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def overlapping(figure):
    """Pairs of texts in a figure that cover each other."""
    measuring = renderer(figure)
    texts = [text for axis in figure.axes for text in axis.texts] + [*figure.legends[0].get_texts()]
    for axis in figure.axes:
        # Axes in space, and those in the plane beyond their ends, keep numbers they do not draw.
        low, high = axis.get_xlim()
        ticks = zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
        texts += [label for place, label in ticks if axis.name != "3d" and low <= place <= high]
    texts = [text for text in texts if text.get_visible() and text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent(measuring)) for text in texts]
    return [
        (one, other)
        for place, (one, box) in enumerate(boxes)
        for other, beside in boxes[:place]
        if box.overlaps(beside)
    ]


def made_up(n, n_objectives, rng):
    """Values in own units of very different sizes."""
    return 10.0 ** np.arange(n_objectives) * (1 + rng.random((n, n_objectives)))


@pytest.mark.parametrize(("n_objectives", "n_axes"), [(2, 1), (3, 4), (4, 1), (12, 1)])
@pytest.mark.parametrize("n", [1, 40])
def test_a_front_is_drawn_with_what_is_pointed_out(n_objectives, n_axes, n, drawn, rng, tmp_path):
    front, others = made_up(n, n_objectives, rng), made_up(30, n_objectives, rng)
    others[3] = np.nan
    marked = {"knee": 0, "preferred": n // 2}
    path = tmp_path / "front.png"
    plot_front(OBJECTIVES[:n_objectives], front, others, marked, "a front", path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    (figure,) = drawn
    assert len(figure.axes) == n_axes
    expected = {"knee", "preferred"} if n > 1 else {"knee, preferred"}
    assert expected < set(legend(figure))
    assert overlapping(figure) == []


def test_in_the_plane_everything_is_in_own_units(drawn, tmp_path):
    front = np.array([[70.0, 5.0], [75.0, 9.0]])
    others = np.array([[69.0, 8.0], [np.nan, 1.0]])
    plot_front(OBJECTIVES[:2], front, others, {"knee": 1}, "a front", tmp_path / "front.png")
    (axis,) = drawn[0].axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert lines["evaluated"] == [[8.0, 69.0]]
    assert lines["front"] == [[5.0, 70.0], [9.0, 75.0]]
    assert lines["knee"] == [[9.0, 75.0]]
    assert axis.get_xlabel() == "latency@pixel, ms (less is better)"
    assert axis.get_ylabel() == "top1, % (more is better)"


def test_along_parallel_axes_better_is_higher(drawn, tmp_path):
    front = np.array([[70.0, 5.0, 3e8, 1.0], [75.0, 9.0, 2e8, 1.0]])
    plot_front(OBJECTIVES[:4], front, None, {"knee": 1}, "a front", tmp_path / "front.png")
    (axis,) = drawn[0].axes
    (knee,) = [line for line in axis.lines if line.get_label() == "knee"]
    # The most accurate, the slower, fewer MACs; where all are equal nothing is better.
    assert knee.get_ydata().tolist() == [1.0, 0.0, 1.0, 0.5]
    scales = {}
    for text in axis.texts:
        scales.setdefault(round(text.get_position()[0]), []).append(text.get_text())
    assert scales[0] == ["70", "71.25", "72.5", "73.75", "75"]
    assert scales[1] == ["9", "8", "7", "6", "5"]
    assert scales[2] == ["300M", "275M", "250M", "225M", "200M"]
    assert scales[3] == ["1"]


def test_what_cannot_be_drawn_is_refused(tmp_path):
    for n, n_objectives in [(0, 2), (5, 1)]:
        with pytest.raises(UsageError, match="nothing to draw"):
            front = np.ones((n, n_objectives))
            plot_front(OBJECTIVES[:n_objectives], front, None, {}, "t", tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(NasprofError, match="cannot write"):
        plot_front(OBJECTIVES[:2], np.ones((1, 2)), None, {}, "t", tmp_path / "file" / "a.png")
    with pytest.raises(NasprofError, match="cannot write"):
        plot_curves({"a": np.ones((1, 1))}, [1], "y", "t", tmp_path / "file" / "a.png")


# --- curves ---------------------------------------------------------------------------------


def test_sixteen_curves_are_told_apart_and_listed_as_they_lie(drawn, rng, tmp_path):
    counts = [10, 20, 50, 100, 200, 500]
    ends = rng.permutation(16)
    curves = {f"engine {end}": end + 0.01 * rng.random((5, 6)).cumsum(1) for end in ends.tolist()}
    plot_curves(curves, counts, "hypervolume", "curves", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    (figure,) = drawn
    (axis,) = figure.axes
    assert legend(figure) == [f"engine {end}" for end in range(15, -1, -1)]
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in axis.lines}
    assert len(looks) == len(axis.lines) == 16
    assert axis.get_xscale() == "log"
    assert len(axis.collections) == 16
    # The list lies beside the curves.
    box = figure.legends[0].get_window_extent(renderer(figure))
    assert not box.overlaps(axis.get_window_extent())
    assert overlapping(figure) == []


def test_thirty_two_looks_differ():
    assert len({str(sorted(look(number).items())) for number in range(32)}) == 32


def test_means_and_errors_leave_out_what_is_missing():
    curve = np.array([[1.0, 2.0, np.nan, np.nan], [3.0, 2.0, 5.0, np.nan], [5.0, 2.0, 7.0, np.nan]])
    mean, error = mean_and_error(curve)
    assert mean[:3] == pytest.approx([3, 2, 6])
    assert np.isnan(mean[3])
    assert error == pytest.approx([2 / np.sqrt(3), 0, 1, 0])
    assert mean_and_error(curve[:1])[1].tolist() == [0, 0, 0, 0]


def test_a_curve_without_values_is_no_error(tmp_path):
    curves = {"nothing": np.full((2, 3), np.nan), "something": np.array([[1.0, 2.0, np.nan]])}
    plot_curves(curves, [1, 10, 100], "y", "t", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").exists()


def test_long_numbers_are_written_short():
    numbers = [0, 0.123456, 9999, -25_000, 3.2e8, 4e9]
    assert [*map(short, numbers)] == ["0", "0.1235", "9999", "-25k", "320M", "4G"]
