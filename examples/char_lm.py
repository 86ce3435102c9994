"""A language model of characters, trained on the source of Python's own standard library.

    python examples/char_lm.py
    python examples/char_lm.py --cell gru --layers 3 --features 128 --out out/gru
    python examples/char_lm.py --resume --prompt "class Stack" --temperature 0.5

One-hot characters go through recurrent layers, with dropout after each, to the logits of the next
character: all of it is one cell, an ``rx.Stack``. It is trained by truncated backpropagation
through time: the text is cut into rows, the rows into batches, and a batch starts from the carry
that the batch before has left. Its score is in bits per character of files that were held out; to
be beaten is the best that counting does, Kneser-Ney smoothing: see support/kneser_ney.py.

Written to ``--out``: ``bits_per_character.png``, and checkpoints. ``--resume`` goes on from the
last one as if the run had never stopped, on the same machine to the last bit; a run that is
complete is only scored and sampled from.
"""

import argparse
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax import Array
from matplotlib.figure import Figure
from support import kneser_ney
from support.checkpoints import Checkpoints, ConfigurationError
from support.model import number_of_parameters
from support.report import at_least, seed, table
from support.source_text import ALPHABET, decode, encode, python_source
from support.training import adam
from tqdm import tqdm

import recurrax as rx

CELLS: dict[str, Callable[[int], rx.Cell]] = {"lstm": rx.LSTM, "gru": rx.GRU}
QUICK = {"layers": 1, "features": 64, "characters": 200_000, "steps": 2000}
DROPOUT = 0.2
LEARNING_RATE = 8e-3
WARM_UP = 0.03
"""of all steps, before the learning rate begins to fall"""
CLIP_NORM = 1.0
ROWS, STEPS = 8, 64  # few rows, many updates: the text is short and soon learned by heart
HELD_OUT_ROWS, HELD_OUT_STEPS, HELD_OUT_PIECES = 50, 250, 12
HELD_OUT = HELD_OUT_ROWS * HELD_OUT_STEPS * HELD_OUT_PIECES + 1  # nothing predicts the first
EVALUATIONS, POINTS = 10, 100  # along the curves of held-out text and of training


class State(NamedTuple):
    """The arrays of a run. With these and its history, all that follows is decided."""

    params: Any
    opt_state: Any
    carry: Any
    """after the last batch, from which the next one starts"""
    key: Array


@dataclass
class History:
    """Bits per character during training, and how far the text has been read."""

    next_batch: int = 0
    training: list[float] = field(default_factory=list)
    """of every batch, dropout included"""
    held_out: list[float] = field(default_factory=list)
    held_out_at: list[int] = field(default_factory=list)
    """after how many steps"""

    @property
    def steps(self) -> int:
        return len(self.training)


class Result(NamedTuple):
    bits: float
    """per held-out character"""
    baseline: float
    n: int
    """of the baseline"""
    state: State
    history: History
    sample: str


def model(name: str, features: int, layers: int) -> rx.Stack:
    """From a one-hot character to the logits of the next."""
    recurrent = (CELLS[name](features), rx.Dropout(DROPOUT)) * layers
    return rx.Stack((*recurrent, rx.Dense(len(ALPHABET))))


def one_hot(codes: Any) -> Array:
    return jax.nn.one_hot(codes, len(ALPHABET))


def bits_of(
    params: Any, cell: rx.Cell, carry: Any, xs: Array, targets: Array, key: Array | None = None
) -> tuple[Array, Any]:
    """``(bits, carry)``: the mean over a batch, (rows, steps), and the carry after it.

    A carry that comes in as an argument is a constant to the gradient with respect to ``params``.
    Backpropagation is truncated by just that.
    """
    carry, logits = rx.unroll(cell, params, one_hot(xs), carry, key=key)
    nats = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    return nats.mean() / np.log(2), carry


@partial(jax.jit, static_argnames=("cell", "optimizer"))
def update(
    state: State,
    xs: Array,
    targets: Array,
    *,
    cell: rx.Cell,
    optimizer: optax.GradientTransformation,
) -> tuple[State, Array]:
    """One step of training on one batch: the new state, and the bits before it."""
    params, opt_state, carry, key = state
    key, dropout_key = jax.random.split(key)
    differentiate = jax.value_and_grad(bits_of, has_aux=True)
    (bits, carry), gradients = differentiate(params, cell, carry, xs, targets, dropout_key)
    updates, opt_state = optimizer.update(gradients, opt_state, params)
    return State(optax.apply_updates(params, updates), opt_state, carry, key), bits


def bits_per_character(cell: rx.Cell, params: Any, text: np.ndarray) -> float:
    """Of all characters of ``text`` but the first, without dropout."""
    carry, bits = cell.initial_carry((HELD_OUT_ROWS,)), []
    for batch in rx.bptt_batches(text, HELD_OUT_ROWS, HELD_OUT_STEPS):
        mean, carry = evaluate(params, cell, carry, batch.xs, batch.targets)
        bits.append(mean)
    return float(np.mean(bits))


evaluate = jax.jit(bits_of, static_argnums=1)


