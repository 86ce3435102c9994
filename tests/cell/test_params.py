"""``Gates``, dicts of parameters, and the concatenated form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.all_cells import CASES
from tests.helpers import assert_close, assert_identical, problem

pytestmark = pytest.mark.once


def test_gates_is_a_pytree_with_names():
    W = rx.Gates(("x", "gate"), f=jnp.zeros((3, 4)), n=jnp.ones((3, 4)))
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(W)]
    assert paths == [".f", ".n"]
    doubled = jax.tree.map(lambda a: 2 * a, W)
    assert doubled.axes == W.axes
    assert np.all(np.asarray(doubled.n) == 2)
    assert W["n"] is W.n
    assert W.names == ("f", "n")
    assert W.replace(f=W.n).f is W.n
    assert repr(W.T) == "Gates(f=float64[4,3], n=float64[4,3], axes=('gate', 'x'))"


def test_the_axes_are_part_of_the_structure():
    a = rx.Gates(("x", "gate"), f=jnp.zeros((3, 3)))
    b = rx.Gates(("h", "gate"), f=jnp.zeros((3, 3)))
    assert jax.tree.structure(a) != jax.tree.structure(b)
    with pytest.raises(ValueError, match="gate"):
        jax.tree.map(jnp.add, a, b)


def test_a_users_parameters_of_any_kind_go_through_dicts():
    params = {"K": jnp.ones(2), "gates": rx.Gates(("x", "gate"), f=jnp.zeros(2))}
    tree = rx.params_to_dict(params)
    assert set(tree["gates"]) == {"f"}
    assert_identical(rx.params_from_dict(params, tree), params)


CONCATENABLE = {
    "elman", "elman_readout", "elman_leaky", "lstm", "lstm_everything", "lstm_projection",
    "lstm_nig", "gru_before", "mgu", "krause_lstm", "krause_lstm_input", "squashed_gru", "ugrnn",
    "janet", "li_gru", "fast_rnn", "fast_grnn", "fgr_lstm", "jordan", "intersection",
}  # fmt: skip
APART = {
    "gru", "layer_norm_lstm", "layer_norm_gru", "lstm_diagonal", "gru_blocks", "lru", "rg_lru",
    "min_gru", "sru_2", "qrnn_fo", "star", "lem", "mut3", "multiplicative_lstm", "nas", "rhn",
    "antisymmetric", "atr", "minimal_rnn", "co_rnn", "ran",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(APART))
def test_other_cells_have_no_concatenated_form(name, rng):
    case = CASES[name]
    with pytest.raises(ValueError, match="no concatenated form"):
        rx.to_concatenated(case.cell, problem(rng, case)[0])


@pytest.mark.parametrize("order", ["hx", "xh"])
@pytest.mark.parametrize("name", sorted(CONCATENABLE))
def test_there_and_back(name, order, rng):
    case = CASES[name]
    params, _, _ = problem(rng, case)
    K = rx.to_concatenated(case.cell, params, order=order)
    if getattr(case.cell, "projection", None) is None and case.cell.out_features == 5:
        W, U = rx.from_concatenated(case.cell, K, case.in_features, order=order)
        assert_identical((W, U), (params.W, params.U))


def numpy_gates(*groups):
    return jax.tree.map(np.asarray, groups)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("order", ["hx", "xh"])
def test_the_concatenated_equations_give_the_same_numbers(order, rng):
    """LSTM and GRU as texts print them: every gate is K [h, x] + b."""

    def join(h, x):
        return np.concatenate([h, x] if order == "hx" else [x, h], axis=-1)

    params, carry, xs = problem(rng, CASES["lstm"])
    K, b = numpy_gates(rx.to_concatenated(rx.LSTM(5), params, order=order), params.b)
    h, c = map(np.asarray, carry)
    for x in np.moveaxis(np.asarray(xs), 1, 0):
        hx = join(h, x)
        i, f, o = (sigmoid(hx @ K[k] + b[k]) for k in "ifo")
        c = f * c + i * np.tanh(hx @ K.g + b.g)
        h = o * np.tanh(c)
    last, _ = rx.unroll(rx.LSTM(5), params, xs, carry)
    assert_close((last.h, last.c), (h, c))

    params, carry, xs = problem(rng, CASES["gru_before"])
    cell = rx.GRU(5, reset="before")
    K, b = numpy_gates(rx.to_concatenated(cell, params, order=order), params.b)
    h = np.asarray(carry.h)
    for x in np.moveaxis(np.asarray(xs), 1, 0):
        r, z = (sigmoid(join(h, x) @ K[k] + b[k]) for k in "rz")
        n = np.tanh(join(r * h, x) @ K.n + b.n)
        h = (1 - z) * n + z * h
    assert_close(rx.unroll(cell, params, xs, carry)[0].h, h)


COUNTS = {  # one input feature, 64 features, from the papers' equations
    "Elman": (rx.Elman(64), 4_224),
    "GRU with its recurrent bias": (rx.GRU(64), 12_672 + 64),
    "GRU reset before": (rx.GRU(64, reset="before"), 12_672),
    "LSTM": (rx.LSTM(64), 16_896),
    "diagonal peepholes": (rx.LSTM(64, peephole="diagonal"), 17_088),
    "full peepholes": (rx.LSTM(64, peephole="full"), 29_184),
    "CIFG, three quarters of an LSTM": (rx.LSTM(64, couple=True), 16_896 * 3 // 4),
    "MGU": (rx.MGU(64), 2 * (64 + 64 * 64 + 64)),
}


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    cell, expected = COUNTS[name]
    assert count(cell.params_like(1)) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (rx.Elman, 7_361),  # Keras' SimpleRNN
        (rx.LSTM, 29_345),  # Keras' LSTM
        (lambda n: rx.GRU(n, reset="before"), 22_017),  # Keras' GRU(reset_after=False)
        # Keras' GRU keeps the recurrent biases of r and z too, which only enter as a sum
        (rx.GRU, 22_305 - 2 * (64 + 32)),
    ],
)
def test_parameter_counts_of_a_stack_of_64_and_32_with_a_dense_output(make, expected):
    dense = 32 + 1
    assert count(make(64).params_like(1)) + count(make(32).params_like(64)) + dense == expected


def test_identities_between_cells(rng):
    """Options that do nothing, or that restate another cell."""
    params, carry, xs = problem(rng, CASES["lstm"])
    zeros = rx.Gates(("gate",), i=jnp.zeros(5), f=jnp.zeros(5), o=jnp.zeros(5))
    plain = rx.unroll(rx.LSTM(5), params, xs, carry)
    peephole = rx.LSTM(5, peephole="diagonal")
    assert_close(rx.unroll(peephole, params._replace(P=zeros), xs, carry), plain)
    assert_close(rx.unroll(rx.LSTM(5, clip=1e9), params, xs, carry), plain)
    with_identity = params._replace(V=rx.Gates(("c", "h"), h=jnp.eye(5)))
    assert_close(rx.unroll(rx.LSTM(5, projection=5), with_identity, xs, carry), plain)
    # a coupled LSTM is one whose input gate has the negated weights of its forget gate
    negated = jax.tree.map(
        lambda g: g.replace(i=-g.f), params, is_leaf=lambda n: isinstance(n, rx.Gates)
    )

    def drop_i(g):
        return rx.Gates(g.axes, **{k: v for k, v in g.items() if k != "i"})

    coupled = params._replace(W=drop_i(params.W), U=drop_i(params.U), b=drop_i(params.b))
    assert_close(
        rx.unroll(rx.LSTM(5, couple=True), coupled, xs, carry),
        rx.unroll(rx.LSTM(5), negated, xs, carry),
    )
    # diagonal peepholes are full ones with diagonal matrices
    params, carry, xs = problem(rng, CASES["lstm_peephole"])
    full = rx.Gates(("c", "gate"), **{k: jnp.diag(p) for k, p in params.P.items()})
    assert_close(
        rx.unroll(rx.LSTM(5, peephole="full"), params._replace(P=full), xs, carry),
        rx.unroll(peephole, params, xs, carry),
    )


def test_an_activation_by_name_or_as_a_function_is_the_same_cell():
    assert rx.LSTM(4, candidate_fn=jnp.tanh, gate_fn=jax.nn.sigmoid) == rx.LSTM(4)
    assert rx.Elman(4, candidate_fn=jax.nn.relu) == rx.Elman(4, candidate_fn="relu")


def test_any_function_is_an_activation(rng):
    params, carry, xs = problem(rng, CASES["elman"])
    softsign = rx.Elman(5, candidate_fn=jax.nn.soft_sign)
    W, U, b = numpy_gates(params.W, params.U, params.b)
    h = np.asarray(carry.h)
    for x in np.moveaxis(np.asarray(xs), 1, 0):
        z = x @ W.h + h @ U.h + b.h
        h = z / (1 + np.abs(z))
    assert_close(rx.unroll(softsign, params, xs, carry)[0].h, h)
