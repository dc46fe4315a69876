"""Runs a command of the program on a model in this process."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any, Mapping

from ._engine import core
from ._errors import Error, MambascopeWarning
from ._progress import Bar
from .facts import Facts
from .result import Result, temporary_folder


def option_words(option: str, value: Any, written: str | None) -> list[str]:
    """The words of one option of the command line, given as a Python value.

    option: "--site". written: "repeated" if a list has a word for each of its parts.
    """
    if value is True:
        return [option]
    if not isinstance(value, (str, os.PathLike)) and hasattr(value, "__iter__"):
        parts = list(value)  # NumPy's arrays, too
    else:
        parts = [value]
    texts = [os.fspath(part) if isinstance(part, os.PathLike) else str(part) for part in parts]
    return [f"{option}={text}" for text in (texts if written == "repeated" else [",".join(texts)])]


def argument_name(option: str) -> str:
    """The argument for an option, given without its dashes."""
    return option.replace("-", "_") + ("_" if option in ("from", "lambda") else "")


def in_python(sentence: str) -> str:
    """Replaces the names of options by those of arguments in a command's message."""
    sentence = sentence.replace("--out OTHER", "out=OTHER").replace("--force", "force=True")
    return re.sub(r"(?<![\w-])--([a-z][a-z-]*)", lambda found: argument_name(found[1]), sentence)


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
        if value is None or value is False or (type(value) is type(default) and value == default):
            continue  # not given
        words += option_words(option, value, written)
    path = None
    if "out" in options:
        path = temporary_folder() if out is None else Path(out)
        words.append(f"--out={path}")
        if facts is not None:
            if not isinstance(facts, Facts):
                raise Error(f"facts is a {type(facts).__name__}; give what load_relations or "
                            "load_counterfact returns")
            words += facts.words(path)
    bar = Bar()
    try:
        made = core.run_command(model._core, words, None if progress is False else bar)
    except Error as error:
        raise Error(in_python(str(error))) from None
    finally:
        bar.close()
    for sentence in made.warnings:
        warnings.warn(in_python(sentence), MambascopeWarning, stacklevel=4)
    result = Result(command, made, path, is_temporary=out is None)
    if out is not None:
        result.write()
    return result
