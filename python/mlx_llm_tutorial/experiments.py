# SPDX-License-Identifier: MIT
"""A grid of training runs that can be stopped and gone on with.

    study = Experiment("width", preset="tiny", fixed={"train.steps": 300})
    study.run({"model.width": [64, 128], "train.schedule.lr": [1e-3, 2e-2]})
    study.leaderboard()

A setting is a path into llm.Preset ("train.optimizer.name", "model.layers"), or
"config." and a key of the model's config.json ("config.rope_theta").
Each run has a folder of its own below <home>/experiments/<name>, which holds its
model and metrics.jsonl, and one line in results.jsonl there. A run that is in
results.jsonl is not run again; one that was interrupted goes on from its
checkpoint. What holds for all runs belongs to their names: with other fixed
settings they are other runs.
"""

import itertools
import json
import math
import os
import pathlib
import statistics

import mlx_llm_tutorial as llm
from mlx_llm_tutorial.grids import Run, apply, grid

__all__ = ["Experiment", "Run", "grid"]


class Experiment:
    def __init__(
        self,
        name,
        preset="tiny",
        data=None,
        fixed=None,
        home=None,
        val_tokens=None,
    ):
        """`fixed` holds for all runs; `data` is a corpus (the preset's own);
        `val_tokens`: a run is judged on so many tokens of the validation text
        (all of it)."""
        folder = pathlib.Path(home or llm.tutorial_home() / "experiments")
        self.folder = folder / name
        self.base = {
            "preset": preset,
            "data": None if data is None else str(data),
            "fixed": dict(fixed or {}),
            "val_tokens": val_tokens,
        }
        self.base = json.loads(json.dumps(self.base))
        self.data = self.base["data"]
        self.texts = {}  # what it is made with -> corpus, tokenizer, split

    def run(self, choices, seeds=(1,), on_step=None, progress=True):
        """Runs what is not done yet; returns the lines of these runs.
        on_step(StepRecord) may return False to stop, as Ctrl-C does."""
        runs = grid(choices, seeds, self.base)
        for run in runs:
            self.check(run)
        done = {line["id"]: line for line in self.results()}
        waiting = [run for run in runs if run.id not in done]
        steps = [self.settings_of(run)[0].train.steps for run in waiting]
        with Bar(steps, progress) as bar:
            for number, run in enumerate(waiting):
                line = self.train(run, bar.watch(number, run, on_step))
                if line is None:
                    print(
                        f"stopped in run {number + 1} of {len(waiting)}; run "
                        "the cell again to go on."
                    )
                    break
                done[run.id] = line
        return [done[run.id] for run in runs if run.id in done]

    def settings_of(self, run):
        """(Preset, changes of config.json) of a run."""
        both = self.base["fixed"] | run.settings
        start = "config."
        own = {k: v for k, v in both.items() if not k.startswith(start)}
        config = {
            path.removeprefix(start): value
            for path, value in both.items()
            if path.startswith(start)
        }
        return apply(llm.preset(self.base["preset"]), own), config

    def check(self, run):
        """What is wrong with a run stops us before the first one."""
        preset, changes = self.settings_of(run)
        found = new_model(preset, changes, vocab_size=64).config
        for key, value in changes.items():
            if found.get(key) != value:
                raise TypeError(
                    f"[experiments] expected a key of config.json after "
                    f"'config.' but received {key!r} = {value!r}, which a "
                    f"{found['model_type']} does not read; there is: "
                    f"{', '.join(found)}."
                )

    def text_of(self, preset):
        data = self.data or preset.data
        key = (data, preset.tokenizer, preset.bpe_vocab_size)
        if key not in self.texts:
            corpus = llm.load_corpus(data)
            tokenizer = llm.make_tokenizer(preset, corpus)
            split = llm.encode_split(corpus, tokenizer)
            self.texts[key] = corpus, tokenizer, split
        return self.texts[key]

    def path(self, line):
        """The folder of a run: its model and metrics.jsonl."""
        return self.folder / line["id"]

    def train(self, run, on_step=None):
        """Trains and judges one run; None when it was interrupted. A run whose
        loss is no number any more has the line with val_loss None."""
        preset, changes = self.settings_of(run)
        config = preset.train
        config.seed = run.seed
        corpus, tokenizer, split = self.text_of(preset)
        model = new_model(preset, changes, len(tokenizer))
        model.initialize(run.seed)
        line = {
            "id": run.id,
            "settings": run.settings,
            "seed": run.seed,
            "base": self.base,
            "parameters": model.parameter_count,
        }
        out = self.folder / run.id
        info = llm.RunInfo(
            data={"sha256": corpus.sha256}, header={"data": corpus.name}
        )
        try:
            result = llm.train(
                model, tokenizer, split, config, out, info,
                resume=out.is_dir(), on_step=on_step,
            )  # fmt: skip
            if result.stopped == "interrupted":
                return None
            line |= {
                "val_loss": self.judge(model, split),
                "train_loss": result.train_loss,
                "steps": result.steps,
                "seconds": result.seconds,
                "tokens_per_s": result.tokens_per_s,
            }
        except llm.NumericError as error:
            line |= {"val_loss": None, "error": str(error)}
        except KeyboardInterrupt:
            return None
        self.append(line)
        return line

    def judge(self, model, split):
        """Nats per token over windows side by side. NumericError if none."""
        tokens = split.val[: self.base["val_tokens"]]
        windows = llm.fixed_windows(len(tokens), model.context_length)
        loss = llm.evaluate_windows(model, tokens, windows)
        if not math.isfinite(loss):
            raise llm.NumericError(f"[experiments] the loss is {loss}.")
        return loss

    def append(self, line):
        path = self.folder / "results.jsonl"
        with open(path, "a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def results(self):
        """The lines so far of runs with these fixed settings; half a line,
        which a crash may leave, is none."""
        path = self.folder / "results.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.is_file() else []
        out = []
        for line in lines:
            try:
                out.append(json.loads(line))
            except ValueError:
                pass
        return [line for line in out if line.get("base") == self.base]

    def leaderboard(self):
        """The settings by mean validation loss, best first: a list of dicts
        with the settings, val_loss, its standard deviation over the seeds
        (None for one), the losses, runs, parameters and seconds. Where a run
        failed there is no mean, and the place is the last."""
        groups = {}
        for line in self.results():
            key = json.dumps(line["settings"], sort_keys=True)
            groups.setdefault(key, []).append(line)
        rows = [summary(lines) for lines in groups.values()]
        return sorted(
            rows, key=lambda r: (r["val_loss"] is None, r["val_loss"] or 0)
        )


def new_model(preset, changes, vocab_size):
    config = llm.model_config(preset.model, vocab_size, preset.train.block)
    return llm.make_model(config | changes)


def summary(lines):
    losses = [x["val_loss"] for x in lines if x["val_loss"] is not None]
    whole = len(losses) == len(lines)
    seconds = [line["seconds"] for line in lines if "seconds" in line]
    return {
        **lines[0]["settings"],
        "val_loss": statistics.mean(losses) if whole else None,
        "deviation": statistics.stdev(losses) if len(losses) > 1 else None,
        "losses": losses,
        "runs": len(lines),
        "parameters": lines[0]["parameters"],
        "seconds": statistics.mean(seconds) if seconds else None,
    }


class Bar:
    """How far a grid is: a tqdm bar over the steps of all its runs."""

    def __init__(self, steps, shown):
        from tqdm import tqdm

        self.before = [0, *itertools.accumulate(steps)]
        self.bar = tqdm(
            total=sum(steps), unit="step", disable=not shown, mininterval=0.5
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bar.close()

    def watch(self, number, run, on_step):
        """The on_step of a run, which moves the bar first."""
        of = f"run {number + 1} of {len(self.before) - 1}"
        self.bar.set_description(f"{of}: {run}")

        def step(record):
            self.bar.update(self.before[number] + record.step - self.bar.n)
            self.bar.set_postfix(loss=f"{record.loss:.3f}", refresh=False)
            return None if on_step is None else on_step(record)

        return step
