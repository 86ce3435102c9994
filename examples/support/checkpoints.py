"""Checkpoints of one run with Orbax: its arrays, and a record in JSON that anyone can read."""

import shutil
from pathlib import Path
from time import perf_counter
from typing import Any

import orbax.checkpoint as ocp

SECONDS_BETWEEN_SAVES = 5.0


class ConfigurationError(ValueError):
    """A checkpoint was made with other settings than those it is asked for."""


class Checkpoints:
    """The latest checkpoint of a run. Close it, or use it in a ``with`` statement.

    Saving goes on in the background; a checkpoint takes the place of the one before only when it
    is complete, so a program may be killed at any time.
    """

    def __init__(self, directory: Path, configuration: dict[str, Any], resume: bool):
        """``resume=False`` removes what an earlier run has left in ``directory``."""
        if not resume:
            shutil.rmtree(directory, ignore_errors=True)
        self.configuration = configuration
        self.manager = ocp.CheckpointManager(
            directory.resolve(), options=ocp.CheckpointManagerOptions(max_to_keep=1)
        )
        self.saved_at = perf_counter()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exception: object) -> None:
        self.manager.close()

    def is_due(self) -> bool:
        """A save costs a tenth of a second, so a few seconds of work are put at risk instead."""
        return perf_counter() - self.saved_at > SECONDS_BETWEEN_SAVES

    def save(self, epoch: int, arrays: Any, record: dict[str, Any]) -> None:
        if self.manager.latest_step() == epoch:
            return
        record = {"configuration": self.configuration, **record}
        self.manager.save(
            epoch,
            args=ocp.args.Composite(
                arrays=ocp.args.StandardSave(arrays), record=ocp.args.JsonSave(record)
            ),
        )
        self.saved_at = perf_counter()

    def restore(self, like: Any) -> tuple[Any, dict[str, Any]] | None:
        """``(arrays, record)`` with arrays in the structure of ``like``; ``None`` if there is none.

        Raises:
          ConfigurationError: naming the settings that differ.
        """
        epoch = self.manager.latest_step()
        if epoch is None:
            return None
        # The record comes first: with other settings the arrays would not even have these shapes.
        only_record = ocp.args.Composite(record=ocp.args.JsonRestore())
        record = dict(self.manager.restore(epoch, args=only_record)["record"])
        self._check(record.pop("configuration"))
        only_arrays = ocp.args.Composite(arrays=ocp.args.StandardRestore(like))
        return self.manager.restore(epoch, args=only_arrays)["arrays"], record

    def _check(self, saved: dict[str, Any]) -> None:
        now = self.configuration
        differing = [
            f"{name} = {saved.get(name)!r}, now {now.get(name)!r}"
            for name in sorted(saved.keys() | now.keys())
            if saved.get(name) != now.get(name)
        ]
        if differing:
            raise ConfigurationError(
                f"the checkpoint in {self.manager.directory} was made with other settings: "
                f"{'; '.join(differing)}. Resume with the same ones, give another --out, or leave "
                "out --resume to start afresh."
            )
