# SPDX-License-Identifier: MIT
"""The Python face of the library: the same numbers as the programs, errors with
our messages, Ctrl-C, callbacks, and that mx.grad sees through a model.
"""

import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import mlx.core as mx
import mlx_llm_tutorial as llm
import numpy as np
import pytest
from program_runs import Home, last_json

TEXT = "the cat sat on the mat and the dog sat on the log.\n" * 40


@pytest.fixture(scope="module")
def tiny():
    """(model, tokenizer, split) of a character model, some 20,000 weights."""
    tokenizer = llm.CharTokenizer.train(TEXT)
    shape = llm.ModelShape(layers=2, heads=2, width=32)
    model = llm.make_model(llm.model_config(shape, len(tokenizer), 32))
    model.initialize(1)
    ids = tokenizer.encode(TEXT)
    return model, tokenizer, llm.Split(ids[:-200], ids[-200:])


# --- errors ------------------------------------------------------------------------


def test_errors_are_pythons_too(tiny):
    model, tokenizer, _ = tiny
    with pytest.raises(llm.UsageError, match="32 positions.*99") as caught:
        model(mx.zeros((1, 99), mx.int32))
    assert isinstance(caught.value, (llm.Error, ValueError))
    assert str(caught.value).startswith("[")
    with pytest.raises(llm.InputError, match="'#'|U\\+0023"):
        tokenizer.encode("#")
    with pytest.raises(llm.IoError) as caught:
        llm.save_safetensors("/nowhere/x.safetensors", {"a": mx.zeros(2)})
    assert isinstance(caught.value, OSError)


def test_a_wrong_field_lists_the_fields():
    with pytest.raises(TypeError, match="stepz.*steps, batch"):
        llm.TrainConfig(stepz=3)
    with pytest.raises(TypeError, match="steps.*'many'.*default is 2000"):
        llm.TrainConfig(steps="many")


def test_unknown_options_of_generate(tiny):
    model, tokenizer, _ = tiny
    with pytest.raises(TypeError, match="temprature.*max_tokens.*temperature"):
        llm.generate(model, tokenizer, "the", temprature=1)


def test_fields_are_shown():
    text = repr(llm.SamplingConfig(top_k=7))
    assert text.startswith("SamplingConfig(temperature=1.0, top_k=7")


# --- arrays, parameters, gradients ---------------------------------------------------


def test_parameters_are_arrays(tiny):
    model, _, _ = tiny
    parameters = model.parameters()
    assert all(isinstance(a, mx.array) for a in parameters.values())
    count = sum(a.size for a in parameters.values())
    assert count == model.parameter_count
    assert f"{count:,}".replace(",", "") in repr(model)


def test_mx_grad_sees_through_the_model(tiny):
    model, _, split = tiny
    x, y = llm.random_batch(split.train, 1, 0, 4, 16)
    own = model.parameters()
    loss, grads = model.loss_and_gradients(x, y)

    def loss_of(parameters):
        model.assign(parameters)
        return llm.nn.cross_entropy(model(x), y)

    try:
        value, theirs = mx.value_and_grad(loss_of)(own)
    finally:
        model.assign(own)
    assert value.item() == pytest.approx(loss.item(), abs=1e-6)
    assert set(theirs) == set(grads)
    for name, grad in grads.items():
        assert mx.allclose(grad, theirs[name], atol=1e-6), name


def test_loss_is_mlx_own():
    logits = mx.random.normal((3, 5, 11), key=mx.random.key(1))
    targets = mx.random.randint(0, 11, (3, 5), key=mx.random.key(2))
    import mlx.nn as nn

    ours = llm.nn.token_losses(logits, targets)
    assert mx.allclose(ours, nn.losses.cross_entropy(logits, targets))


