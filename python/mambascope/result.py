"""The result of a method: numbers, a table, figures and files."""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._engine import core
from .results import read_table

if TYPE_CHECKING:
    import pandas

_VEGA_LITE = ("application/vnd.vegalite.v6+json", "application/vnd.vegalite.v5+json")


def temporary_folder() -> Path:
    """A folder for the files of a run that has none. Its Result deletes it."""
    return Path(tempfile.mkdtemp(prefix="mambascope-"))


class Figure:
    """A figure: a Vega-Lite specification with its data inline. Jupyter shows it."""

    def __init__(self, heading: str, caption: str, spec: dict[str, Any]) -> None:
        self.heading = heading
        self.caption = caption
        """How to read the figure."""
        self.spec = spec
        """Vega-Lite 6."""

    def __repr__(self) -> str:
        return f"<mambascope.Figure {self.heading}>"

    def html(self) -> str:
        """A page of its own that works without a network."""
        return core.figure_page(self.heading, self.caption, json.dumps(self.spec))

    def svg(self) -> str:
        """The figure as SVG. Needs the package vl-convert-python."""
        return _vl_convert().vegalite_to_svg(self.spec)

    def png(self, scale: float = 2) -> bytes:
        """The figure as PNG. Needs the package vl-convert-python."""
        return _vl_convert().vegalite_to_png(self.spec, scale=scale)

    def save(self, file: str | os.PathLike) -> None:
        """Writes .html, .json (the specification), .svg or .png."""
        path = Path(file).expanduser()
        kind = path.suffix.lower()
        makers = {".html": self.html, ".json": lambda: json.dumps(self.spec), ".svg": self.svg,
                  ".png": self.png}
        if kind not in makers:
            raise ValueError(f"{path}: write .html, .json, .svg or .png")
        made = makers[kind]()
        path.write_bytes(made if isinstance(made, bytes) else made.encode())

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        """The specification for notebooks that draw it. For others a picture, or else a page."""
        bundle: dict[str, Any] = {kind: self.spec for kind in _VEGA_LITE}
        bundle["text/plain"] = f"{self.heading}\n{self.caption}"
        try:
            bundle["image/svg+xml"] = self.svg()
        except ImportError:
            page = self.html().replace("&", "&amp;").replace('"', "&quot;")
            bundle["text/html"] = (f'<iframe srcdoc="{page}" sandbox="allow-scripts '
                                   'allow-downloads" style="width: 100%; height: 44em; border: 0">'
                                   "</iframe>")
        return bundle


def _vl_convert():
    try:
        import vl_convert
    except ImportError as error:
        raise ImportError("pictures need vl-convert-python: pip install vl-convert-python"
                          ) from error
    return vl_convert


class Result(Mapping):
    """What a method found. As a mapping it is the JSON of the command: docs/cli has its keys.

    A notebook shows its first figure. As a path, it is its folder: moments=result.
    """

    def __init__(self, command: str, made, folder: Path | None = None, *,
                 is_temporary: bool = True) -> None:
        self.command = command
        """The name of the command that makes the same result."""
        self.text: str = made.text
        """What the command prints."""
        self.warnings: list[str] = list(made.warnings)
        self._made = made
        self._folder = folder
        self._ends = None
        if folder is not None and is_temporary:
            self._ends = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._data = None

    # ---- the mapping

    @property
    def data(self) -> dict[str, Any]:
        """The JSON of the command."""
        if self._data is None:
            self._data = json.loads(self._made.json)
        return self._data

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return self.text.rstrip() or f"<mambascope.Result of {self.command}>"

    # ---- other forms

    def to_json(self) -> str:
        """The text of the command's JSON file."""
        return self._made.json + "\n"

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each cell, with its keys, as the command writes with --table."""
        if not self._made.table:
            raise ValueError(f"a result of {self.command} has no table")
        return read_table(io.StringIO(self._made.table))

    @property
    def figures(self) -> list[Figure]:
        """All figures of the command's page."""
        return [Figure(**figure) for figure in json.loads(self._made.figures())]

    def figure(self, index: int = 0) -> Figure:
        """One of the figures."""
        return self.figures[index]

    def html(self) -> str:
        """The command's page, which works without a network."""
        return self._made.html()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        figures = self.figures
        bundle = figures[0]._repr_mimebundle_() if figures else {}
        return bundle | {"text/plain": repr(self)}

    # ---- files

    @property
    def folder(self) -> Path:
        """The folder with the files of the run. A temporary one is deleted with this object."""
        if self._folder is None:
            raise ValueError(f"a result of {self.command} has no files")
        return self._folder

    def __fspath__(self) -> str:
        return str(self.folder)

    def write(self) -> None:
        """Writes the JSON and the page to `folder`, beside the run's other files."""
        for name, text in ((f"{self.command}.json", self.to_json()),
                           (f"{self.command}.html", self.html())):
            part = self.folder / f"{name}.part"
            part.write_text(text, encoding="utf-8")
            os.replace(part, self.folder / name)

    def save(self, folder: str | os.PathLike) -> Path:
        """Writes all files of the command to a folder.

        The command line goes on from there, with the same options and --out FOLDER. The result's
        `folder` is then this one. Raises FileExistsError where a file is there already.
        """
        target = Path(folder).expanduser()
        names = [f"{self.command}.json", *(file.relative_to(self.folder) for file in self._files())]
        for name in names:
            if (target / name).exists():
                raise FileExistsError(f"{target / name} exists; name another folder")
        shutil.copytree(self.folder, target, dirs_exist_ok=True)
        if self._ends is not None:
            self._ends()
        self._folder, self._ends = target, None
        self.write()
        return target

    def _files(self) -> list[Path]:
        if self._folder is None:
            return []
        return [file for file in self._folder.rglob("*") if file.is_file()]

    def __getstate__(self) -> dict[str, Any]:
        files = {str(file.relative_to(self._folder)): file.read_bytes() for file in self._files()}
        made = self._made
        return {"command": self.command, "files": files, "has_folder": self._folder is not None,
                "made": _Made(made.json, made.text, made.table, list(made.warnings),
                              made.figures(), made.html())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        folder = None
        if state["has_folder"]:
            folder = temporary_folder()
            for name, content in state["files"].items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        Result.__init__(self, state["command"], state["made"], folder)


class _Made:
    """An engine's result (core.Result) that was pickled."""

    def __init__(self, json: str, text: str, table: str, warnings: list[str], figures: str,
                 html: str) -> None:
        self.json, self.text, self.table, self.warnings = json, text, table, warnings
        self._figures, self._html = figures, html

    def figures(self) -> str:
        return self._figures

    def html(self) -> str:
        return self._html
