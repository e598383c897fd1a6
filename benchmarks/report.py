# SPDX-License-Identifier: MIT
"""Writes the figures of results/*.json into the table of README.md, so that the
text cannot say what was not measured. --check: only look whether it is so.
--from FOLDER: prints a table of the results in another folder.
"""

import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- results: written by report.py -->", "<!-- end of results -->"


def nano(r):
    m = r["mean"]
    cells = [
        f"sampled {m['val_loss_sampled']:.4f} over {len(r['runs'])} seed(s) (nanoGPT: "
        f"{r['nanogpt_published']} published, {r['nanogpt_measured']} when run again)",
        f"full split {m['val_loss_full']:.4f}, sliding {m['val_loss_sliding']:.4f}; "
        f"Witten-Bell 5-gram {r['witten_bell_5']:.4f}",
        f"{m['seconds']:.0f} s a seed",
    ]
    if "torch" in r:
        torch = r["torch"]
        cells.append(
            "PyTorch, as many seeds: sampled "
            f"{torch['mean']['val_loss_sampled']:.4f}, full "
            f"{torch['mean']['val_loss_full']:.4f} (chance alone: "
            f"±{torch['full_difference_chance']:.4f})"
        )
    return cells


def tales(r):
    floor = r["floor"]
    return [
        f"full split {r['val_loss_full']:.4f}, floor {floor['fixed_windows']:.4f} "
        f"± {floor['fixed_windows_error']:.4f}: ratio {r['ratio_full']:.3f}",
        f"sliding {r['val_loss_sliding']:.4f}, floor {floor['sliding']:.4f}: "
        f"ratio {r['ratio_sliding']:.3f}",
        f"Witten-Bell 5-gram {r['witten_bell_5']:.4f}",
        f"first sample after {r['seconds_to_first_sample']:.0f} s, "
        f"all after {r['seconds_total']:.0f} s",
    ]


def tutorial(r):
    library = r["library"]
    return [
        f"{r['val_loss']:.3f} after {r['steps']} steps, {r['minutes']:.1f} minutes; "
        f"pairs {r['pairs']:.3f}, 5-grams {r['ngrams']['5']:.3f}, 8-grams "
        f"{r['ngrams']['8']:.3f}",
        f"the library, same recipe: {library['val_loss']:.3f}, "
        f"{library['minutes']:.1f} minutes",
    ]


def shakespeare(r):
    m, at = r["mean"], r["bar_seconds"]
    return [
        f"{len(r['runs'])} seed(s): sliding {m['val_loss_sliding']:.4f}, full split "
        f"{m['val_loss_full']:.4f} (nanoGPT on a GPU: {r['nanogpt_published']})",
        f"{m['seconds_total']:.0f} s a seed, {m['tokens_per_s']:,.0f} tokens a second",
        f"below the 5-gram model ({r['witten_bell_5']:.4f}) "
        + (f"after {at:.0f} s, step {r['bar_step']}" if at else "never"),
    ]


def ladder(r):
    same = sum(rung["same"] for rung in r["rungs"])
    return [f"{same} of {len(r['rungs'])} rungs equal to 4 digits"]


def sorting(r):
    test = r["test"]
    return [
        f"{test['right']} of {test['asked']} drawn, {test['different_inputs_right']} "
        f"of {test['different_inputs']} different test inputs",
        f"{r['seconds']:.0f} s",
    ]


def step_time(r):
    cells = [f"C++ {r['milliseconds']['cpp']['median']:.1f} ms a step (median)"]
    for name, q in r["ratios"].items():
        cells.append(
            f"{name} / C++: {q['median']:.2f} ({q['min']:.2f} to {q['max']:.2f})"
        )
    return cells


def ratio_text(ratio):
    return f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"


def row_of(case, found, number):
    """ "case: ours; peer: how much worse it is"."""
    values = found["values"]
    cells = []
    if "cpp" in values:
        cells.append(f"C++ {number(values['cpp']['median'])}")
    cells += [f"{n} {ratio_text(q)}" for n, q in found["ratios"].items()]
    return f"{case}: {', '.join(cells)}"


def decode(r):
    """Ours, and the best setting of each other one."""
    cells = []
    for case, figures in r["best"].items():
        for figure, families in figures.items():
            values = r["summary"][case][figure]["values"]
            if "cpp" in values and case.endswith(
                (" 256 tokens", "1024 tokens")
            ):
                others = [
                    f"{b['name']} {b['median']:.2f}"
                    for b in families.values()
                    if b
                ]
                for bits in (16, 8):
                    narrow = r[f"best_{bits}bit"][case][figure]["llama"]
                    if narrow:
                        speed = values[f"cpp_{bits}bit"]["median"]
                        others.append(
                            f"with {bits}-bit activations {speed:.0f}, "
                            f"{narrow['name']} {narrow['median']:.2f}"
                        )
                cells.append(
                    f"{case}, {figure}: {values['cpp']['median']:.0f}; ours / "
                    f"others: {', '.join(others) or 'none'}"
                )
    return cells