def test_ids_come_in_every_shape(tiny):
    _, tokenizer, split = tiny
    ids = tokenizer.encode("the cat")
    for same in (ids, tuple(ids), np.array(ids), mx.array(ids)):
        assert tokenizer.decode(same) == "the cat"
    assert split.val.dtype == np.int32 and not split.val.flags.writeable
    with pytest.raises(TypeError):
        tokenizer.decode(np.zeros((2, 2), np.int32))


def test_json_goes_both_ways(tiny):
    model, _, _ = tiny
    config = model.config
    assert config == json.loads(json.dumps(config))
    again = llm.make_model(config)
    assert again.config == config
    with pytest.raises(TypeError):
        llm.make_model({"model_type": object()})


# --- generation ----------------------------------------------------------------------


def test_the_iterator_is_generate(tiny):
    model, tokenizer, _ = tiny
    options = {"max_tokens": 20, "temperature": 0.9, "seed": 3}
    whole = llm.generate(model, tokenizer, "the", **options)
    generator = llm.Generator(
        model, tokenizer, "the", top_logprobs=4, **options
    )
    tokens = list(generator)
    assert [t.id for t in tokens] == whole.ids
    assert "".join(t.text for t in tokens) == whole.text
    assert generator.result.finish_reason == "length"
    for token in tokens:
        best = token.top[0]
        assert len(token.top) == 4 and best.logprob >= token.logprob


def test_an_iterator_can_be_left(tiny):
    model, tokenizer, _ = tiny
    generator = llm.Generator(model, tokenizer, "the", max_tokens=1000)
    for i, _ in enumerate(generator):
        if i == 4:
            generator.interrupt()
    assert len(generator.result.ids) == 5
    assert generator.result.finish_reason == "interrupted"


def test_batches_are_single_texts(tiny):
    model, tokenizer, _ = tiny
    options = {"max_tokens": 12, "seed": 5}
    prompts = ["the", "a dog", "sat"]
    texts = llm.generate_batch(model, tokenizer, prompts, **options)
    for i, prompt in enumerate(prompts):
        alone = llm.generate(
            model, tokenizer, prompt, **options | {"seed": 5 + i}
        )
        assert texts[i].ids == alone.ids


def test_the_chain_by_hand(tiny):
    model, tokenizer, _ = tiny
    chain = llm.make_chain(top_k=3, temperature=0.5)
    assert [s.name for s in chain] == ["top-k", "temperature"]
    logits = mx.array([1.0, 3.0, 2.0, 0.0])
    kept = chain[0].apply(logits)
    assert kept.tolist() == [1.0, 3.0, 2.0, -math.inf]
    assert mx.allclose(
        llm.apply_chain(chain, logits)[:3], mx.array([-4.0, 0.0, -2.0])
    )


# --- training ------------------------------------------------------------------------


def settings(**more):
    return llm.TrainConfig(
        steps=6, batch=4, block=16, seed=7, eval_every=3, eval_batches=2, **more
    )


def new_model(tokenizer):
    shape = llm.ModelShape(layers=2, heads=2, width=32)
    model = llm.make_model(llm.model_config(shape, len(tokenizer), 16))
    model.initialize(7)
    return model


def test_training_is_watched(tiny, tmp_path):
    _, tokenizer, split = tiny
    model = new_model(tokenizer)
    steps = []
    result = llm.train(
        model,
        tokenizer,
        split,
        settings(sample_every=3),
        tmp_path / "run",
        on_step=steps.append,
        sample=lambda step: f"text at {step}",
    )
    assert result.stopped == "finished" and result.steps == 6
    assert [s.step for s in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1].loss == result.train_loss < steps[0].loss
    assert steps[2].sample == "text at 3" and steps[2].val_loss > 0
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["loss"] == pytest.approx(steps[-1].loss)
    # What was saved loads again and writes the same.
    usable = llm.load_for_use(str(tmp_path / "run"))
    options = {"max_tokens": 10, "temperature": 0}
    assert (
        llm.generate(usable.model, usable.tokenizer, "the", **options).ids
        == llm.generate(model, tokenizer, "the", **options).ids
    )


