"""Times one trace in other tools, to compare with mambascope.

A cell restores the clean residual stream after one layer at one token, and reads p(answer). A tool
computes the cells in two ways: one after another, and all in one batch. The script stops if the two
differ, or if two tools differ.

    python bench/peers.py models/demo-mamba --cells 192
    python bench/peers.py pythia-70m --cells 192 --tools transformers transformer_lens mambascope
    python bench/peers.py mamba-2.8b-folder --device cuda --precision tf32 --facts 5

Needs PyTorch and transformers, and the other tools that are named. MODEL is a checkpoint's folder,
or a shape that is made with random weights. The prompts are random tokens, since the time does not
depend on them. It prints the median time of a fact, in seconds.
"""

import argparse
import statistics
import tempfile
import time

import torch
from transformers import AutoModelForCausalLM, GPTNeoXConfig, MambaConfig

SHAPES = {
    "mamba-130m": MambaConfig(hidden_size=768, num_hidden_layers=24, vocab_size=50280),
    "pythia-70m": GPTNeoXConfig(hidden_size=512, num_hidden_layers=6, num_attention_heads=8,
                                intermediate_size=2048, vocab_size=50304, rotary_pct=0.25),
}


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


class Transformers:
    """Hooks of PyTorch on the modules of transformers."""

    def __init__(self, folder, device, dtype):
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()
        self.blocks = blocks_of(self.model)

    def by_cell(self, clean, corrupt, cells):
        return trace_by_cell(self.model, self.blocks, clean, corrupt, cells)

    def in_batch(self, clean, corrupt, cells):
        return trace_in_batch(self.model, self.blocks, clean, corrupt, cells)


class TransformerLens:
    """Its activation patching, which takes a pass per cell; and its hooks on a batch."""

    def __init__(self, folder, device, dtype):
        from transformer_lens import TransformerBridge

        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()
        self.model = TransformerBridge.boot_transformers(folder, hf_model=model, device=device)

    def clean(self, tokens):
        logits, cache = self.model.run_with_cache(tokens)
        return cache, logits[0, -1].argmax()

    def by_cell(self, clean, corrupt, cells):
        import pandas
        from transformer_lens import patching

        cache, answer = self.clean(clean)
        return patching.generic_activation_patch(
            self.model, corrupt, cache, lambda logits: logits[0, -1].softmax(-1)[answer],
            patching.layer_pos_patch_setter, "resid_post",
            index_df=pandas.DataFrame(cells, columns=["layer", "pos"]))

    def in_batch(self, clean, corrupt, cells):
        cache, answer = self.clean(clean)

        def restore(layer):
            rows = torch.tensor([row for row, cell in enumerate(cells) if cell[0] == layer])
            tokens = torch.tensor([token for own, token in cells if own == layer])

            def hook(states, hook):
                states[rows, tokens] = cache["resid_post", layer][0, tokens]
                return states

            return hook

        hooks = [(f"blocks.{layer}.hook_resid_post", restore(layer))
                 for layer in sorted({layer for layer, _ in cells})]
        logits = self.model.run_with_hooks(corrupt.repeat(len(cells), 1), fwd_hooks=hooks)
        return logits[:, -1].softmax(-1)[:, answer]


class Nnsight:
    """A traced pass per cell; and one pass whose batch has a row for each cell."""

    def __init__(self, folder, device, dtype):
        from nnsight import NNsight

        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()
        self.model = NNsight(model)
        inner = self.model.gpt_neox if hasattr(model, "gpt_neox") else self.model.backbone
        self.blocks = inner.layers

    def clean(self, ids):
        import nnsight

        with torch.no_grad(), self.model.trace(ids, use_cache=False):
            states = nnsight.save([block.output for block in self.blocks])
            logits = self.model.output.logits.save()
        return [state.clone() for state in states], logits[0, -1].argmax()

    def by_cell(self, clean, corrupt, cells):
        states, answer = self.clean(clean)
        found = []
        for layer, token in cells:
            with torch.no_grad(), self.model.trace(corrupt, use_cache=False, logits_to_keep=1):
                self.blocks[layer].output[:, token] = states[layer][:, token]
                p = self.model.output.logits[:, -1].softmax(-1)[:, answer].save()
            found.append(p)
        return torch.cat(found)

    def in_batch(self, clean, corrupt, cells):
        states, answer = self.clean(clean)
        places = {}
        for row, (layer, token) in enumerate(cells):
            places.setdefault(layer, []).append((row, token))
        batch = corrupt.repeat(len(cells), 1)
        with torch.no_grad(), self.model.trace(batch, use_cache=False, logits_to_keep=1):
            for layer, own in sorted(places.items()):
                rows, tokens = map(list, zip(*own))
                self.blocks[layer].output[rows, tokens] = states[layer][0, tokens]
            p = self.model.output.logits[:, -1].softmax(-1)[:, answer].save()
        return p


