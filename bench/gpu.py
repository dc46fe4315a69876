"""Times traces of large models on a GPU, and what a reduced precision costs.

    python3 bench/gpu.py times --relations FACTS.json FOLDER..
    python3 bench/gpu.py precision [MODEL..]

`times` prints the seconds of one more fact for each model and precision: the difference between
two commands, divided by their difference in facts. The start and loading are left out. Models with
random weights know no facts, so all facts of the file are taken. `precision` traces 500 facts in
each precision. It prints how far p(answer) of a cell differs from float32, and how far a cell's
indirect effect (IE), averaged over facts, does.
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


def trace(program, out, *words):
    """Runs a trace into the folder `out`. Returns its seconds."""
    begin = time.perf_counter()
    subprocess.run([program, "trace", "--device", "cuda", "--quiet", "--out", out, *words],
                   check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def times(args):
    print("| model | precision | s per fact | repeats |\n|---|---|---|---|")
    for model in args.models:
        facts = ["--model", model, "--relations", args.relations, "--all-facts"]
        for precision in args.precisions:
            def run(limit):
                with tempfile.TemporaryDirectory() as out:
                    return trace(args.program, out, *facts, "--precision", precision,
                                 "--limit", str(limit))
            run(1)  # fills the caches of files
            slopes = [(run(args.many) - run(args.few)) / (args.many - args.few)
                      for _ in range(args.repeats)]
            print(f"| {Path(model).name} | {precision} | {statistics.median(slopes):.4f} |",
                  ", ".join(f"{slope:.4f}" for slope in slopes), "|", flush=True)


def cells(folder):
    """p(answer) of each cell of the traced facts of a folder, by their prompts."""
    facts = [json.loads(line) for line in (Path(folder) / "trace.jsonl").read_text().splitlines()]
    return {(*fact["ids"], None, *fact["corrupt_ids"]):
            [p for row in fact["probs"] for p in row if p is not None] for fact in facts}


def precision(args):
    print("| precision | model | facts | p: largest difference | p: mean difference "
          "| averaged IE: largest difference |\n" + "|---" * 6 + "|")
    found = {}
    for model in args.models:
        for kind in PRECISIONS:
            with tempfile.TemporaryDirectory() as out:
                trace(args.program, out, "--model", model, "--counterfact", args.facts,
                      "--limit", str(args.limit), "--precision", kind)
                average = json.loads((Path(out) / "trace.json").read_text())["average"]["ie"]
                found[model, kind] = cells(out), average
    for kind in PRECISIONS[1:]:
        for model in args.models:
            (exact, exact_average), (rounded, average) = found[model, "float32"], found[model, kind]
            both = exact.keys() & rounded.keys()  # each precision tests which facts are known
            p = [abs(a - b) for fact in both
                 for a, b in zip(exact[fact], rounded[fact], strict=True)]
            averages = [abs(a - b) for own, other in zip(exact_average, average)
                        for a, b in zip(own, other) if None not in (a, b)]
            print(f"| {kind} | {model} | {len(both)} | {max(p):.1e} | {statistics.fmean(p):.1e} "
                  f"| {max(averages):.1e} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=HERE / "build/mambascope")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("times")
    one.add_argument("models", nargs="+")
    one.add_argument("--relations", required=True)
    one.add_argument("--precisions", nargs="+", default=PRECISIONS)
    one.add_argument("--few", type=int, default=8)
    one.add_argument("--many", type=int, default=104)
    one.add_argument("--repeats", type=int, default=3)
    one.set_defaults(run=times)
    two = commands.add_parser("precision")
    two.add_argument("models", nargs="*", default=["demo", "demo-mamba2", "demo-neox"])
    two.add_argument("--facts", default=HERE / "data/demo/counterfact.json")
    two.add_argument("--limit", type=int, default=500)
    two.set_defaults(run=precision)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