def test_false_stops_a_run_and_it_goes_on(tiny, tmp_path):
    _, tokenizer, split = tiny
    whole, parts = [], []
    llm.train(
        new_model(tokenizer), tokenizer, split, settings(), tmp_path / "a",
        on_step=lambda s: whole.append(s.loss),
    )  # fmt: skip

    def stop_early(step):
        parts.append(step.loss)
        return step.step < 3

    arguments = (tokenizer, split, settings(), tmp_path / "b")
    first = llm.train(new_model(tokenizer), *arguments, on_step=stop_early)
    assert first.stopped == "interrupted" and first.steps == 3
    llm.train(
        new_model(tokenizer), *arguments, resume=True,
        on_step=lambda s: parts.append(s.loss),
    )  # fmt: skip
    assert parts == whole


def test_an_error_in_a_callback_comes_out(tiny, tmp_path):
    _, tokenizer, split = tiny

    def fail(step):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        llm.train(
            new_model(tokenizer), tokenizer, split, settings(),
            tmp_path / "run", on_step=fail,
        )  # fmt: skip


def press_ctrl_c(seconds):
    def press():
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def test_ctrl_c_saves_a_run(tiny, tmp_path):
    _, tokenizer, split = tiny
    config = settings()
    config.steps = 100_000
    press_ctrl_c(0.5)
    begin = time.monotonic()
    result = llm.train(
        new_model(tokenizer), tokenizer, split, config, tmp_path / "run"
    )
    assert result.stopped == "interrupted" and 0 < result.steps < 100_000
    assert time.monotonic() - begin < 20
    assert llm.load_for_use(str(tmp_path / "run")).model.model_type == "gpt2"


def test_ctrl_c_ends_a_text(tiny):
    model, tokenizer, _ = tiny
    press_ctrl_c(0.3)
    with pytest.raises(KeyboardInterrupt):
        llm.generate(model, tokenizer, "the", max_tokens=10_000_000)


# --- the programs --------------------------------------------------------------------


def test_losses_and_tokens_are_the_programs(tmp_path):
    """simple_llm train and sample, and the same from Python."""
    home = Home(tmp_path, TEXT)
    out = tmp_path / "program"
    words = ["train", "--data", home.text, "--out", out, "--steps", 5]
    words += ["--batch", 4, "--block", 16, "--layers", 2, "--heads", 2]
    home.run(*words, "--width", 32, "--seed", 11)
    preset = llm.preset("tiny")
    shape = preset.model
    shape.layers, shape.heads, shape.width = 2, 2, 32
    config = preset.train
    config.batch, config.seed = 4, 11
    config.set_steps(5)
    config.set_block(16)
    corpus = llm.load_corpus(str(home.text))
    tokenizer = llm.make_tokenizer(preset, corpus)
    split = llm.encode_split(corpus, tokenizer)
    model = llm.make_model(llm.model_config(shape, len(tokenizer), 16))
    model.initialize(11)
    losses = []
    llm.train(
        model, tokenizer, split, config, tmp_path / "python",
        on_step=lambda s: losses.append(s.loss),
    )  # fmt: skip
    lines = (out / "metrics.jsonl").read_text().splitlines()[1:]
    theirs = [json.loads(line)["loss"] for line in lines]
    assert losses == theirs
    words = ["sample", "--model", out, "--prompt", "the", "--seed", 3]
    words += ["--max-tokens", 15, "--temperature", 0.8, "--json"]
    written = last_json(home.run(*words))
    ours = llm.generate(
        model, tokenizer, "the", max_tokens=15, temperature=0.8, seed=3
    )
    assert ours.ids == written["tokens"]
    assert ours.logprobs == pytest.approx(written["logprobs"], abs=1e-6)


# --- looking inside --------------------------------------------------------------------


