"""The search space example runs, its tasks are what they say, and all seeds are themselves."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import search_space
from support import cell_names, plots
from support.memory_tasks import adding
from support.model import Stack, number_of_parameters
from support.parity import parity
from support.reber import SYMBOLS, outer_error, reber
from support.seeds import STEPS_PER_EPOCH, Problem, train_seeds
from support.training import Split

import recurrax as rx

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("as_users_have_it")]


def search(tmp_path, *arguments):
    return search_space.main([*arguments, "--out", str(tmp_path)])


def drawn(make, batch, length):
    """Sequences as NumPy arrays. Compiled whole, which is faster than operation by operation."""
    compiled = jax.jit(make, static_argnums=(1, 2))
    return map(np.asarray, compiled(jax.random.key(0), batch, length))


def test_a_short_run_writes_its_table_and_its_curves(tmp_path, capsys):
    options = ("--features", "3", "--length", "8", "--steps", "51", "--seeds", "2")
    ((name, run),) = search(tmp_path, "--cells", "min_gru", "MinGRU", *options).items()
    assert name == "MinGRU"
    assert run.errors.shape == run.losses.shape == (2, 2)
    assert np.isfinite(run.errors).all()
    assert run.errors[0, 0] != run.errors[0, 1]
    assert run.parameters == 2 * 3 * (2 + 1) + 3 + 1
    printed = capsys.readouterr().out
    table = (tmp_path / "adding.txt").read_text()
    assert table in printed
    mean = f"{run.final.mean():.4f}"
    for word in ("T = 8", "2 seeds", "test MSE", "MinGRU", mean, "always 1"):
        assert word in table
    assert (tmp_path / "adding.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("lowest", [0.0, 0.1])
def test_curves_of_many_cells_may_come_down_to_0(lowest, tmp_path, rng):
    runs = {f"cell {n}": lowest + rng.random((5, 3)) for n in range(12)}
    runs["cell 0"][-1] = lowest
    plots.seeds(tmp_path / "errors.png", "a title", runs, "epoch", "error")
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_among_others_is_that_seed_alone():
    def sample(key):
        xs = jax.random.normal(key, (4, 3, 1))
        return Split(xs, xs[:, 0, 0])

    def loss(outputs, ys):
        return jnp.mean((outputs[:, 0] - ys) ** 2)

    problem = Problem(sample, Split(jnp.ones((4, 3, 1)), jnp.ones(4)), 1, loss, loss)
    optimizer = optax.sgd(1e-2)
    both = train_seeds((rx.Dense(2),), problem, optimizer, 2, STEPS_PER_EPOCH, "both")
    alone = train_seeds((rx.Dense(2),), problem, optimizer, 1, STEPS_PER_EPOCH, "alone", 1)
    np.testing.assert_allclose(both.losses[:, 1:], alone.losses, rtol=1e-5)
    for a, b in zip(jax.tree.leaves(both.params), jax.tree.leaves(alone.params), strict=True):
        np.testing.assert_allclose(a[1:], b, rtol=1e-3, atol=1e-5)
    assert both.losses[0, 0] != both.losses[0, 1]


@pytest.mark.parametrize("name", search_space.TASKS)
def test_the_answers_of_a_model_fit_what_is_asked(name):
    task = search_space.TASKS[name]
    problem = task.problem(8)
    model = Stack((rx.Elman(3),), problem.out_features, problem.every_step)

    def answers(xs):
        return model.apply(model.init(jax.random.key(1), xs.shape[-1]), xs)

    batch = jax.jit(problem.sample)(jax.random.key(0))
    assert batch.xs.shape[:2] == (search_space.BATCH_SIZE, 8)
    assert batch.ys.shape == batch.xs.shape[: 1 + problem.every_step]
    for rows in (batch, problem.test):
        outputs = jax.eval_shape(answers, rows.xs)
        assert outputs.shape == (*rows.ys.shape, problem.out_features)
        for score in (problem.loss, problem.error):
            assert jax.eval_shape(score, outputs, rows.ys).shape == ()
    # Sequences of the test are of a key that no seed has.
    assert not np.array_equal(problem.test.xs[:32, :8], batch.xs)


def test_adding_asks_for_the_sum_of_the_marked_numbers():
    xs, ys = drawn(adding, 50, 11)
    for row, answer in zip(xs.tolist(), ys.tolist(), strict=True):
        marked = [place for place, (_, marker) in enumerate(row) if marker]
        first, second = marked
        assert first < 11 // 2 <= second
        assert answer == pytest.approx(row[first][0] + row[second][0])
        assert all(0 <= number < 1 and marker in (0, 1) for number, marker in row)


def test_parity_asks_for_the_parity_of_the_bits_so_far():
    xs, ys = drawn(parity, 50, 11)
    for row, answers in zip(xs[..., 0].astype(int).tolist(), ys.tolist(), strict=True):
        assert answers == [row[: step + 1].count(1) % 2 for step in range(11)]
    assert 0.4 < np.mean(xs) < 0.6


LOOP = "(?:T*VPX)*T*V(?:V|PS)"
REBER = f"B(?:TS*X(?:S|X{LOOP})|P{LOOP})E"


def test_the_expression_is_the_grammar_of_reber():
    """Examples of a well-known course, with and without a mistake."""
    for string in ("BTSSXXTVVE", "BPVVE", "BTXXVPSE", "BPVPXVPXVPXVVE", "BTSXXVPSE", "BTXSE"):
        assert re.fullmatch(REBER, string)
    for string in ("BTSSPXSE", "BPTVVB", "BTXXVVSE", "BPVSPSE", "BTSSSE"):
        assert not re.fullmatch(REBER, string)


def streams_of_reber():
    """``(xs, ys, strings)``, these as matches of the outer symbol, for every stream."""
    xs, ys = drawn(reber, 10, 400)
    texts = ["".join(SYMBOLS[code] for code in row) for row in xs.argmax(axis=-1).tolist()]
    return xs, ys, [list(re.finditer(rf"B([TP]){REBER}\1E", text)) for text in texts]


def test_a_stream_is_strings_of_the_embedded_grammar_without_a_gap():
    xs, ys, strings = streams_of_reber()
    np.testing.assert_array_equal(xs.sum(axis=-1), 1)
    np.testing.assert_array_equal(xs.argmax(axis=-1)[:, 1:], ys[:, :-1])
    for matches in strings:
        ends = [0, *(match.end() for match in matches)]
        assert [match.start() for match in matches] == ends[:-1]
        assert 400 - ends[-1] < 60  # the last string is cut off
    inner = {match[0][2:-2] for matches in strings for match in matches}
    assert len(inner) > 50
    firsts = [match[1] for matches in strings for match in matches]
    assert 0.4 < firsts.count("T") / len(firsts) < 0.6


def test_the_outer_error_counts_the_symbols_after_the_inner_strings():
    _, ys, strings = streams_of_reber()
    perfect = jax.nn.one_hot(ys, len(SYMBOLS))
    assert outer_error(perfect, ys) == 0
    always_T = jnp.zeros_like(perfect).at[..., SYMBOLS.index("T")].set(1)
    asked = [match for matches in strings for match in matches]
    share = sum(match[1] == "P" for match in asked) / len(asked)
    # A string cut off between its last two symbols counts too, one stream's at most.
    assert outer_error(always_T, ys) == pytest.approx(share, abs=10 / len(asked))
    for row, matches in enumerate(strings):
        wrong = perfect
        for match in matches:  # ys is a step ahead of xs
            wrong = wrong.at[row, match.end() - 3].set(0)
        assert outer_error(wrong, ys) == pytest.approx(len(matches) / len(asked), rel=0.1)
    assert outer_error(perfect[:, :2], ys[:, :2]) == 0  # nothing is asked yet


@pytest.mark.parametrize(
    ("text", "name"),
    [("V", "V"), ("cifg", "CIFG"), ("min_gru", "MinGRU"), ("mingru", "MinGRU"), ("lem", "LEM")],
)
def test_a_cell_is_found_by_its_name(text, name):
    assert cell_names.find(text) == name


def test_the_settings_of_the_article_have_their_parameters():
    """By hand: a gate of 12 units over 2 inputs has 12 (2 + 12 + 1), a peephole 12."""
    gate, peephole, kernel = 180, 12, 144
    vanilla = 4 * gate + 3 * peephole
    without_a_gate = 3 * gate + 2 * peephole
    expected = {
        "V": vanilla,
        **dict.fromkeys(("NIG", "NFG", "NOG", "CIFG"), without_a_gate),
        **dict.fromkeys(("NIAF", "NOAF"), vanilla),
        "NP": 4 * gate,
        "FGR": vanilla + 9 * kernel,
    }
    got = {
        name: number_of_parameters(cell(12).params_like(2))
        for name, cell in cell_names.SETTINGS.items()
    }
    assert got == expected


@pytest.mark.parametrize("name", cell_names.CELLS)
def test_every_cell_takes_the_input_of_a_task(name):
    model = Stack(cell_names.layers(name, 6), out_features=4)

    def answers(xs):
        return model.apply(model.init(jax.random.key(0), 3), xs)

    assert jax.eval_shape(answers, jnp.zeros((2, 5, 3))).shape == (2, 4)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("--cells", "gru", "transformer"), "there is no cell 'transformer'; there are V, NIG,"),
        (("--task", "mnist"), "invalid choice: 'mnist'"),
        (("--task", "digits", "--length", "10"), "are not 10 equal pieces"),
        (("--seeds", "0"), "at least 1; got '0'"),
    ],
)
def test_what_does_not_exist_is_refused(arguments, answer, tmp_path, capsys):
    with pytest.raises(SystemExit):
        search(tmp_path, *arguments)
    assert answer in capsys.readouterr().err