def decode_contexts(r):
    """A line for each precision, threads and figure: by length of context, ours
    over llama.cpp's best."""
    lines = {}
    for case, figures in r["best"].items():
        precision, threads, context = case.split(", ")
        for figure in ("decode", "prefill"):
            found = figures[f"{figure}_tokens_per_s"]["llama"]
            if found:  # llama.cpp may be missing
                line = lines.setdefault((precision, threads, figure), [])
                line.append(f"{found['median']:.2f} ({context.split()[0]})")
    return [
        f"{precision}, {threads}, {figure}, ours / llama.cpp's by context: "
        + ", ".join(line)
        for (precision, threads, figure), line in lines.items()
    ]


def bpe(r):
    return [
        row_of(case, figures["mb_per_s"], lambda x: f"{x:.1f} MB/s")
        for case, figures in r["summary"].items()
    ]


def load(r):
    return [
        row_of(case, figures["load_s"], lambda x: f"{x:.2f} s")
        for case, figures in r["summary"].items()
    ]


def memory(r):
    return [
        row_of(case, figures["memory_mib"], lambda x: f"{x:.0f} MiB")
        for case, figures in r["summary"].items()
    ]


def scaling(r):
    cells = ["![](results/scaling.png)"]
    for case, figures in r["summary"].items():
        cells.append(row_of(case, figures["ms"], lambda x: f"{x:.1f} ms"))
    return cells


def roofline(r):
    cells = [
        "![](results/roofline.png)",
        f"{r['gflop_per_s']:.0f} GFLOP/s, reads {r['read_gb_per_s']:.1f} GB/s",
    ]
    for p in r["points"]:
        cells.append(f"{p['name']}: {p['gflop_per_s']:.0f} GFLOP/s")
    return cells


def lora(r):
    rounds = r["rounds"]
    return [
        f"mlx-lm's time / C++'s: {r['ratio']:.3f} (median of {len(rounds)} rounds "
        f"of {rounds[0]['steps']} steps)",
        f"largest difference of a loss {r['largest_difference']:.1g}; from "
        f"{rounds[0]['first_loss']:.3f} to {rounds[0]['last_loss']:.3f}",
        f"C++ {rounds[0]['cpp']:.0f}, mlx-lm {rounds[0]['mlx_lm']:.0f} answer "
        "tokens a second",
    ]


def tuned(r):
    falls = [v for k, v in r["fall"].items() if k != "all"]
    return [
        f"held-out loss {r['before']['all']:.3f} to {r['after']['all']:.3f} "
        f"(-{r['fall']['all']:.0%}; each kind at least -{min(falls):.0%})",
        f"{r['changed']} of {len(r['answers'])} answers changed, "
        f"{r['seconds']:.0f} s, {r['peak_bytes'] / 2**30:.2f} GiB",
        f"DPO: margin of held-out pairs 0 to {r['dpo']['preference_margin']:.2f}",
    ]


def own(r):
    base, lora = r["runs"]["base"], r["runs"]["lora"]
    cells = [
        f"loss on unseen rows {base['test_loss']:.3f} to {lora['test_loss']:.3f} "
        f"(three seeds: {r['summary']['seeds_low']:.3f} to "
        f"{r['summary']['seeds_high']:.3f})",
        f"in form: {base['form']} to {lora['form']} of {lora['asked']} answers",
        f"loss on other questions {base['other_loss']:.3f} to "
        f"{lora['other_loss']:.3f}",
    ]
    for name in ("all_layers", "dora", "lora_float", "full"):
        run = r["runs"][name]
        cells.append(
            f"{name}: {run['test_loss']:.3f}, {run['seconds']:.0f} s, "
            f"{run['peak_bytes'] / 2**30:.1f} GiB"
        )
    return cells


def curves(r):
    cells = []
    for preset in (key for key, value in r.items() if isinstance(value, dict)):
        for name, gap in r[preset]["differences"].items():
            cells.append(
                f"{preset}, {name}: largest difference of {r['steps']} steps "
                f"{gap['largest']:.1g} (step {gap['at_step']}), of means of 50 "
                f"steps {gap['largest_of_means']:.1g}"
            )
    return cells


def quality(r):
    cells = [
        f"{name}: logits {w['error_of_range']:.1g} of their range, "
        f"perplexity {w['perplexity_change']:+.4%}"
        for name, w in r["worst"].items()
    ]
    plain = r["perplexity"]["plain"]
    return [*cells, f"perplexity of plain MLX {plain:.3f}"]


