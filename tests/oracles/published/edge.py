"""The cells of EdgeML, in torch: FastRNN and FastGRNN by their authors, LSTM, GRU and UGRNN."""

from unittest import mock

from ..make_torch_vectors import HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import anything, load
from .running import calling, loop
from .shapes import by_gate, fields, matrices

PROJECT = "microsoft/EdgeML"
RANK = 2


def run(folder, p, carry, xs, *, name, weights, **arguments):
    """`weights` makes those of the project of ours; its biases and scales have an axis of 1."""
    utils = mock.MagicMock()
    utils.findCUDA.return_value = None
    modules = {"edgeml_pytorch.utils": utils} | anything("fastgrnn_cuda")
    module = load(folder / "pytorch", "edgeml_pytorch.graph.rnn", modules)
    cell = getattr(module, name)(INPUTS, HIDDEN, **arguments)
    native = weights(p)
    native = {
        k: native[k].reshape(1, -1) if native[k].ndim < 2 else native[k]
        for k, _ in cell.named_parameters()
    }
    call = calling(cell, native)

    def step(x, *state):
        return call(x, state) if "c" in carry else (call(x, *state),)

    ys, state = loop(step, tuple(carry.values()), xs)
    return ys, dict(zip(carry, state, strict=True))


def numbered(gates, biases):
    """The W1, U1, ... of EdgeML, in the order of `gates`."""

    def weights(p):
        native = {f"bias_{name}": p["b"][gate] for gate, name in zip(gates, biases, strict=True)}
        for k, gate in enumerate(gates, 1):
            native |= {f"W{k}": p["W"][gate], f"U{k}": p["U"][gate]}
        return native

    return weights


def fast_rnn_weights(p):
    native = {"W": p["W"]["h"], "bias_update": p["b"]["h"]}
    return native | operator(p["U"]["h"]) | {"alpha": p["alpha"], "beta": p["beta"]}


def fast_grnn_weights(p):
    native = {"W": p["W"]["s"], "bias_gate": p["b"]["z"], "bias_update": p["b"]["n"]}
    return native | operator(p["U"]["s"]) | {"zeta": p["zeta"], "nu": p["nu"]}


def operator(U):
    return {"U1": U["left"], "U2": U["right"]} if isinstance(U, dict) else {"U": U}


def fast_shapes(gate, biases, scales, U=(HIDDEN, HIDDEN)):
    return {
        "W": by_gate(gate, INPUTS, HIDDEN),
        "U": {gate: U},
        "b": by_gate(biases, HIDDEN),
    } | by_gate(scales)


LOW_RANK = {"left": (HIDDEN, RANK), "right": (RANK, HIDDEN)}
FAST_RNN = {"name": "FastRNNCell", "weights": fast_rnn_weights}
FAST_GRNN = {"name": "FastGRNNCell", "weights": fast_grnn_weights}
CASES = {
    "fast_rnn": Case(
        PROJECT,
        "fast_rnn",
        run,
        fast_shapes("h", "h", ["alpha", "beta"]),
        fields("h"),
        arguments=FAST_RNN,
    ),
    "fast_rnn_low_rank": Case(
        PROJECT,
        "fast_rnn",
        run,
        fast_shapes("h", "h", ["alpha", "beta"], LOW_RANK),
        fields("h"),
        {"activation": "sigmoid", "recurrent": "low_rank"},
        FAST_RNN | {"update_nonlinearity": "sigmoid", "uRank": RANK},
    ),
    "fast_grnn": Case(
        PROJECT,
        "fast_grnn",
        run,
        fast_shapes("s", "zn", ["zeta", "nu"]),
        fields("h"),
        arguments=FAST_GRNN,
    ),
    "fast_grnn_low_rank": Case(
        PROJECT,
        "fast_grnn",
        run,
        fast_shapes("s", "zn", ["zeta", "nu"], LOW_RANK),
        fields("h"),
        {"recurrent": "low_rank"},
        FAST_GRNN | {"uRank": RANK},
    ),
    "lstm": Case(
        PROJECT,
        "lstm",
        run,
        matrices("ifgo"),
        fields("hc"),
        arguments={"name": "LSTMLRCell", "weights": numbered("ifgo", "ifco")},
    ),
    "gru_before": Case(
        PROJECT,
        "gru",
        run,
        matrices("rzn"),
        fields("h"),
        {"reset": "before"},
        {"name": "GRULRCell", "weights": numbered("rzn", ["r", "gate", "update"])},
    ),
    "ugrnn": Case(
        PROJECT,
        "ugrnn",
        run,
        matrices("gc"),
        fields("h"),
        arguments={"name": "UGRNNLRCell", "weights": numbered("gc", ["gate", "update"])},
    ),
}


def vectors(folder, seed):
    return vectors_of(CASES, folder, seed)
