"""Runs a command of the program on a model in this process."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._engine import core
from ._errors import Error, MambascopeWarning
from ._progress import Bar
from .facts import Facts
from .result import Result, temporary_folder


def option_words(option: str, value: Any, written: str | None) -> list[str]:
    """The words of one option of the command line, given as a Python value.

    option: "--site". written: how a list is written, as in `_methods`.
    """
    if not isinstance(value, (str, os.PathLike)) and hasattr(value, "__iter__"):
        parts = list(value)  # NumPy's arrays, too
    else:
        parts = [value]
    if parts != [value] and written is None:
        raise Error(f"{option} takes one value, not a {type(value).__name__}")
    if not parts:
        raise Error(f"{option} is empty; leave it out, or give a value")
    for part in parts:
        if isinstance(part, (bool, bytes, dict)) or part is None:
            raise Error(f"{option} does not take {part!r}")
    texts = [os.path.expanduser(part) if isinstance(part, os.PathLike) else str(part)
             for part in parts]
    if written == "commas":
        texts = [",".join(texts)]
    # An empty text is a word of its own: after "=" there would be no value.
    return [word for text in texts for word in ([f"{option}={text}"] if text else [option, ""])]


def _given_words(value: Any, option: str, written: str | None, default: Any) -> list[str]:
    if value is None or value is False or (type(value) is type(default) and value == default):
        return []  # it is not given
    if default is False and value is True:
        return [option]
    return option_words(option, value, written)


def argument_name(option: str) -> str:
    """The argument for an option, given without its dashes."""
    return option.replace("-", "_") + ("_" if option in ("from", "lambda") else "")


def in_python(sentence: str, options: set[str]) -> str:
    """Replaces the names of these options by those of arguments in a command's message."""
    sentence = sentence.replace("--out OTHER", "out=OTHER").replace("--force", "force=True")
    return re.sub(r"(?<![\w-])--([a-z][a-z-]*)", lambda found: argument_name(
        found[1]) if found[0] in options else found[0], sentence)


@contextmanager
def engine_call(options: set[str]) -> Iterator[Bar]:
    """While the engine works: has a bar for its progress, and turns its messages to Python.

    options: of the call, as "--site".
    """
    bar = Bar()
    try:
        yield bar
    except Error as error:
        raise Error(in_python(str(error), options)) from None
    finally:
        bar.close()


def run_command(command: str, given: Mapping[str, Any], options: Mapping[str, tuple]) -> Result:
    """Runs a command with the arguments of a function of `_methods`.

    given: the function's arguments, `model` among them. options: as in `_methods`.
    """
    arguments = dict(given)
    model = arguments.pop("model")
    if not hasattr(model, "_core"):
        raise Error(f"model is a {type(model).__name__}; give what Model.load returns")
    known = {entry[0] for entry in options.values() if entry}
    facts, out, progress = (arguments.pop(name, None) for name in ("facts", "out", "progress"))
    words = [command]
    if facts is not None and not isinstance(facts, Facts):
        raise Error(f"facts is a {type(facts).__name__}; give what load_relations or "
                    "load_counterfact returns")
    path = None
    if "out" in options:
        path = temporary_folder() if out is None else Path(out).expanduser()
        words.append(f"--out={path}")
    try:
        with engine_call(known) as bar:
            for name, value in arguments.items():
                words += _given_words(value, *options[name])
            if facts is not None:
                words += facts.words(path)
            made = core.run_command(model._core, words, None if progress is False else bar)
    except BaseException:
        if path is not None and out is None:
            shutil.rmtree(path, ignore_errors=True)
        raise
    for sentence in made.warnings:
        warnings.warn(in_python(sentence, known), MambascopeWarning, stacklevel=4)
    result = Result(command, made, path, is_temporary=out is None)
    if out is not None:
        result.write()
    return result
