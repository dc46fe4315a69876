"""Interventions on a run, and the two ways to run them.

There are four kinds of interventions. These experiments are lists of them:

    corrupting a prompt    another prompt, or Add at "embed"
    restoring a state      Set to the clean run's value
    blocking a path        Hold at the base run's value, beside a Set
    mean ablation          Set
    knockout               Cut

`run` is one whole forward pass. `sweep` computes many variants of some runs together, and gives the
same numbers as `run` for each variant.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from operator import index
from typing import TYPE_CHECKING, Any, Iterable, Sequence, Union

from ._engine import core
from ._progress import Bar

if TYPE_CHECKING:
    from .model import Model

Array = Any  # torch.Tensor beside PyTorch, else numpy.ndarray
Prompt = Union[str, Sequence[int]]  # a text, or token ids


@dataclass(frozen=True)
class Set:
    """Replaces a state by `value` [width].

    `site` is a name of docs/sites.md, as "resid". Tools' other names work, too. Layers and tokens
    are counted from 0. `layer` is None if the site is "embed", or if the name has the layer.
    """

    site: str
    layer: int | None
    token: int
    value: Array


@dataclass(frozen=True)
class Add:
    """Adds `delta` [width] to a state. The state is named as in Set."""

    site: str
    layer: int | None
    token: int
    delta: Array


@dataclass(frozen=True)
class Hold:
    """Keeps a state at its value in the base run, which is the same prompt without the variant."""

    site: str
    layer: int | None
    token: int


@dataclass(frozen=True)
class Cut:
    """In the mixers of `layer`, the tokens `to` do not read the tokens `from_` (knockout).

    channels: boolean [channels], where the cut acts; None: in all.
    kind: "cut" blocks recurrence and attention. "cut-conv" also blocks the convolution.
    mixers: "mamba" or "attention", the kind of mixer in which the cut acts; None: in all.
    """

    layer: int
    from_: Sequence[int]
    to: Sequence[int]
    channels: Array | None = None
    kind: str = "cut"
    mixers: str | None = None


Intervention = Union[Set, Add, Hold, Cut]


class Run:
    """The result of one prompt's forward pass."""

    def __init__(self, model: Model, run) -> None:
        self._model = model  # which the engine's run reads
        self._run = run

    @property
    def logits(self) -> Array:
        """Logits [token, vocab], float32. They are computed at each access."""
        return self._run.logits()

    @property
    def states(self) -> dict[str, Array]:
        """States at the kept places, after the interventions: {"resid.3": [token, width], ..}."""
        return {name: self._run.state(i) for i, name in enumerate(self._run.kept())}


def run(model: Model, prompt: Prompt, interventions: Iterable[Intervention] = (),
        keep: str | Iterable[str] = (), *, base: Iterable[Intervention] = (),
        memory: int | None = None) -> Run:
    """Runs the model on a prompt with interventions: one whole forward pass.

    keep: places whose states are kept, as "resid.3", or "resid" for all layers.
    base: interventions that act first. A Hold takes its value from the run with these alone.
    memory: most bytes that the run may take, kept states included.

    Raises Error for a site, layer, token or width that the model or the prompt lacks.
    """
    names = [keep] if isinstance(keep, str) else list(keep)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"keep names places, as \"resid.3\"; it is {names!r}")
    result = core.run(model._core, model.ids(prompt), list(interventions), list(base), names,
                      None if memory is None else index(memory))
    return Run(model, result)


@dataclass(frozen=True)
class Case:
    """One variant of a sweep, and the tokens that are read of it.

    base: index of its base run. read: tokens whose output is returned; empty: the last one.
    """

    interventions: Sequence[Intervention] = ()
    base: int = 0
    read: Sequence[int] = ()


@dataclass(frozen=True)
class Base:
    """A base run of a sweep: a prompt, and interventions on it and on all its variants."""

    prompt: Prompt
    interventions: Sequence[Intervention] = ()


class Sweep:
    """The result of a sweep: the last block's output at the tokens that the cases read."""

    def __init__(self, model: Model, states: Array) -> None:
        self._model = model
        self.states = states
        """[read, d_model]"""

    def __len__(self) -> int:
        return len(self.states)

    def logits(self) -> Array:
        """Logits [read, vocab], float32. Many rows take much memory: see probabilities."""
        return self._model._core.unembed(self.states)

    def probabilities(self, answer: int | str | Sequence[int]) -> Array:
        """The probability [read] of a token: its id, the answer's text, or an id for each row."""
        if isinstance(answer, str):
            answer = self._model.answer(answer)
        ids = [answer] * len(self) if isinstance(answer, Integral) else answer
        return self._model._core.probabilities(self.states, [int(one) for one in ids])


def sweep(model: Model, bases: Base | Prompt | Iterable[Base | Prompt],
          cases: Iterable[Case | Sequence[Intervention]], *, memory: int | None = None,
          progress: bool = True) -> Sweep:
    """Computes many variants of some base runs together. Little memory splits them into passes.

    bases: prompts, or Base. One base may be given alone.
    cases: Case, or the interventions of one variant of base 0, read at its last token.
    memory: most bytes of one pass beside the weights.
    progress: whether a long sweep shows a bar, where tqdm is installed.

    Raises Error where run does, and when one case alone needs more than `memory`.
    """
    if isinstance(bases, (Base, str)):
        bases = [bases]
    bases = list(bases)
    if bases and isinstance(bases[0], Integral):  # one prompt's token ids
        bases = [bases]
    given = [base if isinstance(base, Base) else Base(base) for base in bases]
    taken = [case if isinstance(case, Case) else Case(tuple(case)) for case in cases]
    bar = Bar()
    try:
        states = core.sweep(
            model._core, [model.ids(base.prompt) for base in given],
            [list(base.interventions) for base in given],
            [(case.base, list(case.interventions), [index(token) for token in case.read])
             for case in taken], memory,
            bar if progress else None)
    finally:
        bar.close()
    return Sweep(model, states)
