# SPDX-License-Identifier: MIT
"""A page with everything that pages have, and its figure."""

import json

from page_server import ROOT

READY = """document.querySelector(".reader-page h1") &&
  !document.querySelector("[aria-busy]")"""

SAMPLE = r"""# Everything on one page

> **Level:** deeper · **Time:** 20 minutes to read, 3 minutes of a 2-core CPU · **Memory:** 1 GB · **Apple silicon:** not yet measured (`./tutorial bench report`)

<!-- docs: folder=repository -->

After this page you can tell attention from a table of numbers. A value: <!-- value: x.json a.b .2f -->1.43<!-- /value -->
<!-- value: x.json a.c .2f -->2.54<!-- /value --> nats at the begin of a line.[^loss]

## Attention

For one head with queries $Q \in \mathbb{R}^{T \times d}$ the weights are

$$
A = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}} + M\right), \qquad
M_{ij} = \begin{cases} 0 & j \le i \\ -\infty & j > i \end{cases}
$$

so that *each row* sums to 1, **whatever** the scores; it costs $5 and $10. See [the masks](#masks-and-shapes),
[the performance page](performance.md#two-limits), [module.h](../../llm/nn/module.h) and [MLX](https://github.com/ml-explore/mlx).

![Two boxes joined by an arrow](figures/sample.svg)

<!-- snippet: llm/nn/attention.cpp#attention -->
```cpp
/// Scores, mask, softmax, values: [B, H, L, D].
mx::array attend(const mx::array& q, const mx::array& k, const mx::array& v) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(q.shape(-1)));
  auto scores = mx::matmul(q * scale, mx::transpose(k, {0, 1, 3, 2}));
  return mx::matmul(mx::softmax(scores, -1), v); // a line that is long enough to be scrolled on every screen there is
}
```

```python run
import mlx.core as mx
print("MLX", mx.__version__, 3.5)  # a comment
```

```text output
MLX 0.32.4 3.5
```

```bash run exit=3
./tutorial run simple_llm train --steps "-1"  # refused
```

```bash mac
sudo xcode-select --install  # "once"
```

```cpp body fails: no matching function
mx::add(1);
```

```cmake file=CMakeLists.txt
cmake_minimum_required(VERSION 3.24)
project(tiny LANGUAGES CXX)
```

```json
{"steps": 500, "lr": 0.001, "data": null}
```

```yaml
steps: 500 # a comment
```

```diff
-  old line
+  new line
```

```unknown
<b>shown as text</b>
```

### Masks and shapes

| Layer | Shape | Parameters |
| :--- | :---: | ---: |
| `tok_embedding` | $[V, C]$ | 49,152 |
| `attention` with a long name | $[C, 3C]$ | 1,769,472 |

- [x] read
- [ ] try
- a list with `code`, ~~mistakes~~ and
  1. numbers
  2. in it

> [!NOTE]
> The mask is added *before* softmax.

> [!TIP]
> Print the shapes.

> [!IMPORTANT]
> Rows sum to 1.

> [!WARNING]
> Half precision overflows at 65,504.

> [!CAUTION]
> This deletes the folder.

> A quotation is no callout.

### Exercises

**★ 1** Why is the scale $1 / \sqrt{d}$?[^loss]

<details>
<summary>Solution with `code`</summary>

Because the *variance* of a sum of $d$ products is $d$.

```python run
print(1)
```

</details>

## Masks and shapes

The same name again; `vector<int>` in code, <b>bold</b> HTML that is dropped.

---

#### A small heading

www.example.org and <https://example.org>.

[^loss]: In nats. See the [glossary](glossary.md).
"""
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 160" role="img">
<title>Two boxes joined by an arrow</title>
<style>
:root { --ink: #1f2430; --accent: #2f6fdb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --accent: #7aa9ff; } }
rect { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.mark { fill: var(--accent); }
text { font: 14px system-ui; fill: var(--ink); text-anchor: middle; }
path { stroke: var(--ink); stroke-width: 1.5; fill: none; }
</style>
<rect class="mark" x="0" y="0" width="20" height="20"/>
<rect x="120" y="50" width="180" height="60" rx="6"/><text x="210" y="85">queries [T, d]</text>
<rect x="460" y="50" width="180" height="60" rx="6"/><text x="550" y="85">weights [T, T]</text>
<path d="M300 80H452M444 75l8 5l-8 5"/>
</svg>
"""


def sample_files():
    """Of a server that has the sample between two of the real pages."""
    contents = json.loads((ROOT / "public/docs/contents.json").read_text())
    contents[0]["pages"].insert(
        1,
        {"slug": "sample", "file": "docs/sample.md", "level": "deeper",
         "title": "Everything on one page", "minutes": 20},
    )  # fmt: skip
    return {
        "/public/docs/contents.json": json.dumps(contents),
        "/public/docs/sample.md": SAMPLE,
        "/public/docs/figures/sample.svg": FIGURE,
    }
