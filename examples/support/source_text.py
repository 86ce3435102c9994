"""Text that every machine has: the source of Python's own standard library, as numbers."""

import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

ALPHABET = "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))
"""What a character may be; all others are read as a question mark."""

_CODES = np.full(128, ALPHABET.index("?"))
_CODES[[ord(character) for character in ALPHABET]] = np.arange(len(ALPHABET))


def encode(text: str) -> np.ndarray:
    """(characters,): the place of each in ``ALPHABET``."""
    return _CODES[np.frombuffer(text.encode("ascii", "replace"), np.uint8)]


def decode(codes: Iterable[int]) -> str:
    return "".join(ALPHABET[code] for code in codes)


def python_source(training: int, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    """So many encoded characters for training, and so many of other files.

    The files are the top-level modules with a public name, in alphabetical order; each tenth is
    held out.
    """
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("[a-z]*.py"))
    return (
        _first([file for place, file in enumerate(files, 1) if place % 10], training),
        _first(files[9::10], held_out),
    )


def _first(files: Sequence[Path], characters: int) -> np.ndarray:
    """The first so many characters of the files joined."""
    text = ""
    for file in files:
        if len(text) >= characters:
            break
        text += file.read_text(encoding="utf-8", errors="replace")
    if len(text) < characters:
        raise ValueError(
            f"{characters:,} characters of Python's standard library are asked for; {len(files)} "
            f"of its files were found for this part of the text, with {len(text):,} in all"
        )
    return encode(text[:characters])
