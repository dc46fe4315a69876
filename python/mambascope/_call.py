"""Runs a command of the program on a model in this process."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any, Mapping

from ._engine import core
from ._errors import Error, MambascopeWarning
from ._progress import Bar
from .facts import Facts
from .result import Result


def option_words(option: str, value: Any, written: str | None) -> list[str]:
    """The words of one option of the command line, given as a Python value.

    option: "--site". written: "repeated" if a list has a word for each of its parts.
    """
    if value is True:
        return [option]
    parts = list(value) if isinstance(value, (list, tuple, range, set)) else [value]
    texts = [os.fspath(part) if isinstance(part, os.PathLike) else str(part) for part in parts]
    return [f"{option}={text}" for text in (texts if written == "repeated" else [",".join(texts)])]


def _in_python(sentence: str) -> str:
    """A command's message with the names of arguments for those of options."""
    return re.sub(r"(?<![\w-])--([a-z][a-z-]*)", lambda found: found[1].replace("-", "_"), sentence)


def run_command(command: str, given: Mapping[str, Any], options: Mapping[str, tuple]) -> Result:
    """Runs a command with the arguments of a function of `_methods`.

    given: the function's arguments, `model` among them. options: as in `_methods`.
    """
    arguments = dict(given)
    model = arguments.pop("model")
    facts, out, progress = (arguments.pop(name, None) for name in ("facts", "out", "progress"))
    words = [command]
    for name, value in arguments.items():
        option, written, default = options[name]
        if value is None or value is False or value == default or (
                isinstance(value, (list, tuple)) and not value):
            continue  # not given
        words += option_words(option, value, written)
    folder = None
    if "out" in options:
        folder = tempfile.TemporaryDirectory(prefix="mambascope-") if out is None else None
        path = Path(folder.name if folder else out)
        words.append(f"--out={path}")
        if isinstance(facts, Facts):
            words += facts.words(path)
    bar = Bar()
    try:
        made = core.run_command(model._core, words, None if progress is False else bar)
    except Error as error:
        raise Error(_in_python(str(error))) from None
    finally:
        bar.close()
    for sentence in made.warnings:
        warnings.warn(_in_python(sentence), MambascopeWarning, stacklevel=4)
    if "out" not in options:
        return Result(command, made)
    result = Result(command, made, path, folder)
    if folder is None:
        result.write()
    return result
