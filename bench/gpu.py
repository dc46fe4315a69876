"""Times traces and edits of large models on a GPU, and what a reduced precision costs.

    python3 bench/gpu.py times --relations FACTS.json FOLDER..
    python3 bench/gpu.py edit --layer 32 FOLDER..
    python3 bench/gpu.py precision [MODEL..]

`times` prints the seconds of one more fact for each model and precision: the difference between
two commands, divided by their difference in facts. The start and loading are left out. Models with
random weights know no facts, so all facts of the file are taken. `edit` prints the seconds of an
edit (search and solution) and of its whole command, with second moments that an edit before it has
collected. `precision` traces 500 facts in each precision. It prints how far p(answer) and the
indirect effect (IE) of a cell differ from float32, and how far the mean IE over facts does.
Needs Python 3 alone, and a program that was built for a GPU.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PRECISIONS = ["float32", "tf32", "bfloat16"]
FACTS = HERE / "data/demo/counterfact.json"
GUARD = 0.01  # of p_clean - p_corrupt; averages leave out the facts below it


def run(args, command, out, *words):
    """Runs a command into the folder `out`. Returns its seconds."""
    begin = time.perf_counter()
    subprocess.run([args.program, command, "--device", args.device, "--quiet", "--out", out,
                    *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def times(args):
    print("| model | precision | s per fact | repeats |\n|---|---|---|---|")
    for model in args.models:
        facts = ["--model", model, "--relations", args.relations, "--all-facts"]
        for precision in args.precisions:
            def trace(limit):
                with tempfile.TemporaryDirectory() as out:
                    return run(args, "trace", out, *facts, "--precision", precision,
                               "--limit", str(limit))
            trace(1)  # fills the caches of files
            slopes = [(trace(args.many) - trace(args.few)) / (args.many - args.few)
                      for _ in range(args.repeats)]
            print(f"| {Path(model).name} | {precision} | {statistics.median(slopes):.4f} |",
                  ", ".join(f"{slope:.4f}" for slope in slopes), "|", flush=True)


def edit(args):
    print("| model | edit, s | whole command, s |\n|---|---|---|")
    for model in args.models:
        edits, commands = [], []
        for _ in range(args.repeats + 1):  # the first one collects the second moments
            with tempfile.TemporaryDirectory() as out:
                commands.append(run(args, "edit", out, "--model", model, "--counterfact", FACTS,
                                    "--limit", "1", "--layers", args.layer))
                record = json.loads((Path(out) / "edit.jsonl").read_text())
                edits += [one["seconds"] for one in record["edits"]]
        print(f"| {Path(model).name} | {statistics.median(edits[1:]):.3f} "
              f"| {statistics.median(commands[1:]):.2f} |", flush=True)


def cells(folder):
    """The traced facts of a folder by their prompts: (p(answer) of the cells, p_corrupt, p_clean -
    p_corrupt)."""
    facts = [json.loads(line) for line in (Path(folder) / "trace.jsonl").read_text().splitlines()]
    return {(*fact["ids"], None, *fact["corrupt_ids"]):
            ([p for row in fact["probs"] for p in row if p is not None], fact["p_corrupt"],
             fact["p_clean"] - fact["p_corrupt"]) for fact in facts}


def differences(exact, rounded):
    """The differences of p and of IE in the cells of a fact."""
    p = [abs(a - b) for a, b in zip(exact[0], rounded[0], strict=True)]
    if min(exact[2], rounded[2]) < GUARD:
        return p, []
    effects = [[(value - corrupt) / scale for value in values]
               for values, corrupt, scale in (exact, rounded)]
    return p, [abs(a - b) for a, b in zip(*effects)]


def precision(args):
    print("| precision | model | facts | p: largest difference | p: mean difference "
          "| IE: largest difference | IE: mean difference | mean IE: largest difference |\n"
          + "|---" * 8 + "|")
    found = {}
    for model in args.models:
        for kind in args.precisions:
            with tempfile.TemporaryDirectory() as out:
                run(args, "trace", out, "--model", model, "--counterfact", FACTS,
                    "--limit", str(args.limit), "--precision", kind)
                average = json.loads((Path(out) / "trace.json").read_text())["average"]["ie"]
                found[model, kind] = cells(out), average
    for kind in args.precisions[1:]:
        for model in args.models:
            (exact, exact_average), (rounded, average) = found[model, "float32"], found[model, kind]
            both = exact.keys() & rounded.keys()  # each precision tests which facts are known
            by_fact = [differences(exact[fact], rounded[fact]) for fact in both]
            p, effects = (sum(parts, []) for parts in zip(*by_fact))
            averages = [abs(a - b) for own, other in zip(exact_average, average)
                        for a, b in zip(own, other) if None not in (a, b)]
            print(f"| {kind} | {model} | {len(both)} | {max(p):.1e} | {statistics.fmean(p):.1e} "
                  f"| {max(effects):.1e} | {statistics.fmean(effects):.1e} "
                  f"| {max(averages):.1e} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=HERE / "build/mambascope")
    parser.add_argument("--device", default="cuda", choices=["cpu", "cuda"])
    parser.add_argument("--precisions", type=lambda text: text.split(","), default=PRECISIONS,
                        help="as float32,tf32; float32 comes first")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("times")
    one.add_argument("models", nargs="+")
    one.add_argument("--relations", required=True)
    one.add_argument("--few", type=int, default=8)
    one.add_argument("--many", type=int, default=104)
    one.add_argument("--repeats", type=int, default=3)
    one.set_defaults(run=times)
    two = commands.add_parser("precision")
    two.add_argument("models", nargs="*", default=["demo", "demo-mamba2", "demo-neox"])
    two.add_argument("--limit", type=int, default=500)
    two.set_defaults(run=precision)
    three = commands.add_parser("edit")
    three.add_argument("models", nargs="+")
    three.add_argument("--repeats", type=int, default=3)
    three.add_argument("--layer", default="32")
    three.set_defaults(run=edit)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
