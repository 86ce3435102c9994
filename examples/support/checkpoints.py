"""Checkpoints of one run with Orbax: its arrays, and a record in JSON that anyone can read."""

import shutil
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp


class ConfigurationError(ValueError):
    """A checkpoint belongs to a run with other settings."""


def open_checkpoints(directory: Path, resume: bool) -> ocp.CheckpointManager:
    """Keeps the latest checkpoint of ``directory``; without ``resume`` older ones are removed."""
    if not resume:
        shutil.rmtree(directory, ignore_errors=True)
    options = ocp.CheckpointManagerOptions(max_to_keep=1)
    return ocp.CheckpointManager(directory.resolve(), options=options)


def save(
    checkpoints: ocp.CheckpointManager,
    epoch: int,
    arrays: Any,
    record: dict[str, Any],
    configuration: dict[str, Any],
) -> None:
    """Writes in the background, unless this epoch is there already."""
    if checkpoints.latest_step() == epoch:
        return
    checkpoints.save(
        epoch,
        args=ocp.args.Composite(
            arrays=ocp.args.StandardSave(arrays),
            record=ocp.args.JsonSave({"configuration": configuration, **record}),
        ),
    )


def restore(
    checkpoints: ocp.CheckpointManager, like: Any, configuration: dict[str, Any]
) -> tuple[Any, dict[str, Any]] | None:
    """``(arrays, record)`` of the latest checkpoint, or ``None`` if there is none.

    Args:
      checkpoints: from :func:`open_checkpoints`.
      like: arrays of the structure, shapes and dtypes wanted.
      configuration: the settings of this run; they must be those of the checkpoint.

    Raises:
      ConfigurationError: naming the settings that differ.
    """
    epoch = checkpoints.latest_step()
    if epoch is None:
        return None
    record = checkpoints.restore(epoch, args=ocp.args.Composite(record=ocp.args.JsonRestore()))
    record = dict(record["record"])
    saved = record.pop("configuration")
    if saved != configuration:
        names = sorted(saved.keys() | configuration.keys())
        differing = [
            f"{name}={saved.get(name)!r} (now {configuration.get(name)!r})"
            for name in names
            if saved.get(name) != configuration.get(name)
        ]
        raise ConfigurationError(
            f"{checkpoints.directory} holds a run with {', '.join(differing)}. Resume with the "
            "same settings, choose another --out, or leave out --resume to start afresh."
        )
    restored = checkpoints.restore(
        epoch, args=ocp.args.Composite(arrays=ocp.args.StandardRestore(like))
    )
    return restored["arrays"], record
