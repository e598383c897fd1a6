# SPDX-License-Identifier: MIT
"""A grid of training runs that can be stopped and gone on with.

    study = Experiment("width", preset="tiny", fixed={"train.steps": 300})
    study.run({"model.width": [64, 128], "train.schedule.lr": [1e-3, 2e-2]})
    study.leaderboard()

A setting is a path into llm.Preset ("train.optimizer.name", "model.layers").
Each run has a folder of its own below <home>/experiments/<name>, which holds its
model and metrics.jsonl, and one line in results.jsonl there. A run that is in
results.jsonl is not run again; one that was interrupted goes on from its
checkpoint.
"""

import dataclasses
import hashlib
import itertools
import json
import os
import pathlib
import statistics

import mlx_llm_tutorial as llm


@dataclasses.dataclass(frozen=True)
class Run:
    """One point of a grid."""

    settings: dict  # path -> value
    seed: int

    @property
    def id(self):
        """A name for people, and a hash that makes it unique."""
        text = json.dumps([self.settings, self.seed], sort_keys=True)
        code = hashlib.sha256(text.encode()).hexdigest()[:8]
        short = [
            f"{path.split('.')[-1]}={value}"
            for path, value in self.settings.items()
        ]
        name = "-".join([*short, f"seed={self.seed}"])
        keep = "".join(c if c.isalnum() or c in "=.-" else "_" for c in name)
        return f"{keep[:80]}-{code}"


def grid(choices, seeds=(1,)):
    """All combinations of {path: [values]}, each with every seed."""
    return [
        Run(dict(zip(choices, values)), seed)
        for values in itertools.product(*choices.values())
        for seed in seeds
    ]


WHOLE = {"train.steps": "set_steps", "train.block": "set_block"}


def apply(preset, settings):
    """Sets {path: value} in a preset: steps and window first, with what follows
    from them. TypeError names a path that is none."""
    order = sorted(settings.items(), key=lambda item: item[0] not in WHOLE)
    for path, value in order:
        target = preset
        *above, last = path.split(".")
        try:
            for name in above:
                target = getattr(target, name)
            if not hasattr(target, last):
                raise AttributeError(last)
        except AttributeError:
            raise TypeError(
                f"[experiments] expected a path such as 'train.steps' or "
                f"'model.width' but received {path!r}; there is: "
                f"{fields(target)}."
            ) from None
        try:
            if path in WHOLE:  # what depends on it follows
                getattr(target, WHOLE[path])(value)
            else:
                setattr(target, last, value)
        except TypeError:
            raise TypeError(
                f"[experiments] expected another type for {path} but received "
                f"{value!r}; it is {getattr(target, last)!r} now."
            ) from None
    return preset


def fields(settings):
    """The names of a struct of settings, joined."""
    return ", ".join(
        name
        for name, value in vars(type(settings)).items()
        if isinstance(value, property)
    )


class Experiment:
    def __init__(self, name, preset="tiny", data=None, fixed=None, home=None):
        """`fixed` holds for all runs; `data` is a corpus (the preset's own)."""
        base = pathlib.Path(home or llm.tutorial_home() / "experiments")
        self.folder = base / name
        self.preset, self.fixed = preset, dict(fixed or {})
        self.data = data
        self.texts = (
            {}
        )  # (data, tokenizer settings) -> corpus, tokenizer, split

    def run(self, choices, seeds=(1,), on_step=None, progress=True):
        """Runs what is not done yet; returns the lines of these runs."""
        runs = grid(choices, seeds)
        for run in runs:
            self.settings_of(run)  # a wrong path stops us before the first run
        done = {line["id"]: line for line in self.results()}
        waiting = [run for run in runs if run.id not in done]
        for number, run in enumerate(bar(waiting, progress), 1):
            line = self.train(run, on_step)
            if line is None:
                print(
                    f"stopped in run {number} of {len(waiting)}; run the cell "
                    "again to go on."
                )
                break
            done[run.id] = line
        return [done[run.id] for run in runs if run.id in done]

    def settings_of(self, run):
        return apply(llm.preset(self.preset), self.fixed | run.settings)

    def text_of(self, preset):
        data = self.data or preset.data
        key = (data, preset.tokenizer, preset.bpe_vocab_size)
        if key not in self.texts:
            corpus = llm.load_corpus(data)
            tokenizer = llm.make_tokenizer(preset, corpus)
            split = llm.encode_split(corpus, tokenizer)
            self.texts[key] = corpus, tokenizer, split
        return self.texts[key]

    def train(self, run, on_step=None):
        """Trains and judges one run; None when it was interrupted."""
        preset = self.settings_of(run)
        config = preset.train
        config.seed = run.seed
        corpus, tokenizer, split = self.text_of(preset)
        model = llm.make_model(
            llm.model_config(preset.model, len(tokenizer), config.block)
        )
        model.initialize(run.seed)
        out = self.folder / run.id
        info = llm.RunInfo(
            data={"sha256": corpus.sha256}, header={"data": corpus.name}
        )
        result = llm.train(
            model, tokenizer, split, config, out, info,
            resume=out.is_dir(), on_step=on_step,
        )  # fmt: skip
        if result.stopped == "interrupted":
            return None
        windows = llm.fixed_windows(len(split.val), model.context_length)
        line = {
            "id": run.id,
            "settings": run.settings,
            "seed": run.seed,
            "val_loss": llm.evaluate_windows(model, split.val, windows),
            "train_loss": result.train_loss,
            "steps": result.steps,
            "seconds": result.seconds,
            "tokens_per_s": result.tokens_per_s,
            "parameters": model.parameter_count,
        }
        self.append(line)
        return line

    def append(self, line):
        path = self.folder / "results.jsonl"
        with open(path, "a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def results(self):
        """All lines so far; half a line, which a crash may leave, is none."""
        path = self.folder / "results.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.is_file() else []
        out = []
        for line in lines:
            try:
                out.append(json.loads(line))
            except ValueError:
                pass
        return out

    def leaderboard(self):
        """The settings by mean validation loss, best first: a list of dicts
        with the settings, val_loss, its standard deviation over the seeds
        (None for one), runs, parameters and seconds."""
        groups = {}
        for line in self.results():
            key = json.dumps(line["settings"], sort_keys=True)
            groups.setdefault(key, []).append(line)
        rows = [summary(lines) for lines in groups.values()]
        return sorted(rows, key=lambda row: row["val_loss"])


def summary(lines):
    losses = [line["val_loss"] for line in lines]
    return {
        **lines[0]["settings"],
        "val_loss": statistics.mean(losses),
        "deviation": statistics.stdev(losses) if len(losses) > 1 else None,
        "runs": len(lines),
        "parameters": lines[0]["parameters"],
        "seconds": statistics.mean(line["seconds"] for line in lines),
    }


def bar(runs, progress):
    if not progress:
        return runs
    from tqdm import tqdm

    return tqdm(runs, desc="runs")
