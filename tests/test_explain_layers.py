"""``rx.explain`` for layers: the recurrences that a run consists of, as they run."""

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

import recurrax as rx

B, T, D = 4, 20, 3


@pytest.fixture
def xs():
    return jnp.ones((B, T, D))


def explained(layer, xs, **options):
    return rx.explain(layer, layer.params_like(D), xs, **options)


def test_a_cell_is_one_recurrence(xs):
    report = explained(rx.LSTM(8), xs)
    (only,) = report.recurrences
    assert only.method == "chunked"
    assert only.steps == T
    assert [m.parts for m in only.forward.prelude] == [4]
    assert str(report) == str(only)
    assert "params.W.f" in report.text
    assert "lstm.py:" in report.text


def test_a_layer_may_be_given_as_shapes(xs):
    shapes = jax.ShapeDtypeStruct(xs.shape, xs.dtype)
    assert explained(rx.GRU(8), shapes).recurrences[0].forward == (
        explained(rx.GRU(8), xs).recurrences[0].forward
    )


def test_every_part_of_a_stack_is_explained(xs):
    stack = rx.Stack((rx.Bidirectional(rx.LSTM(4)), rx.GRU(6)))
    report = explained(stack, xs)
    text = str(report)
    assert len(report.recurrences) >= 2
    assert text.startswith("recurrence 1\nmethod: chunked")
    assert f"recurrence {len(report.recurrences)}\n" in text


def test_options_of_the_run_are_those_of_the_report(xs):
    plain = explained(rx.GRU(8), xs).recurrences[0]
    padded = explained(rx.GRU(8), xs, lengths=jnp.full(B, 5)).recurrences[0]
    assert padded.forward.loops[0].pointwise > plain.forward.loops[0].pointwise
    assert explained(rx.GRU(8), xs, chunk=7).recurrences[0].forward.chunk == 7
    parallel = explained(rx.MinGRU(8), xs, method="associative").recurrences[0]
    assert parallel.forward.loops[0].evaluator == "associative"


def test_the_text_after_a_pass(xs):
    text = explained(rx.GRU(8), xs, after="inline").text
    assert text.startswith("# forward\nstep(consts ")
    assert "loop over" not in text


def test_a_cell_that_lax_scan_runs_says_why(xs):
    class Branching(rx.GRU):
        def step(self, params, carry, x):
            carry, y = super().step(params, carry, x)
            return carry, jax.lax.cond(jnp.sum(x) > 0, jnp.sin, jnp.cos, y)

    (only,) = explained(Branching(8), xs).recurrences
    assert (only.method, only.reason, only.steps) == ("scan", "the step contains cond", T)
    (only,) = explained(rx.GRU(8), xs, method="scan").recurrences
    assert (only.method, only.reason) == ("scan", "method='scan' was asked for")


def test_bounded_memory_is_explained_through_its_outer_scan(xs):
    report = explained(rx.GRU(8), xs, residuals="boundaries")
    assert {only.method for only in report.recurrences} == {"chunked"}


def test_the_flax_layers_are_explained_as_they_run(xs):
    cell = rx.LSTM(8, peephole="diagonal")
    want = explained(cell, xs).recurrences[0].forward.loops[0]
    linen = rx.linen.RNN(cell, param_dtype=xs.dtype)
    variables = linen.init(jax.random.key(0), xs)
    report = rx.explain(linen, variables, xs, seq_lengths=jnp.full(B, T))
    assert report.recurrences[0].forward.loops[0].matmuls == want.matmuls
    layer = rx.nnx.RNN(cell, in_features=D, rngs=nnx.Rngs(0), param_dtype=xs.dtype)
    report = rx.explain(layer, xs)
    assert report.recurrences[0].forward.loops[0] == want
    assert len(rx.explain(layer, xs, after="fuse").recurrences) == 1


@pytest.mark.parametrize("after", ["no such pass", ""])
def test_an_unknown_pass_is_refused(xs, after):
    with pytest.raises(ValueError, match=r"rx\.explain: after must be one of inline, .*; got "):
        explained(rx.GRU(8), xs, after=after)


def test_wrong_arguments_of_a_layer_are_refused_as_by_its_run(xs):
    with pytest.raises(ValueError, match=r"rx\.unroll: residuals must be one of"):
        explained(rx.GRU(8), xs, residuals="all")
