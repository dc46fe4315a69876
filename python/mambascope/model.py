"""A model: what it is made of, and what it says."""

from __future__ import annotations

import os
import warnings
from operator import index
from typing import Any, Iterable, NamedTuple, Sequence, Union

from . import _methods
from ._call import engine_call, in_python
from ._engine import core
from ._errors import Error, MambascopeWarning
from .interventions import Array, Prompt, run
from .result import Result


_LOADS = {"--model", "--tokenizer", "--device", "--precision", "--compat", "--threads"}


class Token(NamedTuple):
    """A token of a text. It covers the characters [begin, end)."""

    id: int
    text: str
    begin: int
    end: int


class SiteInfo(NamedTuple):
    """A place in a layer where states can be read and changed (docs/sites.md)."""

    name: str
    width: int
    layers: list[int]  # that have the site; empty for "embed"


class Projection(NamedTuple):
    """A weight matrix that can be edited."""

    name: str
    layers: list[int]


class Model:
    """A language model: Mamba-1, Mamba-2, a transformer or a hybrid of them.

    It never changes. `edit` and `edited` return another model, which shares all other weights.
    """

    def __init__(self, engine, precision: str, edit: Result | None = None) -> None:
        self._core = engine
        self._info = engine.describe()
        self.precision = precision
        self.edit_result = edit
        """The result of the edit that made this model; None if there is no such result."""

    @classmethod
    def load(cls, model: str | os.PathLike = "demo", *, tokenizer: str | os.PathLike = "",
             device: str = "cpu", precision: str = "float32", compat: str = "none",
             threads: int = 0) -> Model:
        """Loads a checkpoint.

        model: a checkpoint folder as on Hugging Face, or a bundled model: demo (Mamba-1),
            demo-mamba2, demo-hybrid or demo-neox.
        tokenizer: tokenizer.json, or a folder that has it; empty: that of the model's folder.
        device: cpu or cuda.
        precision: float32, tf32 (only on a GPU) or bfloat16, of matrix products (docs/build.md).
        compat: none: as the model's authors compute; transformers: as that library does.
        threads: CPU threads of this process; 0: one per core.

        Raises Error when something is missing or not supported. Warns as the command line does.
        """
        with engine_call(_LOADS) as bar:
            loaded = core.Model(os.path.expanduser(model), os.path.expanduser(tokenizer), device,
                                precision, compat, threads, bar)
        for sentence in loaded.warnings:
            warnings.warn(in_python(sentence, _LOADS), MambascopeWarning, stacklevel=2)
        return cls(loaded, precision)

    def __repr__(self) -> str:
        return (f"<mambascope.Model {self.architecture}: {self.layers} layers, d_model "
                f"{self.d_model}, {self.parameters:,} parameters, {self.precision}, {self.device}>")

    @property
    def architecture(self) -> str:
        """As config.json names it: mamba, mamba2, gpt_neox, .."""
        return self._info["architecture"]

    @property
    def layers(self) -> int:
        return self._info["layers"]

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self._info["d_model"]

    @property
    def vocab(self) -> int:
        """Number of token ids that the model has logits for."""
        return self._info["vocab"]

    @property
    def parameters(self) -> int:
        return self._info["parameters"]

    @property
    def device(self) -> str:
        return self._info["device"]

    @property
    def fingerprint(self) -> str:
        """Hash of the checkpoint, as in result files. An edited model has its own."""
        return self._info["fingerprint"]

    @property
    def sites(self) -> list[SiteInfo]:
        """The sites that at least one layer has."""
        return [SiteInfo(*site) for site in self._info["sites"]]

    @property
    def projections(self) -> list[Projection]:
        """The weights that can be edited."""
        return [Projection(*one) for one in self._info["projections"]]

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, with the special tokens that the checkpoint adds."""
        return [Token(*token) for token in self._core.tokens(text)]

    def ids(self, prompt: Prompt) -> list[int]:
        """The token ids of a text. Token ids stay as they are."""
        if isinstance(prompt, str):
            return [token.id for token in self.tokens(prompt)]
        return [index(token) for token in prompt]

    def answer(self, text: str) -> int:
        """The id of an answer's first token. A missing space at its beginning is added."""
        return self._core.answer(text)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids."""
        return self._core.decode(list(ids))

    def logits(self, prompt: Prompt) -> Array:
        """Logits [token, vocab], float32."""
        return run(self, prompt).logits

    def predict(self, prompt: Prompt, top: int = 5) -> Prediction:
        """The tokens of a prompt, and the most probable next tokens."""
        given = {"prompt": prompt} if isinstance(prompt, str) else {"ids": self.ids(prompt)}
        return Prediction(_methods.predict(self, top=top, **given))

    def generate(self, prompt: Prompt, tokens: int = 20, *, top_k: int | None = None,
                 seed: int | None = None) -> str:
        """Continues a prompt, and returns the continuation.

        top_k: draw each token from this number of most probable ones; None: take the most probable.
        """
        given = {"prompt": prompt} if isinstance(prompt, str) else {"ids": self.ids(prompt)}
        result = _methods.generate(self, tokens=tokens, top_k=top_k, seed=seed, **given)
        return result["text"]

    def states(self, prompt: Prompt, sites: str | Iterable[str] | None = None) -> dict[str, Array]:
        """The states of a run: {"resid.3": [token, width], ..}, float32.

        sites: names as in docs/sites.md, in all layers ("resid") or in one ("resid.3"); None: all.
        """
        if sites is None:
            sites = [site.name for site in self.sites]
        return run(self, prompt, keep=sites).states

    def edit(self, prompt: str, subject: str, target: str, *, method: str = "rome",
             **options: Any) -> Model:
        """Rewrites one fact, and returns the edited model. This model stays as it is.

        The options are those of mambascope.rome and mambascope.memit. The new model has the
        measures of the edit as `edit_result`. A `with` statement may name it; nothing is undone.
        """
        if method not in ("rome", "memit"):
            raise Error(f"there is no method {method}; give rome or memit")
        chosen = _methods.rome if method == "rome" else _methods.memit
        return self.edited(chosen(self, prompt=prompt, subject=subject, target=target, **options))

    def edited(self, edit: Result | str | os.PathLike) -> Model:
        """This model with the edits of a result of `rome` or `memit`, or of a file
        edit.safetensors. Raises Error for edits that another checkpoint was edited with."""
        result = edit if isinstance(edit, Result) else None
        file = result.folder / "edit.safetensors" if result is not None else edit
        return Model(self._core.edited(os.path.expanduser(file)), self.precision, result)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Prediction(Result):
    """The most probable next tokens."""

    def __init__(self, result: Result) -> None:
        self.__dict__.update(result.__dict__)

    @property
    def top(self) -> list[tuple[str | None, float]]:
        """(token, probability), the most probable one first."""
        return [(token["text"], token["prob"]) for token in self["top"]]
