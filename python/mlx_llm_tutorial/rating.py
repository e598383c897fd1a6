# SPDX-License-Identifier: MIT
"""Which of two answers is better? Asked without saying who wrote them.

    rating = BlindRating(prompts, {"base": answers, "tuned": others}, seed=1)
    form(rating)       # in a notebook: the two texts and three buttons
    rating.result()    # how often each was preferred, with an interval

The order of the questions and who stands on the left come from the seed. Each
writer stands on the left as often as the other (or once more), so that a liking
for one side helps neither. Pairs of equal answers are not asked.
"""

import hashlib
import html
import json
import os
import pathlib
import random
from dataclasses import dataclass

from mlx_llm_tutorial import intervals

VOTES = {"left": "Left is better", "same": "Equal", "right": "Right is better"}


@dataclass(frozen=True)
class Question:
    """What a rater sees."""

    number: int  # from 1
    prompt: str
    left: str
    right: str


@dataclass(frozen=True)
class Result:
    """What the votes say. `share` is how often the second writer was preferred
    among the decided votes, with its 95 % interval; None without any."""

    names: tuple  # of the first and the second
    wins: tuple
    same: int
    open: int  # questions without a vote
    not_asked: int  # pairs of equal answers
    left: int  # decided votes for the left side
    share: intervals.Interval | None

    @property
    def verdict(self):
        if self.share is None or self.share.holds(0.5):
            return "no difference shown"
        return f"{self.names[self.share.value > 0.5]} is preferred"

    def __str__(self):
        first, second = self.names
        text = (
            f"{first} {self.wins[0]}, {second} {self.wins[1]}, equal "
            f"{self.same}"
        )
        if self.share is not None:
            s = self.share
            text += (
                f"; {second} is preferred in {s.value:.0%} of the decided "
                f"votes (95 % interval {s.low:.0%} to {s.high:.0%})"
            )
        return f"{text}: {self.verdict}."


class BlindRating:
    def __init__(self, prompts, answers, seed=1, folder=None):
        """prompts: [n] texts; answers: {name: [n] texts} of two writers; folder:
        keeps the votes on these answers, which are there again next time."""
        if len(answers) != 2 or any(
            len(texts) != len(prompts) for texts in answers.values()
        ):
            lengths = {name: len(texts) for name, texts in answers.items()}
            raise ValueError(
                f"[BlindRating] expected two writers with {len(prompts)} "
                f"answers each but received {lengths}; give one answer for "
                "each prompt."
            )
        self.names = tuple(answers)
        pairs = list(zip(prompts, *answers.values()))
        asked = [pair for pair in pairs if pair[1].strip() != pair[2].strip()]
        self.not_asked = len(pairs) - len(asked)
        self._pairs, self._swapped = mix(asked, seed)
        self.votes, self._path = [], None
        if folder is not None:
            text = json.dumps([self.names, pairs, seed]).encode()
            code = hashlib.sha256(text).hexdigest()[:12]
            self._path = pathlib.Path(folder) / f"votes-{code}.json"
        if self._path is not None and self._path.is_file():
            self.votes = json.loads(self._path.read_text())

    def __len__(self):
        """Questions."""
        return len(self._pairs)

    @property
    def question(self):
        """The next Question, or None when all are answered."""
        at = len(self.votes)
        if at == len(self):
            return None
        prompt, *texts = self._pairs[at]
        left, right = reversed(texts) if self._swapped[at] else texts
        return Question(at + 1, prompt, left, right)

    def choose(self, vote):
        """Answers the question with "left", "right" or "same"."""
        if vote not in VOTES or self.question is None:
            raise ValueError(
                f"[BlindRating] expected one of {', '.join(VOTES)} while there "
                f"is a question but received {vote!r} as vote "
                f"{len(self.votes) + 1} of {len(self)}."
            )
        self.votes.append(vote)
        self._write()

    def back(self):
        """Takes the last vote back."""
        if self.votes:
            self.votes.pop()
            self._write()

    def result(self):
        wins = [0, 0]
        for vote, swapped in zip(self.votes, self._swapped):
            if vote != "same":
                wins[(vote == "right") != swapped] += 1
        decided = sum(wins)
        return Result(
            self.names,
            tuple(wins),
            self.votes.count("same"),
            len(self) - len(self.votes),
            self.not_asked,
            self.votes.count("left"),
            intervals.share(wins[1], decided) if decided else None,
        )

    def _write(self):
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        half = self._path.with_name(self._path.name + ".tmp")
        half.write_text(json.dumps(self.votes))
        os.replace(half, self._path)


def mix(pairs, seed):
    """The pairs in another order, and for each whether its sides are changed:
    for one half. Only random() is used, which Python keeps as it is."""
    draw = random.Random(seed).random
    order = sorted(range(len(pairs)), key=[draw() for _ in pairs].__getitem__)
    ranks = sorted(range(len(pairs)), key=[draw() for _ in pairs].__getitem__)
    changed = set(ranks[: len(pairs) // 2])
    return [pairs[i] for i in order], [i in changed for i in range(len(pairs))]


def form(rating):
    """The questions with buttons, a widget for the end of a cell. Without
    ipywidgets a line says what to do instead, and nothing is returned."""
    try:
        import ipywidgets as widgets
    except ModuleNotFoundError:
        print("pip install ipywidgets puts the form here. Until then: look at")
        print('rating.question and answer it with rating.choose("left").')
        return None
    return Form(rating, widgets).box


class Form:
    def __init__(self, rating, widgets):
        self.rating = rating
        self.head, self.left, self.right = (widgets.HTML() for _ in range(3))
        self.left.layout.width = self.right.layout.width = "50%"
        self.back = widgets.Button(description="Back")
        self.back.on_click(lambda _: self.act(rating.back))
        self.buttons = [self.vote(widgets, *vote) for vote in VOTES.items()]
        self.box = widgets.VBox(
            [
                self.head,
                widgets.HBox([self.left, self.right]),
                widgets.HBox([*self.buttons, self.back]),
            ]
        )
        self.show()

    def vote(self, widgets, vote, text):
        button = widgets.Button(description=text)
        button.on_click(lambda _: self.act(self.rating.choose, vote))
        return button

    def act(self, change, *vote):
        change(*vote)
        self.show()

    def show(self):
        question = self.rating.question
        self.back.disabled = not self.rating.votes
        for button in self.buttons:
            button.disabled = question is None
        if question is None:
            self.head.value = framed("Result", str(self.rating.result()))
            self.left.value = self.right.value = ""
            return
        number = f"Question {question.number} of {len(self.rating)}"
        self.head.value = framed(number, question.prompt)
        self.left.value = framed("Left", question.left)
        self.right.value = framed("Right", question.right)


def framed(title, text):
    """A text as it is, line ends too, in a frame."""
    style = (
        "border: 1px solid; border-radius: 4px; padding: 6px; margin: 4px;"
        "white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.4"
    )
    return f'<div style="{style}"><b>{title}</b><br>{html.escape(text)}</div>'
