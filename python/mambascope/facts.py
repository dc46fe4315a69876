"""Facts of data sets, to look at, to choose from, and to give to the methods."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, overload

from ._errors import Error

Paths = Union[str, os.PathLike, Iterable[Union[str, os.PathLike]]]


class _Fact(Mapping):
    """A fact, which does not change, and its origin: its relation without samples, its sample."""

    def __init__(self, fact: dict[str, Any], relation: dict[str, Any] | None = None,
                 sample: Any = None) -> None:
        self._fact = fact
        self.relation = relation
        self.sample = sample

    def __getitem__(self, key: str) -> Any:
        return self._fact[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fact)

    def __len__(self) -> int:
        return len(self._fact)

    def __repr__(self) -> str:
        return repr(self._fact)


class Facts(Sequence):
    """Facts, each a mapping. Slices and `where` choose some of them.

    Facts of relations have the keys relation, subject, object and templates. Records of CounterFact
    and its variants are as in their file.
    """

    # Made by load_relations and load_counterfact.
    def __init__(self, facts: list[_Fact], paths: list[str] | None = None) -> None:
        self._facts = facts
        self._paths = paths  # files that hold these facts and no others; None: there are none

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Facts: ...

    def __getitem__(self, index):
        return Facts(self._facts[index]) if isinstance(index, slice) else self._facts[index]

    def __len__(self) -> int:
        return len(self._facts)

    def __repr__(self) -> str:
        relations = {id(fact.relation) for fact in self._facts if fact.relation is not None}
        return f"<mambascope.Facts: {len(self)}" + (
            f" of {len(relations)} relations>" if relations else ">")

    def where(self, keep: Callable[[Mapping[str, Any]], bool]) -> Facts:
        """The facts for which `keep` is true."""
        return Facts([fact for fact in self._facts if keep(fact)])

    def words(self, folder: Path) -> list[str]:
        """The options of a command that read these facts. Chosen facts are written to `folder`.

        Their files are named by their content, so no file is written over.
        """
        if not self._facts:
            raise Error("there are no facts; choose others")
        has_relations = self._facts[0].relation is not None
        paths = self._paths
        if paths is None:
            held = self._relations() if has_relations else [[dict(fact) for fact in self._facts]]
            paths = [str(_write(folder / "facts", content)) for content in held]
        return [f"{'--relations' if has_relations else '--counterfact'}={path}" for path in paths]

    def _relations(self) -> list[dict[str, Any]]:
        relations: dict[int, dict[str, Any]] = {}
        for fact in self._facts:
            own = relations.setdefault(id(fact.relation), {**fact.relation, "samples": []})
            own["samples"].append(fact.sample)
        return list(relations.values())


def _write(folder: Path, content: Any) -> Path:
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file


def _files(paths: Paths) -> list[Path]:
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    return [Path(path).expanduser() for path in given]


def load_relations(paths: Paths = "demo") -> Facts:
    """Facts of relations in the form of the LRE data set: files, or folders of .json files.

    "demo": the relations that come with mambascope, which the bundled models know.

    Raises Error for a file that cannot be read.
    """
    if paths == "demo":
        paths = Path(__file__).parent / "share" / "mambascope" / "data" / "demo" / "relations"
    facts = []
    given = _files(paths)
    for path in given:
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            relation = _read(file)
            try:
                samples = relation.pop("samples")
                facts += [_Fact({"relation": relation["name"], "subject": sample["subject"],
                                 "object": sample["object"],
                                 "templates": relation.get("prompt_templates", [])},
                                relation, sample)
                          for sample in samples]
            except (KeyError, TypeError, AttributeError) as error:
                raise Error(f"{file}: this is no relation: {error!r}; expected name, "
                            "prompt_templates and samples with subject and object") from error
    return Facts(facts, [os.fspath(path) for path in given])


def load_counterfact(paths: Paths) -> Facts:
    """Records of CounterFact, or of a variant of it that docs/data.md names: .json files.

    Raises Error for a file that cannot be read.
    """
    given = _files(paths)
    records = []
    for file in given:
        try:
            records += [_Fact(record) for record in _read(file)]
        except (TypeError, ValueError) as error:
            raise Error(f"{file}: expected a list of records") from error
    return Facts(records, [os.fspath(file) for file in given])


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Error(f"{file}: cannot be read: {error}") from error