def test_attention_from_a_reading(tiny):
    model, tokenizer, _ = tiny
    tokens = tokenizer.encode("the cat sat on the mat")
    reading = llm.inspect.read(model, tokens)
    rows = llm.inspect.attention_rows(reading, 1)
    T = len(tokens)
    assert rows.shape == (2, T, T)
    assert mx.allclose(rows.sum(-1), mx.ones((2, T)), atol=1e-5)
    assert mx.array_equal(mx.triu(rows, 1), mx.zeros_like(rows))
    one = llm.inspect.attention_rows(reading, 1, head=1, begin=3, end=5)
    assert mx.allclose(one[0], rows[1, 3:5], atol=1e-6)
    scores = llm.inspect.head_scores(reading, 1)
    sink = rows[0, 1:, 0].mean().item()
    assert scores[0].sink == pytest.approx(sink, abs=1e-5)


def test_the_lens_ends_with_the_model(tiny):
    model, tokenizer, _ = tiny
    tokens = tokenizer.encode("the cat")
    reading = llm.inspect.read(model, tokens)
    cells = llm.inspect.logit_lens(model, reading, top_k=3)
    assert len(cells) == model.layer_count + 1 and len(cells[0]) == len(tokens)
    p = llm.inspect.probabilities(reading.last_logits)
    best = cells[-1][-1].top[0]
    assert best.id == int(np.argmax(p))
    assert best.p == pytest.approx(max(p), abs=1e-6)
    assert cells[-1][-1].kl == pytest.approx(0, abs=1e-6)


def test_what_if(tiny):
    model, tokenizer, _ = tiny
    inspect = llm.inspect
    reading = inspect.read(model, tokenizer.encode("the cat sat"))
    same = inspect.what_if(model, reading, [inspect.ScaleHead(0, 0, 1.0)])
    assert same.kl == pytest.approx(0, abs=1e-6)
    other = inspect.what_if(model, reading, [inspect.ScaleMLP(1)])
    p = inspect.probabilities(reading.last_logits)
    q = inspect.probabilities(other.reading.last_logits)
    assert other.kl == pytest.approx(inspect.kl(p, q), rel=1e-3)
    assert other.kl > 0
    with pytest.raises(llm.UsageError, match="layer"):
        inspect.what_if(model, reading, [inspect.ScaleHead(9, 0)])


# --- fine-tuning and judging -----------------------------------------------------------


def test_tuning_changes_adapters_alone(tiny, tmp_path):
    model, tokenizer, _ = tiny
    folder = tmp_path / "base"
    llm.save_model_folder(folder, model, tokenizer)
    usable = llm.load_for_use(str(folder))
    rows = [{"prompt": f"the {x}", "completion": "sat"} for x in "cat dog mat log".split()]  # fmt: skip
    data_file = tmp_path / "data.jsonl"
    data_file.write_text("\n".join(map(json.dumps, rows * 3)))
    data = llm.load_instructions(data_file)
    config = llm.tune_defaults()
    config.steps, config.batch, config.block = 4, 2, 24
    config.eval_every = 2
    adapter = llm.AdapterConfig(rank=4, targets=["c_attn"], layers=-1)
    before = usable.model.parameters()
    losses = []
    result = llm.tune(
        usable, data, tmp_path / "adapter", adapter, config,
        on_step=lambda s: losses.append(s.loss),
    )  # fmt: skip
    assert result.stopped == "finished" and losses[-1] < losses[0]
    after = usable.model.parameters()
    for name, value in before.items():
        assert mx.array_equal(after[name], value), name
    changed = llm.adapter_parameters(usable.model)
    assert changed and set(after) == set(before) | set(changed)
    again = llm.load_for_use(str(folder))
    llm.load_adapters(again.model, tmp_path / "adapter")
    tokens = mx.array([tokenizer.encode("the cat")])
    assert mx.allclose(again.model(tokens), usable.model(tokens), atol=1e-6)


