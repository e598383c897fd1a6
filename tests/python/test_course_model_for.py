# SPDX-License-Identifier: MIT
"""A model for a text that none can read: a small new one, which is usable."""

import json

import mlx_llm_tutorial as llm
from mlx_llm_tutorial import course


def test_without_a_model_a_small_new_one_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLX_TUTORIAL_HOME", str(tmp_path))
    monkeypatch.setenv("MLX_TUTORIAL_OFFLINE", "1")
    usable = course.model_for("What is a token? A number.")
    said = capsys.readouterr().out
    assert "./tutorial run generate --model smollm2" in said
    # It can be fine-tuned like any other.
    rows = [{"prompt": "What is a token?", "completion": "A number."}] * 4
    path = tmp_path / "data.json"
    path.write_text(json.dumps(rows))
    data = llm.load_instructions(path)
    config = llm.tune_defaults()
    config.steps, config.batch = 2, 2
    config.schedule.warmup = 0
    losses = []
    llm.tune(
        usable, data, tmp_path / "adapter", llm.AdapterConfig(), config,
        on_step=lambda step: losses.append(step.loss),
    )  # fmt: skip
    assert losses[1] < losses[0]


def test_a_model_that_lacks_a_character_is_not_taken(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("MLX_TUTORIAL_HOME", str(tmp_path))
    monkeypatch.setenv("MLX_TUTORIAL_OFFLINE", "1")
    mine = course.model_for("abc")
    folder = llm.new_model_folder("mine")
    llm.save_model_folder(folder, mine.model, mine.tokenizer)
    llm.point_latest_at(folder)
    assert course.model_for("cab").path.resolve() == folder.resolve()
    capsys.readouterr()
    assert course.model_for("xyz").tokenizer.encode("zyx")
    assert "No model here reads this text" in capsys.readouterr().out
