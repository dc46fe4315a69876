"""The methods. Each has the options, the defaults and the result of a command: rome, memit and
evaluate those of `edit`, and the others those of the command with their name.

This file is written by `./dev docs`, from the options that the commands declare.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Union

from ._call import run_command
from .facts import Facts
from .result import Result

if TYPE_CHECKING:
    from .model import Model

Text = Union[str, PathLike]  # a text, or the path of a file
Texts = Union[str, PathLike, Sequence[Union[str, PathLike]]]
Numbers = Union[int, str, Sequence[int]]

# By function: for each argument the option, how a list is written ("commas": in one word,
# "repeated": a word for each; None: it is no list), and the default. That of a flag is False.
_OPTIONS: dict[str, dict[str, tuple]] = {}


_OPTIONS["predict"] = {
    "prompt": ("--prompt", None, None),
    "ids": ("--ids", "commas", None),
    "edit": ("--edit", None, None),
    "restore": ("--restore", None, None),
    "subject": ("--subject", None, None),
    "window": ("--window", None, None),
    "corrupt_subject": ("--corrupt-subject", None, None),
    "noise": ("--noise", None, None),
    "samples": ("--samples", None, None),
    "top": ("--top", None, 5),
    "seed": ("--seed", None, None),
}


def predict(
    model: Model,
    *,
    prompt: Text | None = None,
    ids: Numbers | None = None,
    edit: Text | None = None,
    restore: Text | None = None,
    subject: Text | None = None,
    window: int | None = None,
    corrupt_subject: Text | None = None,
    noise: float | None = None,
    samples: int | None = None,
    top: int = 5,
    seed: int | None = None,
    progress: bool = True,
) -> Result:
    """Show the most probable next tokens.

    Args:
        prompt: Text of the prompt.
        ids: Token ids of the prompt instead of its text, as 5,17,3. Default: those of prompt.
        edit: An edit's file, edit.safetensors. The edited model then predicts. Default: no
            edit.
        restore: Cell of a trace, as SITE:LAYER:TOKEN, such as resid:5:3. The command then also
            shows the corrupted run and the cell's patched run. Layers and tokens count from 0.
        subject: Subject. The prompt contains it, or {} in its place.
        window: Number of layers restored together; from 1 to 1000000. Default: the default of
            trace.
        corrupt_subject: Another subject, which makes the corrupted prompt of one fact.
        noise: Corrupt the subject by Gaussian noise on its tokens' embeddings. The number is
            the noise level in standard deviations of the embeddings (published: 3); from 1e-06
            to 1000000.0. Default: no noise.
        samples: Number of draws of the noise; from 1 to 1000. Default: 10.
        top: Number of tokens to list; from 1 to 1000000.
        seed: Seed of every random choice; from 0. Default: 0.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/predict.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("predict", locals(), _OPTIONS["predict"])


_OPTIONS["generate"] = {
    "prompt": ("--prompt", None, None),
    "ids": ("--ids", "commas", None),
    "tokens": ("--tokens", None, 20),
    "top_k": ("--top-k", None, None),
    "seed": ("--seed", None, None),
}