def test_a_saved_model_keeps_its_chat(tiny, tmp_path):
    model, tokenizer, _ = tiny
    llm.save_model_folder(tmp_path / "a", model, tokenizer)
    path = tmp_path / "a" / "tokenizer_config.json"
    template = "{{ messages[0]['content'] }} and"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"chat_template": template})
    )
    usable = llm.load_for_use(str(tmp_path / "a"))
    saved = usable.model, usable.tokenizer
    llm.save_model_folder(tmp_path / "b", *saved, info=usable.info)
    llm.save_model_folder(tmp_path / "c", *saved)
    assert llm.load_for_use(str(tmp_path / "b")).chat_text(
        [{"role": "user", "content": "the cat"}]
    ) == ("the cat and")
    assert not llm.load_for_use(str(tmp_path / "c")).knows_chat


def test_evaluations(tiny):
    model, tokenizer, split = tiny
    text = tokenizer.decode(split.val)
    seen = []
    judged = llm.evaluate_text(
        model, tokenizer, text, progress=lambda *x: seen.append(x)
    )
    assert judged["bits_per_char"] == pytest.approx(
        judged["nats_per_char"] / math.log(2)
    )
    windows = llm.fixed_windows(len(split.val), model.context_length)
    loss = llm.evaluate_windows(model, split.val, windows)
    assert loss == pytest.approx(judged["nats_per_char"], abs=1e-6)
    assert seen and seen[-1][0] == seen[-1][1]
    question = llm.ChoiceQuestion("the cat ", ["sat", "log"], 0)
    result = llm.evaluate_choices(model, tokenizer, [question])
    assert result["questions"] == 1 and result["chance"] == 0.5
    p = llm.choice_log_probs(model, tokenizer, question)
    assert (result["acc"] == 1) == (p[0] > p[1])


# --- what editors see ------------------------------------------------------------------


def test_everything_says_what_it_is():
    """A docstring for each function, and stubs that name them all."""
    core = __import__("mlx_llm_tutorial._core", fromlist=["_core"])
    missing = [
        f"{space.__name__}.{name}"
        for space in (core, core.nn, core.inspect)
        for name, value in vars(space).items()
        if callable(value) and not name.startswith("_")
        if len((value.__doc__ or "").replace(name, "")) < 15
    ]
    assert missing == []


# --- being imported --------------------------------------------------------------------


def python(code):
    words = [sys.executable, "-W", "always", "-c", code]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(sys.platform != "linux", reason="BLAS of the Linux wheel")
def test_openblas_comes_before_mlx():
    """A product of matrices is BLAS's in both: only one of them is fast."""
    code = "print(llm.measure_sgemm_gflops() / llm.measure_sgemm_gflops(64))"
    first = python("import mlx_llm_tutorial as llm, mlx.core\n" + code)
    late = python("import mlx.core, mlx_llm_tutorial as llm\n" + code)
    assert first.returncode == late.returncode == 0, late.stderr
    assert "expected to be imported before mlx.core" not in first.stderr
    assert "expected to be imported before mlx.core" in late.stderr


def test_plots_and_cells_need_no_library(tmp_path):
    """What does not need _core works without it, and says how to get it."""
    folder = pathlib.Path(llm.__file__).parent.resolve()
    package = tmp_path / "mlx_llm_tutorial"
    package.mkdir()
    source = (folder / "__init__.py").resolve().parent
    for path in source.glob("*.py"):
        (package / path.name).symlink_to(path)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += "import mlx_llm_tutorial as llm\n"
    for line in (
        "import mlx_llm_tutorial.course",
        "llm.course.FAST",
        "from mlx_llm_tutorial import course",
    ):
        assert python(code + line).returncode == 0, line
    done = python(code + "llm.generate")
    assert "run: ./tutorial notebook --build" in done.stderr