def web_load(r):
    crowd, cost = r["crowd"], r["cost"]
    same, cancels = crowd["same"], crowd["cancels"]
    memory_, offered = crowd["memory"], crowd["offered"]
    longest = max(cancels["longest_s"].values())
    slowest = max(d["seconds"] for d in crowd["drain"])
    first = cost["first_tokens"]
    return [
        f"{same['streams']} streams x {same['rounds']} rounds, {same['tokens']:,} "
        f"tokens: {same['different']} differ from their serial run",
        f"8 streams / 1: {ratio_text(crowd['batch']['ratio'])}, SmolLM2 "
        f"{ratio_text(cost['batch']['ratio'])}",
        f"{cancels['cancels']} disconnects: idle after at most "
        f"{1000 * longest:.0f} ms, {cancels['files_left']} files left",
        f"{offered['offered']} offered: {offered['served']} served, "
        f"{offered['refused']} times 429, {offered['lost']} lost",
        f"{len(crowd['drain'])} times SIGTERM: at most {slowest:.1f} s",
        f"{memory_['requests']} requests: {memory_['growth']:+.1%} memory, "
        f"{memory_['requests_per_s']:.0f} a second",
        f"first token {first['overhead_ms_p95']:.1f} ms (p95) after the command "
        "line's",
        "decoding / the command line: "
        + ratio_text(cost["decoding"]["off / cli"]),
        f"with 20 alternatives / without: "
        f"{ratio_text(cost['decoding']['top_20 / off'])}, with live rows "
        f"{ratio_text(cost['decoding']['rows / off'])}",
    ]


def web(r):
    return [f"{name}: {found['text']}" for name, found in r.items()]


def cells_of(r):
    return [
        f"{name}: first cell {m['first']:.1f} s, edited {m['edited']:.2f} s, "
        f"an error {m['error']:.2f} s, cached {m['cached'] * 1000:.1f} ms "
        f"(median of {len(r['rounds'][name])})"
        for name, m in r["medians"].items()
    ]


def parts(r):
    return [
        row_of(part, figures["ms"], lambda x: f"{x:.2f} ms")
        for part, figures in r["summary"].items()
    ] + [f"between the parts: {r['rest_ms']:.1f} ms"]


def packed(r):
    cells = []
    for name, found in r.items():
        costs = [
            f"{setting}: {p['more_nats']:+.4f}"
            for setting, p in found["by_setting"].items()
        ]
        cells.append(
            f"{name}: {found['nats']:.4f} nats in float32; {', '.join(costs)}"
        )
        for bits, p in found.get("cache", {}).items():
            cells.append(f"{name}, cache of {bits}: {p['more_nats']:+.4f}")
    return cells


def writing(r):
    cells = [
        f"{case}: "
        + ", ".join(f"{name} {ratio_text(q)}" for name, q in found.items())
        for case, found in r["gains"].items()
    ]
    for case, found in r["guesses"].items():
        kept = [f"{name} {g['kept']:.0%}" for name, g in found.items()]
        cells.append(f"{case}: guesses kept: {', '.join(kept)}")
    return cells


def training_memory(r):
    found = r["summary"]
    return [
        f"{name}: {memory['median']:.0f} MiB, "
        f"{found['tokens_per_s']['values'][name]['median']:,.0f} tokens a second"
        for name, memory in found["memory_mib"]["values"].items()
    ]


def heads(r):
    return [
        f"{name}: layer {m['layer']}, head {m['head']}: {m[name]:.2f}"
        for name, m in r["maps"].items()
    ]


def gpu_train(r):
    ms, runs = r["milliseconds"], r.get("runs", [])
    cells = [f"{ms['cpp']['median']:.2f} ms a step"]
    for name, ratio in r["ratios"].items():
        cells.append(
            f"{name} {ms[name]['median']:.2f} ms: ratio {ratio['median']:.2f} "
            f"({ratio['min']:.2f} to {ratio['max']:.2f})"
        )
    if runs:
        losses = ", ".join(f"{x['best_val_loss_sampled']:.4f}" for x in runs)
        cells.append(
            f"best sampled validation loss of {len(runs)} seed(s): {losses} "
            f"(nanoGPT: {r['nanogpt_published']})"
        )
    return cells


def gpu_decode(r):
    cells = []
    for case, found in r["summary"].items():
        figure = found["tokens_per_s"]
        ratio = figure["ratios"]["mlx_lm"]["median"]
        ours = figure["values"]["cpp"]["median"]
        cells.append(
            f"{case}: {ours:,.0f} tokens a second, {ratio:.2f} x mlx-lm"
        )
    return cells


