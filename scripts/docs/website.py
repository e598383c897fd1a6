# SPDX-License-Identifier: MIT
"""The pages as a folder that any static server shows: what is in public/ and
tutorials/, the files that pages link to, and the notebooks with their outputs
(notebooks.py), with the same paths as here, so that the links fit.
"""

import shutil

from checks import Site

START = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>MLX LLM Tutorial</title>
<meta http-equiv="refresh" content="0; url=public/index.html">
<p><a href="public/index.html">MLX LLM Tutorial</a></p>
</html>
"""
FOLDERS = ("public", "tutorials")
LEFT_OUT = shutil.ignore_patterns("node_modules", ".*", "*.part")


def build(root, out):
    """Writes the site; returns what it lacks, if anything."""
    for name in FOLDERS:
        target = out / name
        if target.exists():
            shutil.rmtree(target)
        if (root / name).is_dir():
            shutil.copytree(root / name, target, ignore=LEFT_OUT)
    for name in sorted(Site(root).targets()):
        target = out / name
        if not name.startswith(tuple(f"{f}/" for f in FOLDERS)):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target)
    (out / "index.html").write_text(START)
    if not (out / "public" / "vendor").is_dir():
        return (
            "public/vendor is missing (pages are text): run ./tutorial vendor."
        )
    return None
