"""Times one trace in transformers, to compare with `mambascope trace`.

A cell restores the clean residual stream after one layer at one token, and reads p(answer). The
script computes all cells in two ways: with one forward pass per cell, and with all cells in one
batch. It stops if the two differ.

    python bench/peers.py models/demo-mamba
    python bench/peers.py mamba-2.8b --device cuda --precision tf32 --facts 5

Needs PyTorch and transformers. The prompts are random tokens, since the time does not depend on
them. It prints the median time of a fact, in seconds.
"""

import argparse
import statistics
import time

import torch
from transformers import AutoModelForCausalLM


def blocks_of(model):
    """The model's blocks: its longest list of modules."""
    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList)]
    return max(lists, key=len)


class Restore:
    """While it is active, replaces rows of the blocks' outputs by clean ones.

    cells: list of (row of the batch, layer, token). clean: [layer, token, d_model].
    """

    def __init__(self, blocks, cells, clean):
        self.handles = []
        by_layer = {}
        for row, layer, token in cells:
            by_layer.setdefault(layer, []).append((row, token))
        for layer, places in by_layer.items():
            rows, tokens = (torch.tensor(x, device=clean.device) for x in zip(*places))
            hook = self.hook(rows, tokens, clean[layer])
            self.handles.append(blocks[layer].register_forward_hook(hook))

    @staticmethod
    def hook(rows, tokens, clean):
        def replace(_module, _inputs, output):
            states = output[0] if isinstance(output, tuple) else output
            states[rows, tokens] = clean[tokens].to(states.dtype)
            return output

        return replace

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()


def clean_states(model, blocks, ids):
    """The output of each block, [layer, token, d_model]."""
    states = []

    def keep(_module, _inputs, output):
        states.append((output[0] if isinstance(output, tuple) else output)[0].clone())

    handles = [block.register_forward_hook(keep) for block in blocks]
    logits = model(ids, use_cache=False).logits
    for handle in handles:
        handle.remove()
    return torch.stack(states), logits[0, -1].argmax()


def last_probability(model, ids, answer):
    logits = model(ids, use_cache=False, logits_to_keep=1).logits[:, -1].float()
    return logits.softmax(-1)[:, answer]


def trace_by_cell(model, blocks, clean, corrupt, cells):
    states, answer = clean_states(model, blocks, clean)
    found = []
    for layer, token in cells:
        with Restore(blocks, [(0, layer, token)], states):
            found.append(last_probability(model, corrupt, answer))
    return torch.cat(found)


def trace_in_batch(model, blocks, clean, corrupt, cells):
    states, answer = clean_states(model, blocks, clean)
    rows = [(row, layer, token) for row, (layer, token) in enumerate(cells)]
    with Restore(blocks, rows, states):
        return last_probability(model, corrupt.repeat(len(cells), 1), answer)


def timed(work, device):
    if device == "cuda":
        torch.cuda.synchronize()
    begin = time.perf_counter()
    result = work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="checkpoint folder")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bfloat16"])
    parser.add_argument("--tokens", type=int, default=11, help="tokens of a prompt")
    parser.add_argument("--facts", type=int, default=3, help="facts that are timed")
    parser.add_argument("--skip-cells", action="store_true", help="time only the batch")
    a = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = a.precision == "tf32"
    dtype = torch.bfloat16 if a.precision == "bfloat16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype).to(a.device).eval()
    blocks = blocks_of(model)
    cells = [(layer, token) for layer in range(len(blocks)) for token in range(a.tokens)]
    torch.manual_seed(0)
    times = {"cell by cell": [], "in one batch": []}
    with torch.no_grad():
        for fact in range(a.facts + 1):  # the first one warms up
            clean, corrupt = (
                torch.randint(10, model.config.vocab_size - 10, (1, a.tokens), device=a.device)
                for _ in range(2))
            seconds, batched = timed(
                lambda: trace_in_batch(model, blocks, clean, corrupt, cells), a.device)
            times["in one batch"].append(seconds)
            if a.skip_cells:
                continue
            some = cells if fact > 0 else cells[:4]
            seconds, single = timed(
                lambda: trace_by_cell(model, blocks, clean, corrupt, some), a.device)
            times["cell by cell"].append(seconds)
            torch.testing.assert_close(single, batched[:len(some)], rtol=1e-2, atol=1e-4)
    for name, seconds in times.items():
        if seconds:
            print(f"{name}: {statistics.median(seconds[1:]):.3f} s for {len(cells)} cells")


if __name__ == "__main__":
    main()