def gpu_parity(r):
    cells = [
        f"first {r['steps']} losses: within {r['largest_difference']:.1g}, bfloat16 "
        f"{r['largest_difference_bf16']:.1g}"
    ]
    for name, said in r["models"].items():
        x, half = said["fp32"], said["bf16"]
        cells.append(
            f"{name}: logits {x['logits']:.1g}, gradients {x['gradients']:.1g}; "
            f"bfloat16 {half['logits']:.1g}, {half['gradients']:.1g}"
        )
    cells.append(f"{r['equal_texts']} of {len(r['texts'])} texts equal")
    return cells


ROWS = [
    (
        "nano_loss",
        "nanoGPT's settings reach nanoGPT's loss (1.88 ± 0.03)",
        nano,
    ),
    (
        "tales_floor",
        "`start` trains to within 10 % of the entropy floor",
        tales,
    ),
    (
        "simple_llm_tutorial",
        "who follows tutorials/simple-llm.md trains a GPT",
        tutorial,
    ),
    (
        "shakespeare",
        "nanoGPT's GPU loss on Shakespeare, on two cores in 15 minutes",
        shakespeare,
    ),
    ("ngram_ladder", "the counting models are right", ladder),
    ("sorting", "minGPT's sorting task: 5000 of 5000", sorting),
    ("step_time", "the step of the nano preset, beside others", step_time),
    ("step_time_intel", "the same on another processor", step_time),
    ("step_parts", "what the step is made of", parts),
    (
        "sample_dataset",
        "ten minutes of fine-tuning are seen and heard",
        tuned,
    ),
    ("own_data", "28 rows of one's own teach a form", own),
    ("lora_speed", "LoRA learns what mlx-lm's learns, as fast", lora),
    ("decode", "SmolLM2 writes and reads faster than with others", decode),
    (
        "decode_contexts",
        "the same at every precision and length",
        decode_contexts,
    ),
    (
        "fused_quality",
        "4 bits: our operations give plain MLX's logits and perplexity",
        quality,
    ),
    (
        "loss_curves",
        "our operations train what plain MLX trains",
        curves,
    ),
    ("bpe", "encoding is at least as fast as tiktoken's", bpe),
    ("load", "loading SmolLM2, beside others", load),
    ("memory", "no more memory than PyTorch and llama.cpp", memory),
    ("training_memory", "what makes training take less", training_memory),
    ("writing", "ways to write: cache, batches, guesses", writing),
    ("quantization", "what fewer bits cost", packed),
    ("attention", "what the heads of the default model look at", heads),
    ("scaling", "the step by width, context and batch", scaling),
    ("roofline", "how near decoding and training are to the limits", roofline),
    ("web_load", "the web server keeps its word with many clients", web_load),
    ("web", "the page stays smooth", web),
    ("cells", "C++ cells of a notebook are quick", cells_of),
    ("gpu_train", "an NVIDIA GPU trains as fast as PyTorch's best", gpu_train),
    (
        "gpu_decode_smollm2",
        "an NVIDIA GPU writes faster than mlx-lm",
        gpu_decode,
    ),
    (
        "gpu_decode_llama-1b",
        "the same with the shape of Llama 3.2 1B",
        gpu_decode,
    ),
    ("gpu_lora", "LoRA on an NVIDIA GPU, beside mlx-lm", lora),
    ("gpu_parity", "CPU and GPU compute the same", gpu_parity),
]


def table(folder=HERE / "results", missing=True):
    lines = [
        "| Claim | Measured | Command, file | With |",
        "| --- | --- | --- | --- |",
    ]
    for name, claim, cells in ROWS:
        path = folder / f"{name}.json"
        where = f"`python benchmarks/{name}.py`"
        if not path.is_file():
            if not missing:
                continue
            lines.append(f"| {claim} | not measured yet | {where} | |")
            continue
        document = json.loads(path.read_text())
        measured = cells(document["result"])
        missed = [claim for claim, met in document["holds"].items() if not met]
        measured += [f"**does not hold: {claim}**" for claim in missed]
        where = f"`{document['command']}`, [{name}.json](results/{name}.json)"
        versions = [f"{k} {v}" for k, v in document["versions"].items() if v]
        told = [
            document["cpu"],
            f"threads: {document['threads']} of {document['cores']} cores",
        ]
        if "gpu" in document:
            gpu = document["gpu"]
            told.append(f"{gpu['name']}, driver {gpu['driver']}")
        told.append(", ".join(versions))
        if document.get("load_before") is not None:
            told.append(f"load {document['load_before']} before")
        if "note" in document:
            told.append(document["note"])
        told += [document["date"][:10]]
        lines.append(
            f"| {claim} | {'<br>'.join(measured)} | {where} | {'<br>'.join(told)} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--from", type=pathlib.Path, dest="folder")
    args = parser.parse_args()
    if args.folder:
        print(table(args.folder, missing=False))
        return 0
    readme = HERE / "README.md"
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    new = f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
    if args.check:
        if new != text:
            print("benchmarks/README.md differs from results/: run report.py")
        return int(new != text)
    readme.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
