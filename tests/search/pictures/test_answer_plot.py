"""Pictures of answers: that they are made, of every space, and what they are made of."""

from dataclasses import dataclass

import numpy as np
import pytest
from tables import made_up_table

from nasprof.errors import NasprofError
from search.accuracy import AccuracyModel
from search.objectives.trade_off import TradeOff
from search.pictures.answers import DrawnAnswer, plot_answers
from search.pictures.sketch import sketch
from spaces import get_space

ELASTIC = get_space("elastic-resolution", of={"space": "ofa-mbv3"}, resolutions=[160, 224])
SPACES = [get_space("ofa-mbv3"), get_space("nasbench201"), ELASTIC]
every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


@dataclass(frozen=True)
class Answer:
    genes: np.ndarray
    top1: float
    std: float | None
    latency_ms: float
    upper_ms: float


class Constant(AccuracyModel):
    name, provenance = "constant", {}

    def __init__(self, space):
        self.spaces = (space,)

    def top1(self, genes, space=None):
        return np.full(len(genes), 70.0)

    def as_arrays(self):
        raise NotImplementedError

    from_arrays = as_arrays


def answers(space, n):
    genes = space.sample(n, np.random.default_rng(0))
    return [
        Answer(row, 70.0 + place, None if place % 2 else 0.1, 10.0 + place, 10.5 + place)
        for place, row in enumerate(genes)
    ]


def draw(space, shown, front, path, monkeypatch):
    """The axes of the picture that is written."""
    from matplotlib.figure import Figure

    axes = []
    save = Figure.savefig

    def saving(figure, *args, **options):
        axes.extend(figure.axes)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", saving)
    plot_answers(TradeOff(space, Constant(space), made_up_table(space)), shown, front, "t", path)
    return axes


@every_space
@pytest.mark.parametrize("n", [1, 7])
def test_each_architecture_has_its_axes_and_the_front_another(space, n, tmp_path, monkeypatch):
    shown = [
        DrawnAnswer(10.0 + number, answer, None if number else 10.1)
        for number, answer in enumerate(answers(space, n))
    ]
    axes = draw(space, shown, answers(space, 5), tmp_path / "a.png", monkeypatch)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert len(axes) == min(n, 5) + 1
    labels = [text.get_text() for text in axes[-1].get_legend().get_texts()]
    assert {"budget", "answers: measured", "answers over the range"} <= set(labels)


def test_a_front_alone_has_one_axes(tmp_path, monkeypatch):
    axes = draw(SPACES[0], [], answers(SPACES[0], 5), tmp_path / "a.png", monkeypatch)
    assert len(axes) == 1
    assert axes[0].get_xlabel() == "latency, ms (wall clock)"


@every_space
def test_a_sketch_has_a_box_for_every_choice_and_none_for_what_is_absent(space):
    genes = np.zeros((2, space.n_genes), np.int8)
    genes[1] = space.n_choices - 1
    small, large = (sketch(space, row) for row in space.canonical(genes))
    filled = [
        sum(box.height > 0 for group in each.boxes for box in group) for each in (small, large)
    ]
    expected = {"ofa-mbv3": [10, 20], "nasbench201": [0, 6], "elastic-resolution": [10, 20]}
    assert filled == expected[space.name]
    assert len(small.boxes) == len(small.groups)
    assert all(
        box.colour < len(each.colours) for each in (small, large) for g in each.boxes for box in g
    )


def test_the_resolution_stands_with_the_first_group():
    genes = ELASTIC.sample(1, np.random.default_rng(0))[0]
    genes[0] = 1
    drawn, alone = sketch(ELASTIC, genes), sketch(ELASTIC.at(224), genes[1:])
    assert drawn.boxes == alone.boxes
    assert [*drawn.groups] == ["224 px, stage 1", *alone.groups[1:]]
    generic = sketch.dispatch(object)(ELASTIC, genes)
    assert [len(group) for group in generic.boxes] == [1, *[9] * 5]


def test_any_other_space_is_drawn_gene_by_gene():
    generic = sketch.dispatch(object)(SPACES[0], SPACES[0].sample(1, np.random.default_rng(0))[0])
    assert [len(group) for group in generic.boxes] == [9] * 5


def test_a_picture_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(NasprofError, match="cannot write"):
        draw(SPACES[0], [], answers(SPACES[0], 2), tmp_path / "file" / "a.png", monkeypatch)