def fit(
    cell: rx.Cell,
    train: np.ndarray,
    held_out: np.ndarray,
    steps: int,
    key: Array,
    checkpoints: Checkpoints,
    title: str,
) -> tuple[State, History]:
    """Trains on so many batches of ``train``, those before an interruption included.

    Args:
      cell: from one-hot characters to logits.
      train, held_out: encoded text.
      steps: how many batches; the learning rate falls to nothing over them.
      key: decides the first parameters and what is dropped.
      checkpoints: where the run goes on from, if there is one, and is saved to.
      title: what the progress bar says.
    """
    schedule = optax.warmup_cosine_decay_schedule(0.0, LEARNING_RATE, int(WARM_UP * steps), steps)
    optimizer = adam(schedule, CLIP_NORM)
    init_key, dropout_key = jax.random.split(key)
    params, first_carry = cell.init(init_key, len(ALPHABET)), cell.initial_carry((ROWS,))
    state = State(params, optimizer.init(params), first_carry, dropout_key)
    history = History()
    restored = checkpoints.restore(like=state)
    if restored is not None:
        state, history = restored[0], History(**restored[1])

    batches = over_and_over(train, history.next_batch)
    with tqdm(desc=title, total=steps, initial=history.steps, unit="step") as bar:
        while history.steps < steps:
            batch = next(batches)
            if batch.number == 0:  # the text starts again
                state = state._replace(carry=first_carry)
            state, bits = update(state, batch.xs, batch.targets, cell=cell, optimizer=optimizer)
            history.training.append(float(bits))
            history.next_batch = batch.number + 1
            if history.steps * EVALUATIONS % steps < EVALUATIONS:
                history.held_out.append(bits_per_character(cell, state.params, held_out))
                history.held_out_at.append(history.steps)
                bar.set_postfix_str(f"held out {history.held_out[-1]:.3f} bits", refresh=False)
            bar.update()
            if checkpoints.is_due():
                checkpoints.save(history.steps, state, asdict(history))
    checkpoints.save(history.steps, state, asdict(history))
    return state, history


def over_and_over(text: np.ndarray, start: int) -> Iterator[Any]:
    """The batches of ``text`` from number ``start`` on, and then from the first again."""
    while True:
        yield from rx.bptt_batches(text, ROWS, STEPS, start=start)
        start = 0


def sample(
    cell: rx.Cell, params: Any, prompt: str, characters: int, temperature: float, key: Array
) -> str:
    """Continues ``prompt``, which begins a line, character by character."""
    stream = rx.Stream(cell, params)
    logits = stream.unroll(one_hot(encode("\n" + prompt)))[-1]
    codes = []
    for draw_key in jax.random.split(key, characters):
        code = draw(draw_key, logits, temperature)
        logits = stream(one_hot(code))
        codes.append(int(code))
    return prompt + decode(codes)


@jax.jit
def draw(key: Array, logits: Array, temperature: float) -> Array:
    return jax.random.categorical(key, logits / temperature)


def plot(path: Path, history: History, baseline: float, title: str) -> None:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    ax = figure.subplots()
    parts = np.array_split(history.training, min(POINTS, history.steps))
    training = [float(part.mean()) for part in parts]
    training_at = np.cumsum([len(part) for part in parts])
    ax.plot(training_at, training, ":", color="C0", linewidth=1, label="training")
    ax.plot(history.held_out_at, history.held_out, ".-", color="C0", label="held out")
    ax.axhline(baseline, color="C1", linestyle="--", label="held out, by counting")
    bottom = min([baseline, *training, *history.held_out]) - 0.1
    ax.set(title=title, xlabel="step", ylabel="bits per character", ylim=(bottom, bottom + 3))
    ax.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def run(args: argparse.Namespace) -> Result:
    """Trains one model, from the start or from its last checkpoint."""
    train, held_out = python_source(args.characters, HELD_OUT)
    n, baseline = kneser_ney.bits_of_best(train, held_out[1:], len(ALPHABET))
    cell = model(args.cell, args.features, args.layers)
    title = f"{args.cell}, {args.layers} x {args.features}"
    configuration = {
        "model": repr(cell),
        "training_text": f"{len(train)} characters, checksum {zlib.crc32(train.tobytes())}",
        "seed": args.seed,
        "steps": args.steps,
    }
    fit_key, sample_key = jax.random.split(jax.random.key(args.seed))
    with Checkpoints(args.out / "checkpoints", configuration, args.resume) as checkpoints:
        state, history = fit(cell, train, held_out, args.steps, fit_key, checkpoints, title)

    bits = history.held_out[-1]
    rows = [
        (title, f"{number_of_parameters(state.params):,}", f"{bits:.3f}"),
        (f"counts, n = {n}", "", f"{baseline:.3f}"),
    ]
    print("\n" + table("held-out files", ("", "parameters", "bits per character"), rows))
    plot(args.out / "bits_per_character.png", history, baseline, title)
    text = sample(cell, state.params, args.prompt, args.length, args.temperature, sample_key)
    return Result(bits, baseline, n, state, history, text)


def positive(text: str) -> float:
    """For ``type=`` of an argument."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number; got {text!r}")
    return number


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--cell", choices=CELLS, default="lstm")
    add("--layers", type=at_least(1), default=2)
    add("--features", type=at_least(1), default=160, help="of each layer")
    add("--characters", type=at_least(10_000), default=1_000_000, help="of training text")
    add("--steps", type=at_least(1), default=9000, help=f"of {ROWS} x {STEPS} characters each")
    add("--quick", action="store_true", help=" ".join(f"--{k} {v}" for k, v in QUICK.items()))
    add("--prompt", default="def ", help="what the sampled text begins with")
    add("--length", type=at_least(0), default=600, help="characters to sample")
    add("--temperature", type=positive, default=0.7, help="of the sampled text")
    add("--seed", type=seed, default=0, help="of parameters, dropout and sampled text")
    add("--out", type=Path, default=Path("out/char_lm"), help="a folder")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    if parser.parse_args(argv).quick:
        parser.set_defaults(**QUICK)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> Result:
    args = parse(argv)
    try:
        result = run(args)
    except ConfigurationError as error:
        raise SystemExit(f"char_lm.py: {error}") from None
    print(f"\nA sample at temperature {args.temperature}:\n\n{result.sample}")
    print(f"\nThe plot and the checkpoint are in {args.out}.")
    return result


if __name__ == "__main__":
    main()
