"""The user's names survive compilation: named scopes and source lines, forward and backward."""

import re
import traceback
from functools import partial

import jax
import jax.numpy as jnp
import pytest
from jax import lax
from jax.extend import core

import recurrax as rx

T, B, H = 5, 2, 3


def step(params, h, x):
    with jax.named_scope("gates"):
        z = h @ params["U"] + x  # the line of z
        with jax.named_scope("update"):
            u = jax.nn.sigmoid(z)
    h = u * h + jax.nn.relu(z)
    return h, h


def arguments():
    return {"U": jnp.ones((H, H))}, jnp.ones((B, H)), jnp.ones((T, B, H))


def loss(scan, params, h, xs):
    carry, ys = scan(partial(step, params), h, xs)
    return jnp.sum(carry) + jnp.sum(ys**2)


def scopes_in_jaxpr(jaxpr, outer=""):
    """The named scopes of all operations, however deep."""
    for eqn in jaxpr.eqns:
        scope = f"{outer}/{eqn.source_info.name_stack}"
        yield scope
        for inner in core.jaxprs_in_params(eqn.params):
            yield from scopes_in_jaxpr(inner, scope)


def names_in_program(f, *args):
    """The user's scopes in the names of the operations of the compiled program."""
    text = jax.jit(f).lower(*args).compile().as_text()
    names = re.findall(r'op_name="([^"]*)"', text)
    return {scope for name in names for scope in ("gates", "update") if scope in name}


@pytest.mark.parametrize("scan", [rx.scan, lax.scan], ids=["recurrax", "lax"])
def test_scopes_reach_the_jaxpr(scan):
    found = list(scopes_in_jaxpr(jax.make_jaxpr(partial(loss, scan))(*arguments()).jaxpr))
    assert any(scope.endswith("gates/update") for scope in found)
    gradient = jax.make_jaxpr(jax.grad(partial(loss, scan)))(*arguments()).jaxpr
    found = list(scopes_in_jaxpr(gradient))
    assert any("transpose(" in scope and "gates" in scope for scope in found)


@pytest.mark.parametrize("scan", [rx.scan, lax.scan], ids=["recurrax", "lax"])
def test_scopes_reach_the_compiled_program(scan):
    assert names_in_program(partial(loss, scan), *arguments()) == {"gates", "update"}
    gradient = jax.grad(partial(loss, scan))
    assert names_in_program(gradient, *arguments()) == {"gates", "update"}
    text = jax.jit(gradient).lower(*arguments()).as_text(debug_info=True)
    assert "transpose(jvp" in text


@pytest.mark.parametrize("scan", [rx.scan, lax.scan], ids=["recurrax", "lax"])
@pytest.mark.parametrize("derive", [lambda f: f, jax.grad], ids=["forward", "backward"])
def test_source_lines_reach_the_program(scan, derive):
    text = jax.jit(derive(partial(loss, scan))).lower(*arguments()).as_text(debug_info=True)
    line = step.__code__.co_firstlineno + 2
    assert re.search(rf'test_user_names.py"?:{line}\b', text)


@jax.jit
def squashed(z):
    return jnp.sin(z)


def test_an_operation_has_the_line_of_the_users_function_that_it_stands_in():
    """A function of JAX's, which is traced once for all its callers, has the lines of its calls."""

    def calling(h, x):
        h = squashed(h)
        h = jnp.where(x > 0, h, x)
        h = jnp.where(x > 1, h, x)
        return h, h

    text = rx.explain(calling, jnp.ones(H), jnp.ones((T, H))).text.split("# backward")[0]
    lines = [int(n) for n in re.findall(r"= (?:sin|select_n) .*# test_user_names.py:(\d+)", text)]
    own, first = squashed.__wrapped__.__code__.co_firstlineno, calling.__code__.co_firstlineno
    assert lines == [own + 2, first + 2, first + 3]


@jax.custom_jvp
def not_differentiable(x):
    return jnp.sin(x)


@not_differentiable.defjvp
def _(primals, tangents):
    raise RuntimeError("no derivative")


@pytest.mark.parametrize("scan", [rx.scan, lax.scan], ids=["recurrax", "lax"])
def test_an_error_in_a_derivative_shows_the_line_of_the_step(scan):
    def bad(h, x):
        h = not_differentiable(h + x)  # the line to be shown
        return h, h

    h, xs = jnp.ones(H), jnp.ones((T, H))
    with pytest.raises(RuntimeError, match="no derivative") as caught:
        jax.grad(lambda h: jnp.sum(scan(bad, h, xs)[1]))(h)
    assert "the line to be shown" in "".join(traceback.format_exception(caught.value))


def test_equal_steps_under_other_names_keep_their_own():
    def named(name):
        def inner(h, x):
            with jax.named_scope(name):
                h = jnp.tanh(h + x)
            return h, h

        return inner

    h, xs = jnp.ones(H), jnp.ones((T, H))
    for name in ("first", "second"):
        text = jax.jit(lambda h, n=name: rx.scan(named(n), h, xs)).lower(h).as_text(debug_info=True)
        assert f"{name}/" in text


def test_what_a_step_closes_over_besides_arrays_is_no_obstacle():
    """Keys that cannot be sorted, and containers too large to search."""
    odd, large, W = {1: "one", "two": 2}, list(range(1000)), jnp.full(H, 0.5)

    def closing(h, x):
        h = jnp.tanh(h * W + x) * (len(odd) + len(large))
        return h, h

    h, xs = jnp.ones(H), jnp.ones((T, H))
    assert jnp.allclose(rx.scan(closing, h, xs)[0], lax.scan(closing, h, xs)[0])
    assert "W:" in rx.explain(closing, h, xs).text


def test_a_function_that_closes_over_itself_is_no_obstacle():
    weights = jnp.full(H, 0.5)

    def repeated(again, h):
        return once(jnp.sin(h)) if again else h

    once = partial(repeated, False)

    def closing(h, x):
        h = repeated(True, h * weights + x)
        return h, h

    h, xs = jnp.ones(H), jnp.ones((T, H))
    assert jnp.allclose(rx.scan(closing, h, xs)[0], lax.scan(closing, h, xs)[0])
    assert "weights:" in rx.explain(closing, h, xs).text