class Mambascope:
    """One sweep over all cells."""

    def __init__(self, folder, device, dtype):
        import mambascope

        self.ms = mambascope
        precision = ("bfloat16" if dtype == torch.bfloat16 else
                     "tf32" if torch.backends.cuda.matmul.allow_tf32 else "float32")
        self.model = mambascope.Model.load(folder, device=device, precision=precision)

    by_cell = None

    def in_batch(self, clean, corrupt, cells):
        clean, corrupt = clean[0].tolist(), corrupt[0].tolist()
        run = self.ms.run(self.model, clean, keep=["resid"])
        answer = int(torch.as_tensor(run.logits)[-1].argmax())
        states = run.states
        cases = [[self.ms.Set("resid", layer, token, states[f"resid.{layer}"][token])]
                 for layer, token in cells]
        return torch.as_tensor(
            self.ms.sweep(self.model, [corrupt], cases).probabilities(answer)).clone()


TOOLS = {"transformers": Transformers, "transformer_lens": TransformerLens, "nnsight": Nnsight,
         "mambascope": Mambascope}


def timed(work, device):
    if device == "cuda":
        torch.cuda.synchronize()
    begin = time.perf_counter()
    result = work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin, result


def prompts(vocab, tokens, device, count):
    """The same pairs of prompts for every tool."""
    torch.manual_seed(0)
    return [[torch.randint(10, vocab - 10, (1, tokens), device=device) for _ in range(2)]
            for _ in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help=f"checkpoint folder, or a shape: {', '.join(SHAPES)}")
    parser.add_argument("--tools", nargs="+", default=["transformers"], choices=TOOLS)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bfloat16"])
    parser.add_argument("--tokens", type=int, default=11, help="tokens of a prompt")
    parser.add_argument("--cells", type=int, help="about how many cells; instead of --tokens")
    parser.add_argument("--facts", type=int, default=3, help="facts that are timed")
    parser.add_argument("--skip-cells", action="store_true", help="time only the batch")
    a = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = a.precision == "tf32"
    dtype = torch.bfloat16 if a.precision == "bfloat16" else torch.float32
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        if a.model in SHAPES:
            torch.manual_seed(1)
            AutoModelForCausalLM.from_config(SHAPES[a.model]).save_pretrained(folder)
            a.model = folder
        plain = AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype)
        layers, vocab = len(blocks_of(plain)), plain.config.vocab_size
        tokens = a.cells // layers if a.cells else a.tokens
        cells = [(layer, token) for layer in range(layers) for token in range(tokens)]
        facts = prompts(vocab, tokens, a.device, a.facts + 1)  # the first one warms up
        expected = {}
        for name in a.tools:
            tool = TOOLS[name](a.model, a.device, dtype)
            times = {"cell by cell": [], "in one batch": []}
            for fact, (clean, corrupt) in enumerate(facts):
                seconds, found = timed(lambda: tool.in_batch(clean, corrupt, cells), a.device)
                times["in one batch"].append(seconds)
                torch.testing.assert_close(found, expected.setdefault(fact, found), rtol=1e-2,
                                           atol=1e-4)
                if a.skip_cells or tool.by_cell is None:
                    continue
                some = cells if fact > 0 else cells[:4]
                seconds, single = timed(lambda: tool.by_cell(clean, corrupt, some), a.device)
                times["cell by cell"].append(seconds)
                torch.testing.assert_close(single, found[:len(some)], rtol=1e-2, atol=1e-4)
            for way, seconds in times.items():
                if seconds:
                    print(f"{name}, {way}: {statistics.median(seconds[1:]):.4f} s for "
                          f"{len(cells)} cells", flush=True)


if __name__ == "__main__":
    main()
