"""Compares a model's numbers with those of transformers: can they be trusted for this model?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple, Sequence

from ._errors import Error
from .model import Model

# PyTorch may not fit into this process, so transformers runs in one of its own. It writes the
# logits, the input of the first block as "embed", and the output of each block as "resid.0", ..
# (Which hidden states transformers returns depends on the family of models.)
_SCRIPT = """
import sys
import numpy, torch, transformers
folder, ids, file = sys.argv[1], [int(one) for one in sys.argv[2].split(",")], sys.argv[3]
torch.manual_seed(0)
model = transformers.AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32)
model.eval()
held = {}
def keep(name, states):
    held[name] = (states[0] if isinstance(states, tuple) else states)[0].float().numpy().copy()
blocks = max((m for m in model.modules() if isinstance(m, torch.nn.ModuleList)), key=len)
blocks[0].register_forward_pre_hook(
    lambda block, given, named: keep("embed", given or named["hidden_states"]), with_kwargs=True)
for i, block in enumerate(blocks):
    block.register_forward_hook(lambda block, given, made, i=i: keep(f"resid.{i}", made))
with torch.no_grad():
    held["logits"] = model(torch.tensor([ids]), use_cache=False).logits[0].float().numpy()
numpy.savez(file, **held)
print(transformers.__version__)
"""


class Difference(NamedTuple):
    """The largest difference of one state. `scale` is its largest absolute value."""

    name: str
    largest: float
    scale: float


class Comparison:
    """How far two programs' numbers are apart. Printed, it is a table."""

    def __init__(self, version: str, tokens: int, rows: list[Difference], same_top: bool) -> None:
        self.version = version
        self.tokens = tokens
        self.rows = rows
        self.same_top = same_top
        """Whether both have the same most probable next token after every token."""

    @property
    def largest(self) -> float:
        """The largest difference, as a share of the state's scale."""
        import numpy
        return float(numpy.max([row.largest / row.scale for row in self.rows]))

    def __repr__(self) -> str:
        lines = [f"mambascope and transformers {self.version}, {self.tokens} tokens, float32",
                 f"{'state':<12} {'largest difference':>18} {'largest value':>14} {'share':>9}"]
        for name, largest, scale in self.rows:
            lines.append(f"{name:<12} {largest:18.2e} {scale:14.2f} {largest / scale:9.1e}")
        lines.append("the most probable tokens are " + ("the same" if self.same_top else
                                                        "NOT the same"))
        return "\n".join(lines)


def compare_with_transformers(folder: str | os.PathLike, prompt: str | Sequence[int], *,
                              compat: str = "none", python: str = sys.executable) -> Comparison:
    """Compares the embeddings, every block's output and the logits of a prompt with those of
    transformers, in float32.

    compat: as in Model.load. "transformers" where that library differs from a model's authors.
    python: an interpreter that has transformers and PyTorch.

    Raises Error when transformers is missing or cannot load the model.
    """
    import numpy
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise Error(f"{folder}: no such folder; give a checkpoint's folder")
    model = Model.load(folder, compat=compat)
    ids = model.ids(prompt)
    with tempfile.TemporaryDirectory() as held:
        file = Path(held) / "held.npz"
        words = [shutil.which(python) or python, "-c", _SCRIPT, str(folder.resolve()),
                 ",".join(map(str, ids)), str(file)]
        try:
            made = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Error(f"{python} does not start: {error}") from error
        if made.returncode != 0:
            last = (made.stderr.strip().splitlines() or ["it ended without a message"])[-1]
            raise Error(f"transformers did not run the model: {last}; install transformers and "
                        "torch, or name a Python that has them with python=")
        with numpy.load(file) as arrays:
            other = dict(arrays)
    states = model.states(ids, ["embed", "resid"])
    ours = {name: numpy.asarray(state) for name, state in states.items()}
    ours["logits"] = numpy.asarray(model.logits(ids))
    if ours.keys() != other.keys():
        raise Error(f"transformers has {len(other) - 2} blocks, and mambascope {model.layers}")
    rows = [_difference(name, state, other[name]) for name, state in ours.items()]
    same = bool((ours["logits"].argmax(1) == other["logits"].argmax(1)).all())
    return Comparison(made.stdout.strip().splitlines()[-1], len(ids), rows, same)


def _difference(name: str, ours, other) -> Difference:
    import numpy
    return Difference(name, float(numpy.abs(ours - other).max()), float(numpy.abs(other).max()))
