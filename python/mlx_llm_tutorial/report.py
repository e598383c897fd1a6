# SPDX-License-Identifier: MIT
"""A report of figures, tables and samples, as Markdown and as one HTML file.

    report = Report("Base and tuned", "What ten minutes of tuning changed.")
    report.heading("Loss")
    report.figure(figure, "Loss of two runs")
    report.table({"base": {"loss": 2.9}, "tuned": {"loss": 1.7}})
    report.samples("Who are you?", {"base": "...", "tuned": "..."})
    report.save(folder)             # report.md, report.html, figure-1.png

All texts stand there as they are: what looks like markup, from a model too, is
text. The HTML file holds its figures and asks no network for anything.
"""

import base64
import html
import io
import os
import pathlib
import re
from dataclasses import dataclass

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; color: #1e1d1a; background: #fff; }
h1, h2 { line-height: 1.2; }
figure { margin: 1.5rem 0; }
img { max-width: 100%; height: auto; }
figcaption, caption { color: #4f4b44; font-size: 0.9rem; text-align: left; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1.5rem 0; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid #e6e2da;
  text-align: right; vertical-align: top; }
th:first-child { text-align: left; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.3rem 0;
  padding: 0.6rem; background: #f3f1ec; font-size: 0.85rem; }
.pair { display: grid; gap: 0 1rem; margin-bottom: 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.prompt { grid-column: 1 / -1; }
"""
# A browser that obeys this loads nothing and runs nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass
class Heading:
    text: str

    def markdown(self):
        return f"## {one_line(self.text)}\n"

    def html(self):
        return f"<h2>{html.escape(self.text)}</h2>"


@dataclass
class Text:
    text: str

    def paragraphs(self):
        parts = re.split(r"\n\s*\n", self.text.strip())
        return [" ".join(part.split()) for part in parts if part.strip()]

    def markdown(self):
        return "\n".join(f"{one_line(p)}\n" for p in self.paragraphs())

    def html(self):
        return "\n".join(f"<p>{html.escape(p)}</p>" for p in self.paragraphs())


@dataclass
class Figure:
    png: bytes
    caption: str
    file: str

    def markdown(self):
        text = one_line(self.caption)
        return f"![{text}]({self.file})\n\n{text}\n"

    def html(self):
        text = html.escape(self.caption)
        data = base64.b64encode(self.png).decode()
        return (
            f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
            f"<figcaption>{text}</figcaption></figure>"
        )


@dataclass
class Table:
    rows: dict  # {name: {column: value}}
    caption: str

    def cells(self):
        """The heads, then a list of texts for each row."""
        heads = list(
            dict.fromkeys(c for row in self.rows.values() for c in row)
        )
        yield ["", *map(str, heads)]
        for name, row in self.rows.items():
            yield [str(name), *(shown(row.get(head)) for head in heads)]

    def markdown(self):
        lines = [[one_line(cell) for cell in line] for line in self.cells()]
        lines.insert(1, ["---", *["---:"] * (len(lines[0]) - 1)])
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        caption = f"{one_line(self.caption)}\n\n" if self.caption else ""
        return caption + table

    def html(self):
        heads, *lines = [[*map(html.escape, line)] for line in self.cells()]
        out = "".join(f'<th scope="col">{head}</th>' for head in heads)
        out = f"<thead><tr>{out}</tr></thead>"
        for name, *cells in lines:
            row = "".join(f"<td>{cell}</td>" for cell in cells)
            out += f'\n<tr><th scope="row">{name}</th>{row}</tr>'
        caption = html.escape(self.caption)
        out = (f"<caption>{caption}</caption>" if caption else "") + out
        return f'<div class="wide"><table>{out}</table></div>'


@dataclass
class Samples:
    prompt: str
    texts: dict  # {name: text}

    def markdown(self):
        parts = [("Prompt", self.prompt), *self.texts.items()]
        return "\n".join(f"{one_line(n)}:\n\n{fenced(t)}" for n, t in parts)

    def html(self):
        out = framed("Prompt", self.prompt, "prompt")
        for name, text in self.texts.items():
            out += framed(name, text, "answer")
        return f'<div class="pair">{out}</div>'


class Report:
    def __init__(self, title, about=""):
        self.title = clean(title)
        self.blocks = []
        if about:
            self.text(about)

    def heading(self, text):
        self.blocks.append(Heading(clean(text)))

    def text(self, text):
        """Paragraphs, with empty lines between them."""
        self.blocks.append(Text(clean(text)))

    def figure(self, figure, caption):
        """A Matplotlib figure as it is now; the caption says what it shows, to
        those who do not see it too."""
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150, metadata={"Software": None})
        number = 1 + sum(isinstance(b, Figure) for b in self.blocks)
        file = f"figure-{number}.png"
        self.blocks.append(Figure(png.getvalue(), clean(caption), file))

    def table(self, rows, caption=""):
        """{name: {column: number, text or None}}."""
        rows = {
            clean(name): {clean(k): v for k, v in row.items()}
            for name, row in rows.items()
        }
        self.blocks.append(Table(rows, clean(caption)))

    def samples(self, prompt, texts):
        """What each of {name: text} wrote after a prompt."""
        texts = {clean(name): clean(text) for name, text in texts.items()}
        self.blocks.append(Samples(clean(prompt), texts))

    def markdown(self):
        parts = [f"# {one_line(self.title)}\n"]
        return "\n".join(parts + [block.markdown() for block in self.blocks])

    def html(self):
        title = html.escape(self.title)
        body = "\n".join(block.html() for block in self.blocks)
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n'
            '<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            '<meta name="viewport" content="width=device-width">\n'
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n"
            f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
        )

    def save(self, folder):
        """Writes report.md with its figures and report.html; returns both
        paths."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for block in self.blocks:
            if isinstance(block, Figure):
                write(folder / block.file, block.png)
        page, text = folder / "report.html", folder / "report.md"
        write(page, self.html().encode())
        write(text, self.markdown().encode())
        return text, page


def write(path, data):
    """Complete or not at all."""
    half = path.with_name(path.name + ".tmp")
    half.write_bytes(data)
    os.replace(half, path)


def clean(text):
    """A text that every file can hold: no zeros, no halves of characters, "\\n"
    as line end."""
    text = str(text).encode("utf-8", "replace").decode()
    return (
        text.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")
    )


def shown(value):
    """A cell: numbers with four digits that count."""
    if value is None:
        return "–"
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        return clean(value)
    number = float(value)
    return f"{number:,.0f}" if number.is_integer() else f"{number:,.4g}"


def one_line(text):
    """A text as Markdown that means just this text, in one line."""
    text = " ".join(text.split())
    text = re.sub(r"([\\`*_{}\[\]<>#|~&$!])", r"\\\1", text)
    text = re.sub(r"^([-+=])", r"\\\1", text)  # a list, a line below a head
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", text)  # a numbered list


def fenced(text):
    """A code block, with a fence that does not come in the text."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def framed(name, text, kind):
    """A <pre> with a name; the line end after <pre> is dropped by browsers."""
    return (
        f'<div class="{kind}"><strong>{html.escape(name)}</strong>'
        f"<pre>\n{html.escape(text)}</pre></div>"
    )