def generate(
    model: Model,
    *,
    prompt: Text | None = None,
    ids: Numbers | None = None,
    tokens: int = 20,
    top_k: int | None = None,
    seed: int | None = None,
    progress: bool = True,
) -> Result:
    """Continue a prompt.

    Args:
        prompt: Text of the prompt.
        ids: Token ids of the prompt instead of its text, as 5,17,3. Default: those of prompt.
        tokens: Number of tokens to add; from 1 to 1000000.
        top_k: Draw each token from this number of most probable ones (see seed); from 1 to
            1000000. Default: the most probable token.
        seed: Seed of every random choice; from 0. Default: 0.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/generate.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("generate", locals(), _OPTIONS["generate"])


_OPTIONS["trace"] = {
    "relations": ("--relations", "repeated", None),
    "counterfact": ("--counterfact", "repeated", None),
    "limit": ("--limit", None, None),
    "all_facts": ("--all-facts", None, False),
    "prompt": ("--prompt", None, None),
    "subject": ("--subject", None, None),
    "answer": ("--answer", None, None),
    "memory": ("--memory", None, None),
    "out": (),
    "force": ("--force", None, False),
    "corrupt_subject": ("--corrupt-subject", None, None),
    "noise": ("--noise", None, None),
    "samples": ("--samples", None, None),
    "metric": ("--metric", None, "p"),
    "other_answer": ("--other-answer", None, None),
    "isolate": ("--isolate", None, False),
    "site": ("--site", "commas", ("resid",)),
    "window": ("--window", None, None),
    "tokens": ("--tokens", "commas", None),
    "seed": ("--seed", None, None),
    "check": ("--check", None, False),
}


def trace(
    model: Model,
    *,
    facts: Facts | None = None,
    relations: Texts | None = None,
    counterfact: Texts | None = None,
    limit: int | None = None,
    all_facts: bool = False,
    prompt: Text | None = None,
    subject: Text | None = None,
    answer: Text | None = None,
    memory: int | str | None = None,
    force: bool = False,
    corrupt_subject: Text | None = None,
    noise: float | None = None,
    samples: int | None = None,
    metric: Text = "p",
    other_answer: Text | None = None,
    isolate: bool = False,
    site: Texts = ("resid",),
    window: int | None = None,
    tokens: Numbers | None = None,
    seed: int | None = None,
    check: bool = False,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Trace facts: which states bring the answer back (causal tracing).

    Args:
        facts: Facts to run on (load_relations, load_counterfact).
        relations: RELATIONS file, or folder of such files.
        counterfact: File of facts: CounterFact, a variant of it, known facts, EasyEdit,
            KnowEdit or zsRE (docs/data.md).
        limit: Maximum number of known facts, in an order shuffled by seed; from 1 to
            1000000000. Default: all.
        all_facts: Also take facts that the model does not know.
        prompt: Prompt of one fact, with {} for the subject, as "{} is located in".
        subject: Subject of one fact.
        answer: Answer of one fact; p(answer) is that of its first token. Default: the clean
            prompt's most probable token.
        memory: Maximum memory that a sweep may use beside the weights, as 4G; from 1. Default:
            a quarter of the machine's memory; 80 % of what is free on a GPU.
        force: Overwrite the results of another run.
        corrupt_subject: Another subject, which makes the corrupted prompt of one fact.
        noise: Corrupt the subject by Gaussian noise on its tokens' embeddings. The number is
            the noise level in standard deviations of the embeddings (published: 3); from 1e-06
            to 1000000.0. Default: no noise.
        samples: Number of draws of the noise; from 1 to 1000. Default: 10.
        metric: What figures and averages show: p(answer), or the logit difference between the
            answer and the other answer. Both are recorded; p, logit_diff.
        other_answer: One fact: the other answer of logit differences, of which the first token
            is followed. Default: the most probable token after the prompt with another subject;
            none with noise.
        isolate: Measure what the output projection adds: the effect of mixer_out minus the
            effects of ssm_out and gate.
        site: Site whose states are restored. Each of several sites, as resid,ssm_out, is
            traced.
        window: Number of layers restored together; from 1 to 1000000. Default: 1 for resid; for
            others the published 10 of 64 layers, scaled to the model.
        tokens: Tokens of the clean prompt whose states are restored: sets as in knockout, and
            tokens counted from 0, as subject,last or 0-40,55. Default: all tokens.
        seed: Seed of every random choice; from 0. Default: 0.
        check: Compute some cells again, each by a full forward pass, and print the largest
            difference.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/trace.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("trace", locals(), _OPTIONS["trace"])


_OPTIONS["paths"] = {
    "relations": ("--relations", "repeated", None),
    "counterfact": ("--counterfact", "repeated", None),
    "limit": ("--limit", None, None),
    "all_facts": ("--all-facts", None, False),
    "prompt": ("--prompt", None, None),
    "subject": ("--subject", None, None),
    "answer": ("--answer", None, None),
    "memory": ("--memory", None, None),
    "out": (),
    "force": ("--force", None, False),
    "corrupt_subject": ("--corrupt-subject", None, None),
    "noise": ("--noise", None, None),
    "samples": ("--samples", None, None),
    "metric": ("--metric", None, "p"),
    "other_answer": ("--other-answer", None, None),
    "at": ("--at", "commas", ("subject_last",)),
    "seed": ("--seed", None, None),
    "check": ("--check", None, False),
}


def paths(
    model: Model,
    *,
    facts: Facts | None = None,
    relations: Texts | None = None,
    counterfact: Texts | None = None,
    limit: int | None = None,
    all_facts: bool = False,
    prompt: Text | None = None,
    subject: Text | None = None,
    answer: Text | None = None,
    memory: int | str | None = None,
    force: bool = False,
    corrupt_subject: Text | None = None,
    noise: float | None = None,
    samples: int | None = None,
    metric: Text = "p",
    other_answer: Text | None = None,
    at: Texts = ("subject_last",),
    seed: int | None = None,
    check: bool = False,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Find the part of the mixer through which facts flow (path-specific effects).

    Args:
        facts: Facts to run on (load_relations, load_counterfact).
        relations: RELATIONS file, or folder of such files.
        counterfact: File of facts: CounterFact, a variant of it, known facts, EasyEdit,
            KnowEdit or zsRE (docs/data.md).
        limit: Maximum number of known facts, in an order shuffled by seed; from 1 to
            1000000000. Default: all.
        all_facts: Also take facts that the model does not know.
        prompt: Prompt of one fact, with {} for the subject, as "{} is located in".
        subject: Subject of one fact.
        answer: Answer of one fact; p(answer) is that of its first token. Default: the clean
            prompt's most probable token.
        memory: Maximum memory that a sweep may use beside the weights, as 4G; from 1. Default:
            a quarter of the machine's memory; 80 % of what is free on a GPU.
        force: Overwrite the results of another run.
        corrupt_subject: Another subject, which makes the corrupted prompt of one fact.
        noise: Corrupt the subject by Gaussian noise on its tokens' embeddings. The number is
            the noise level in standard deviations of the embeddings (published: 3); from 1e-06
            to 1000000.0. Default: no noise.
        samples: Number of draws of the noise; from 1 to 1000. Default: 10.
        metric: What figures and averages show: p(answer), or the logit difference between the
            answer and the other answer. Both are recorded; p, logit_diff.
        other_answer: One fact: the other answer of logit differences, of which the first token
            is followed. Default: the most probable token after the prompt with another subject;
            none with noise.
        at: Token whose residual stream is restored. Each of several tokens, as
            subject_last,prompt_last, is restored alone; subject_last, prompt_last.
        seed: Seed of every random choice; from 0. Default: 0.
        check: Compute some cells again, each by a full forward pass, and print the largest
            difference.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/paths.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("paths", locals(), _OPTIONS["paths"])


_OPTIONS["knockout"] = {
    "relations": ("--relations", "repeated", None),
    "counterfact": ("--counterfact", "repeated", None),
    "limit": ("--limit", None, None),
    "all_facts": ("--all-facts", None, False),
    "prompt": ("--prompt", None, None),
    "subject": ("--subject", None, None),
    "answer": ("--answer", None, None),
    "memory": ("--memory", None, None),
    "out": (),
    "force": ("--force", None, False),
    "from_": ("--from", "repeated", None),
    "to": ("--to", "repeated", None),
    "mode": ("--mode", None, "cut"),
    "window": ("--window", "commas", None),
    "channels": ("--channels", "commas", None),
    "rank": ("--rank", None, None),
    "heads": ("--heads", "commas", None),
    "mixers": ("--mixers", "commas", None),
    "heatmap": ("--heatmap", None, False),
    "decompose": ("--decompose", None, False),
    "compat": ("--compat", None, "none"),
    "restore": ("--restore", None, None),
    "text": ("--text", "repeated", None),
    "limit_documents": ("--limit-documents", None, None),
    "max_tokens": ("--max-tokens", None, None),
    "seed": ("--seed", None, None),
    "check": ("--check", None, False),
}


def knockout(
    model: Model,
    *,
    facts: Facts | None = None,
    relations: Texts | None = None,
    counterfact: Texts | None = None,
    limit: int | None = None,
    all_facts: bool = False,
    prompt: Text | None = None,
    subject: Text | None = None,
    answer: Text | None = None,
    memory: int | str | None = None,
    force: bool = False,
    from_: Texts | None = None,
    to: Texts | None = None,
    mode: Text = "cut",
    window: Numbers | None = None,
    channels: Texts | None = None,
    rank: Text | None = None,
    heads: Numbers | None = None,
    mixers: Texts | None = None,
    heatmap: bool = False,
    decompose: bool = False,
    compat: Text = "none",
    restore: Text | None = None,
    text: Texts | None = None,
    limit_documents: int | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    check: bool = False,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Cut the flow between tokens, and see whether the answer is lost (knockout).

    Args:
        facts: Facts to run on (load_relations, load_counterfact).
        relations: RELATIONS file, or folder of such files.
        counterfact: File of facts: CounterFact, a variant of it, known facts, EasyEdit,
            KnowEdit or zsRE (docs/data.md).
        limit: Maximum number of known facts, in an order shuffled by seed; from 1 to
            1000000000. Default: all.
        all_facts: Also take facts that the model does not know.
        prompt: Prompt of one fact, with {} for the subject, as "{} is located in".
        subject: Subject of one fact.
        answer: Answer of one fact; p(answer) is that of its first token. Default: the clean
            prompt's most probable token.
        memory: Maximum memory that a sweep may use beside the weights, as 4G; from 1. Default:
            a quarter of the machine's memory; 80 % of what is free on a GPU.
        force: Overwrite the results of another run.
        from_: Sets of source tokens, as subject,last. A set is one of first, last, all,
            subject, subject_first, subject_last, context, relation, relation_minus_last,
            non_subject, or lists tokens counted from 0, as 0,3-5. Default:
            subject,relation,first,last.
        to: Sets of target tokens, named as in from. Each pair of sets gives a curve. Default:
            last.
        mode: What is cut. cut: the recurrence or attention carries nothing from the sources to
            the targets. cut-conv: the convolution carries nothing either. mean: the sources'
            conv_in is replaced by the layer's mean; cut, cut-conv, mean.
        window: Number of layers cut together. Each of several numbers, as 1,3,9, gives a curve;
            from 1 to 1000000. Default: the published 9 of 64 layers, scaled to the model; with
            compat knockout 9.
        channels: Groups of a Mamba's channels to cut; each gives a curve. A group is all, one
            of the thirds fast, mid and slow (by how fast channels forget), or a sum as
            mid+slow. compat knockout also knows fast_decay, which cuts mid+slow, and
            slow_decay, which cuts fast+mid: the published names are those of the third that is
            left. Default: all.
        rank: Measure of how fast a channel forgets. decay: its decay at a step size of 1. step:
            its decay at its mean step size over text; decay, step. Default: decay.
        heads: Attention heads to cut, as 0-3. Default: all.
        mixers: Kinds of mixers to cut, each alone: mamba, attention, or all together. Each of
            several kinds gives a curve, as mamba,attention,all for a hybrid; mamba, attention,
            all. Default: all.
        heatmap: Also cut each token alone from the last token, for a map of p(answer) by token
            and window.
        decompose: Also split the answer's logit into what each source token carries to the last
            token in each layer.
        compat: Follow a public implementation. transformers: as for the other commands.
            knockout (with mode cut): windows of 9 layers; inside them Llama, Mistral and Qwen
            also read later tokens, and a token of GPT-2 with nothing left to read reads all
            tokens equally. romba (with mode mean): windows around each layer, 10 of 64 layers
            long, and the sets subject, subject_last, non_subject and last; none, transformers,
            knockout, romba.
        restore: With mode mean, what happens to conv_in of the other tokens before the last,
            inside the window. others: it is held at the base run's value. none: it may change;
            others, none. Default: others.
        text: Documents for mean states and step sizes: one per line (.txt), or in the field
            'text' of each line (.jsonl). Default: the bundled sentences.
        limit_documents: Maximum number of documents of text; from 1 to 1000000000. Default:
            128.
        max_tokens: Maximum number of tokens of a document; from 1 to 1000000. Default: 128.
        seed: Seed of every random choice; from 0. Default: 0.
        check: Compute some cells again, each by a full forward pass, and print the largest
            difference.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/knockout.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("knockout", locals(), _OPTIONS["knockout"])


_OPTIONS["attention"] = {
    "prompt": ("--prompt", None, None),
    "ids": ("--ids", "commas", None),
    "layer": ("--layers", "commas", None),
    "layers": ("--layers", "commas", None),
    "channel": ("--head", None, None),
    "head": ("--head", None, None),
    "max_tokens": ("--max-tokens", None, 1000),
    "out": (),
    "force": ("--force", None, False),
    "seed": ("--seed", None, None),
}


def attention(
    model: Model,
    *,
    prompt: Text | None = None,
    ids: Numbers | None = None,
    layer: Numbers | None = None,
    layers: Numbers | None = None,
    channel: int | None = None,
    head: int | None = None,
    max_tokens: int = 1000,
    force: bool = False,
    seed: int | None = None,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Show which token reads which inside a mixer (attention, hidden attention).

    Args:
        prompt: Text of the prompt.
        ids: Token ids of the prompt instead of its text, as 5,17,3. Default: those of prompt.
        layer, layers: Layers, as 3, 0-15, 2,4,6 or all.
        channel, head: Channel (Mamba-1) or head, counted from 0, whose own matrix is written,
            too; from 0. Default: only means over all.
        max_tokens: Longest prompt. Matrices grow with its square: 1,000 tokens make a file of
            about 60 MB for each mixer; from 1 to 1000000.
        force: Overwrite the results of another run.
        seed: Seed of every random choice; from 0. Default: 0.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/attention.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("attention", locals(), _OPTIONS["attention"])


_OPTIONS["lre"] = {
    "relations": ("--relations", "repeated", None),
    "layers": ("--layers", "commas", "all"),
    "samples": ("--samples", None, 5),
    "trials": ("--trials", None, 3),
    "betas": ("--betas", "commas", None),
    "ranks": ("--ranks", "commas", None),
    "limit": ("--limit", None, None),
    "prefix": ("--prefix", None, None),
    "compat": ("--compat", None, "none"),
    "save": ("--save", "repeated", None),
    "memory": ("--memory", None, None),
    "out": (),
    "force": ("--force", None, False),
    "apply": ("--apply", None, None),
    "subject": ("--subject", None, None),
    "prompt": ("--prompt", None, None),
    "top": ("--top", None, 5),
    "seed": ("--seed", None, None),
    "check": ("--check", None, False),
}


def lre(
    model: Model,
    *,
    facts: Facts | None = None,
    relations: Texts | None = None,
    layers: Numbers = "all",
    samples: int = 5,
    trials: int = 3,
    betas: Numbers | None = None,
    ranks: Numbers | None = None,
    limit: int | None = None,
    prefix: Text | None = None,
    compat: Text = "none",
    save: Texts | None = None,
    memory: int | str | None = None,
    force: bool = False,
    apply: Text | None = None,
    subject: Text | None = None,
    prompt: Text | None = None,
    top: int = 5,
    seed: int | None = None,
    check: bool = False,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Measure how linear relations are (linear relational embeddings).

    Args:
        facts: Facts to run on (load_relations, load_counterfact).
        relations: RELATIONS file, or folder of such files.
        layers: Layers, as 3, 0-15, embed,2-4 or all; embed is the token embedding.
        samples: Number of samples from which an operator is made; from 2 to 1000.
        trials: Number of random splits of each relation; from 1 to 1000.
        betas: Values of beta to try, as 1,2.5; from 0.0 to 1000000.0. Default: 0 to 5 in steps
            of 0.25.
        ranks: Ranks of the inverse to try, as 0,8,16; from 0 to 1000000. Default: 0 to 312 in
            steps of 8.
        limit: Maximum number of test samples of a trial, drawn from the known ones; more than
            samples; from 1 to 1000000000. Default: all.
        prefix: Text at the beginning of every prompt. Default: none where the checkpoint has a
            contexts.json; else <|endoftext|> where the tokenizer has it and adds no BOS.
        compat: Follow a public implementation. relations: layer, beta and rank are chosen on
            the test samples, limit takes the first of these by subject, subjects of examples
            are tested too, the seed is 123456, and <|endoftext|> comes first even where the
            checkpoint has a contexts.json. transformers: as for the other commands; none,
            transformers, relations.
        save: Relations whose operators are saved in OUT/lre, or all. Default: none.
        memory: Maximum memory that a pass, without the Jacobians, may use beside the weights,
            as 4G; from 1. Default: a quarter of the machine's memory; 80 % of what is free on a
            GPU.
        force: Overwrite the results of another run.
        apply: File of an operator that save wrote; it is asked for the object of subject.
        subject: With apply: the subject. The prompt begins with the samples from which the
            operator was made.
        prompt: With apply: a prompt of your own without examples, with {} for the subject.
        top: With apply: number of tokens to list; from 1 to 1000000.
        seed: Seed of every random choice; from 0. Default: 0.
        check: Compute some cells again, each by a full forward pass, and print the largest
            difference.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/lre.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("lre", locals(), _OPTIONS["lre"])


_OPTIONS["moments"] = {
    "text": ("--text", "repeated", None),
    "layers": ("--layers", "commas", "all"),
    "projections": ("--projections", "commas", ("all",)),
    "ridge": ("--ridge", None, 0.0),
    "limit_documents": ("--limit-documents", None, None),
    "max_tokens": ("--max-tokens", None, 2048),
    "out": (),
    "force": ("--force", None, False),
    "seed": ("--seed", None, None),
}


def moments(
    model: Model,
    *,
    text: Texts | None = None,
    layers: Numbers = "all",
    projections: Texts = ("all",),
    ridge: float = 0.0,
    limit_documents: int | None = None,
    max_tokens: int = 2048,
    force: bool = False,
    seed: int | None = None,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Collect second moments of projections' inputs, which edits need.

    Args:
        text: Documents: one per line (.txt), or in the field 'text' of each line (.jsonl).
            Default: the bundled sentences.
        layers: Layers, as 3, 0-15, 2,4,6 or all.
        projections: Projections whose inputs are measured, as W_a,W_o, or all.
        ridge: Ridge for the convergence measure only: this share of the mean diagonal of the
            second moments C is added to C. Files hold C without it; from 0.0 to 1000000.0.
        limit_documents: Maximum number of documents; the first ones are taken; from 2 to
            1000000000. Default: all.
        max_tokens: Maximum number of tokens of a document; from 1 to 1000000.
        force: Overwrite the results of another run.
        seed: Seed of every random choice; from 0. Default: 0.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/moments.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("moments", locals(), _OPTIONS["moments"])


_OPTIONS["rome"] = {
    "prompt": ("--prompt", None, None),
    "subject": ("--subject", None, None),
    "target": ("--target", None, None),
    "relations": ("--relations", "repeated", None),
    "check_prompts": ("--check-prompts", "repeated", None),
    "layer": ("--layers", "commas", None),
    "layers": ("--layers", "commas", None),
    "projection": ("--projections", "commas", None),
    "projections": ("--projections", "commas", None),
    "contexts": ("--contexts", None, None),
    "moments": ("--moments", None, None),
    "text": ("--text", "repeated", None),
    "max_tokens": ("--max-tokens", None, 2048),
    "cache": ("--cache", None, None),
    "ridge": ("--ridge", None, None),
    "division": ("--division", None, "bare"),
    "steps": ("--steps", None, None),
    "learning_rate": ("--learning-rate", None, 0.5),
    "decay": ("--decay", None, 0.5),
    "kl": ("--kl", None, 0.0625),
    "clamp": ("--clamp", None, None),
    "memory": ("--memory", None, None),
    "out": (),
    "force": ("--force", None, False),
    "seed": ("--seed", None, None),
}


def rome(
    model: Model,
    *,
    prompt: Text | None = None,
    subject: Text | None = None,
    target: Text | None = None,
    relations: Texts | None = None,
    check_prompts: Texts | None = None,
    layer: Numbers | None = None,
    layers: Numbers | None = None,
    projection: Texts | None = None,
    projections: Texts | None = None,
    contexts: Text | None = None,
    moments: Text | None = None,
    text: Texts | None = None,
    max_tokens: int = 2048,
    cache: Text | None = None,
    ridge: float | None = None,
    division: Text = "bare",
    steps: int | None = None,
    learning_rate: float = 0.5,
    decay: float = 0.5,
    kl: float = 0.0625,
    clamp: float | None = None,
    memory: int | str | None = None,
    force: bool = False,
    seed: int | None = None,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Rewrite one fact by ROME: a change of rank one of one weight.

    Args:
        prompt: Prompt of one edit, with {} for the subject, as "{} is located in".
        subject: Subject of one edit.
        target: New object of one edit.
        relations: RELATIONS file, or folder of such files. The page then shows what one edit
            does to other templates and subjects of the relation. Default: for bundled models:
            the bundled relations.
        check_prompts: Prompt to show before and after one edit, with {} for the subject, or a
            .txt file with one prompt per line.
        layer, layers: Layers to edit, as 3, 0-15, 2,4,6 or all. Default: all, for facts that
            are edited alone; else about the depth of published edits: one layer, with memit 5.
        projection, projections: Projections to edit, as W_a,W_o, or all. Default: W_o; W_down
            of transformers.
        contexts: Texts that stand before the prompts. FILE: a JSON list. rome, memit: the model
            generates them by that method's plan. Default: the checkpoint's contexts.json, else
            the method's plan.
        moments: Second moments of the projections' inputs: a folder that `mambascope moments`
            wrote, or published files. Default: those of text, kept in cache.
        text: Text for second moments and perplexity. Default: the bundled sentences.
        max_tokens: Maximum number of tokens of a document of text; from 1 to 1000000.
        cache: Folder that keeps collected second moments for later edits. Default:
            ~/.cache/mambascope/moments.
        ridge: Ridge: this share of the mean diagonal of the second moments is added to them;
            from 0.0 to 1000000.0. Default: 0; 0.001 if they have no inverse.
        division: Key in the denominator of ROME's update. bare: of the bare prompt, as
            published. mean: the mean over contexts; bare, mean.
        steps: Maximum number of steps of the value search; from 1 to 10000. Default: 20; with
            memit 25.
        learning_rate: Learning rate of the value search; from 1e-06 to 1000.0.
        decay: Weight of |delta| / |v0|^2 in the loss; from 0.0 to 1000000.0.
        kl: Weight of the KL divergence in the loss. It keeps the next-token distribution at the
            subject's last token in "SUBJECT is a"; from 0.0 to 1000000.0.
        clamp: Largest |delta|, in multiples of |v0|; from 1e-06 to 1000000.0. Default: 3; with
            memit 0.75.
        memory: Maximum memory that searches done together may use beside the weights, as 4G;
            from 1. Default: a quarter of the machine's memory; 80 % of what is free on a GPU.
        force: Overwrite the results of another run.
        seed: Seed of every random choice; from 0. Default: 0.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/edit.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("edit", locals(), _OPTIONS["rome"])


_OPTIONS["memit"] = {
    "method": ("--method", None, None),
    "prompt": ("--prompt", None, None),
    "subject": ("--subject", None, None),
    "target": ("--target", None, None),
    "relations": ("--relations", "repeated", None),
    "check_prompts": ("--check-prompts", "repeated", None),
    "counterfact": ("--counterfact", "repeated", None),
    "zsre": ("--zsre", "repeated", None),
    "limit": ("--limit", None, None),
    "all_facts": ("--all-facts", None, False),
    "layer": ("--layers", "commas", None),
    "layers": ("--layers", "commas", None),
    "projection": ("--projections", "commas", None),
    "projections": ("--projections", "commas", None),
    "contexts": ("--contexts", None, None),
    "moments": ("--moments", None, None),
    "text": ("--text", "repeated", None),
    "max_tokens": ("--max-tokens", None, 2048),
    "cache": ("--cache", None, None),
    "ridge": ("--ridge", None, None),
    "edits": ("--edits", "commas", None),
    "lambda_": ("--lambda", None, None),
    "steps": ("--steps", None, None),
    "learning_rate": ("--learning-rate", None, 0.5),
    "decay": ("--decay", None, 0.5),
    "kl": ("--kl", None, 0.0625),
    "clamp": ("--clamp", None, None),
    "memory": ("--memory", None, None),
    "out": (),
    "force": ("--force", None, False),
    "seed": ("--seed", None, None),
}


def memit(
    model: Model,
    *,
    facts: Facts | None = None,
    prompt: Text | None = None,
    subject: Text | None = None,
    target: Text | None = None,
    relations: Texts | None = None,
    check_prompts: Texts | None = None,
    counterfact: Texts | None = None,
    zsre: Texts | None = None,
    limit: int | None = None,
    all_facts: bool = False,
    layer: Numbers | None = None,
    layers: Numbers | None = None,
    projection: Texts | None = None,
    projections: Texts | None = None,
    contexts: Text | None = None,
    moments: Text | None = None,
    text: Texts | None = None,
    max_tokens: int = 2048,
    cache: Text | None = None,
    ridge: float | None = None,
    edits: Numbers | None = None,
    lambda_: float | None = None,
    steps: int | None = None,
    learning_rate: float = 0.5,
    decay: float = 0.5,
    kl: float = 0.0625,
    clamp: float | None = None,
    memory: int | str | None = None,
    force: bool = False,
    seed: int | None = None,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Rewrite one fact, or all records of a data set at once, by MEMIT: changes of several layers.

    Args:
        facts: Facts to run on (load_relations, load_counterfact).
        prompt: Prompt of one edit, with {} for the subject, as "{} is located in".
        subject: Subject of one edit.
        target: New object of one edit.
        relations: RELATIONS file, or folder of such files. The page then shows what one edit
            does to other templates and subjects of the relation. Default: for bundled models:
            the bundled relations.
        check_prompts: Prompt to show before and after one edit, with {} for the subject, or a
            .txt file with one prompt per line.
        counterfact: File of records to edit and evaluate: CounterFact, a variant of it,
            EasyEdit or KnowEdit (docs/data.md).
        zsre: File of zsRE questions to edit and evaluate, in the form of MEND's set.
        limit: Maximum number of known records, in an order shuffled by seed; from 1 to
            1000000000. Default: all.
        all_facts: Also take records whose true object the model does not know.
        layer, layers: Layers to edit, as 3, 0-15, 2,4,6 or all. Default: all, for facts that
            are edited alone; else about the depth of published edits: one layer, with memit 5.
        projection, projections: Projections to edit, as W_a,W_o, or all. Default: W_o; W_down
            of transformers.
        contexts: Texts that stand before the prompts. FILE: a JSON list. rome, memit: the model
            generates them by that method's plan. Default: the checkpoint's contexts.json, else
            the method's plan.
        moments: Second moments of the projections' inputs: a folder that `mambascope moments`
            wrote, or published files. Default: those of text, kept in cache.
        text: Text for second moments and perplexity. Default: the bundled sentences.
        max_tokens: Maximum number of tokens of a document of text; from 1 to 1000000.
        cache: Folder that keeps collected second moments for later edits. Default:
            ~/.cache/mambascope/moments.
        ridge: Ridge: this share of the mean diagonal of the second moments is added to them;
            from 0.0 to 1000000.0. Default: 0; 0.001 if they have no inverse.
        edits: Numbers of facts to write into one model, as 1,10,100: with memit at once, with
            rome one after the other; from 1 to 1000000. Default: each fact in a copy of the
            model; with memit all in one model.
        lambda_: MEMIT's weight (lambda) of the second moments; from 0.0 to 1000000000.0.
            Default: a quarter of the keys' width.
        steps: Maximum number of steps of the value search; from 1 to 10000. Default: 20; with
            memit 25.
        learning_rate: Learning rate of the value search; from 1e-06 to 1000.0.
        decay: Weight of |delta| / |v0|^2 in the loss; from 0.0 to 1000000.0.
        kl: Weight of the KL divergence in the loss. It keeps the next-token distribution at the
            subject's last token in "SUBJECT is a"; from 0.0 to 1000000.0.
        clamp: Largest |delta|, in multiples of |v0|; from 1e-06 to 1000000.0. Default: 3; with
            memit 0.75.
        memory: Maximum memory that searches done together may use beside the weights, as 4G;
            from 1. Default: a quarter of the machine's memory; 80 % of what is free on a GPU.
        force: Overwrite the results of another run.
        seed: Seed of every random choice; from 0. Default: 0.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/edit.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("edit", {**locals(), "method": "memit"}, _OPTIONS["memit"])


_OPTIONS["evaluate"] = {
    "counterfact": ("--counterfact", "repeated", None),
    "zsre": ("--zsre", "repeated", None),
    "limit": ("--limit", None, None),
    "all_facts": ("--all-facts", None, False),
    "layer": ("--layers", "commas", None),
    "layers": ("--layers", "commas", None),
    "projection": ("--projections", "commas", None),
    "projections": ("--projections", "commas", None),
    "contexts": ("--contexts", None, None),
    "moments": ("--moments", None, None),
    "text": ("--text", "repeated", None),
    "max_tokens": ("--max-tokens", None, 2048),
    "cache": ("--cache", None, None),
    "ridge": ("--ridge", None, None),
    "method": ("--method", None, "rome"),
    "edits": ("--edits", "commas", None),
    "lambda_": ("--lambda", None, None),
    "generate": ("--generate", None, False),
    "snippets": ("--snippets", None, None),
    "division": ("--division", None, "bare"),
    "steps": ("--steps", None, None),
    "learning_rate": ("--learning-rate", None, 0.5),
    "decay": ("--decay", None, 0.5),
    "kl": ("--kl", None, 0.0625),
    "clamp": ("--clamp", None, None),
    "memory": ("--memory", None, None),
    "out": (),
    "force": ("--force", None, False),
    "seed": ("--seed", None, None),
    "check": ("--check", None, False),
}


def evaluate(
    model: Model,
    *,
    facts: Facts | None = None,
    counterfact: Texts | None = None,
    zsre: Texts | None = None,
    limit: int | None = None,
    all_facts: bool = False,
    layer: Numbers | None = None,
    layers: Numbers | None = None,
    projection: Texts | None = None,
    projections: Texts | None = None,
    contexts: Text | None = None,
    moments: Text | None = None,
    text: Texts | None = None,
    max_tokens: int = 2048,
    cache: Text | None = None,
    ridge: float | None = None,
    method: Text = "rome",
    edits: Numbers | None = None,
    lambda_: float | None = None,
    generate: bool = False,
    snippets: Text | None = None,
    division: Text = "bare",
    steps: int | None = None,
    learning_rate: float = 0.5,
    decay: float = 0.5,
    kl: float = 0.0625,
    clamp: float | None = None,
    memory: int | str | None = None,
    force: bool = False,
    seed: int | None = None,
    check: bool = False,
    out: Text | None = None,
    progress: bool = True,
) -> Result:
    """Rewrite records of a data set, and evaluate the edited models.

    Args:
        facts: Facts to run on (load_relations, load_counterfact).
        counterfact: File of records to edit and evaluate: CounterFact, a variant of it,
            EasyEdit or KnowEdit (docs/data.md).
        zsre: File of zsRE questions to edit and evaluate, in the form of MEND's set.
        limit: Maximum number of known records, in an order shuffled by seed; from 1 to
            1000000000. Default: all.
        all_facts: Also take records whose true object the model does not know.
        layer, layers: Layers to edit, as 3, 0-15, 2,4,6 or all. Default: all, for facts that
            are edited alone; else about the depth of published edits: one layer, with memit 5.
        projection, projections: Projections to edit, as W_a,W_o, or all. Default: W_o; W_down
            of transformers.
        contexts: Texts that stand before the prompts. FILE: a JSON list. rome, memit: the model
            generates them by that method's plan. Default: the checkpoint's contexts.json, else
            the method's plan.
        moments: Second moments of the projections' inputs: a folder that `mambascope moments`
            wrote, or published files. Default: those of text, kept in cache.
        text: Text for second moments and perplexity. Default: the bundled sentences.
        max_tokens: Maximum number of tokens of a document of text; from 1 to 1000000.
        cache: Folder that keeps collected second moments for later edits. Default:
            ~/.cache/mambascope/moments.
        ridge: Ridge: this share of the mean diagonal of the second moments is added to them;
            from 0.0 to 1000000.0. Default: 0; 0.001 if they have no inverse.
        method: rome: each edit changes one weight. memit: all facts are written at once, spread
            over the layers; rome, memit.
        edits: Numbers of facts to write into one model, as 1,10,100: with memit at once, with
            rome one after the other; from 1 to 1000000. Default: each fact in a copy of the
            model; with memit all in one model.
        lambda_: MEMIT's weight (lambda) of the second moments; from 0.0 to 1000000000.0.
            Default: a quarter of the keys' width.
        generate: Also measure texts that edited models write about the subject: entropy and
            reference score.
        snippets: Texts about the new objects, for the reference score: attribute_snippets.json,
            or a RELATIONS file or folder.
        division: Key in the denominator of ROME's update. bare: of the bare prompt, as
            published. mean: the mean over contexts; bare, mean.
        steps: Maximum number of steps of the value search; from 1 to 10000. Default: 20; with
            memit 25.
        learning_rate: Learning rate of the value search; from 1e-06 to 1000.0.
        decay: Weight of |delta| / |v0|^2 in the loss; from 0.0 to 1000000.0.
        kl: Weight of the KL divergence in the loss. It keeps the next-token distribution at the
            subject's last token in "SUBJECT is a"; from 0.0 to 1000000.0.
        clamp: Largest |delta|, in multiples of |v0|; from 1e-06 to 1000000.0. Default: 3; with
            memit 0.75.
        memory: Maximum memory that searches done together may use beside the weights, as 4G;
            from 1. Default: a quarter of the machine's memory; 80 % of what is free on a GPU.
        force: Overwrite the results of another run.
        seed: Seed of every random choice; from 0. Default: 0.
        check: Compute some cells again, each by a full forward pass, and print the largest
            difference.
        out: Folder for the results. An interrupted run goes on there. Default: a temporary
            folder, which goes with the result.
        progress: Whether a long run shows a bar, where tqdm is installed.

    docs/cli/edit.md has the result's keys.
    Raises Error for options that do not fit, and where the command prints an error.
    """
    return run_command("edit", locals(), _OPTIONS["evaluate"])
