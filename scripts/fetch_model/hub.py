# SPDX-License-Identifier: MIT
"""A model of the Hugging Face Hub, through huggingface_hub: its client knows
HF_ENDPOINT, HF_TOKEN and proxies. Its own download forgets half a file when it
is interrupted; here a file is continued where it ended, and its sum compared
with the Hub's before it gets its name."""
import contextlib
import re
import sys
import time

from files import (
    Failure,
    check,
    half_done,
    matches,
    need_disk,
    publish,
    say,
    size_text,
)
from huggingface_hub import HfApi, constants, get_session, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status
from tqdm import tqdm

# What a model folder needs; nothing in folders below, whatever its name.
WANTED = re.compile(
    r"(?!consolidated)[A-Za-z0-9_][\w.-]*\.(safetensors|json|model|txt|jinja)"
    r"|README\.md|LICENSE[\w.-]*",
    re.ASCII,
)
GGUF = re.compile(r"[A-Za-z0-9_][\w.-]*\.gguf", re.ASCII)
SECONDS = 30  # without an answer
TRIES = 5  # that bring nothing new
ADVICE = {
    401: "check your HF_TOKEN",
    403: "check what your HF_TOKEN may read",
    404: "check the spelling and HF_ENDPOINT",
    429: "wait some minutes, then run it again",
}


def fetch(target, repository, revision, file):
    with half_done(target) as half, explained(repository, revision, file):
        info = HfApi().model_info(
            repository, revision=revision, files_metadata=True, timeout=SECONDS
        )
        wanted = [
            sibling
            for sibling in choose(info, repository, file)
            if not matches(target / sibling.rfilename, sum_of(sibling))
        ]
        total = sum(sibling.size for sibling in wanted)
        say(
            f"Fetching {repository} (licence {licence(info)}) from "
            f"{constants.ENDPOINT} into {target}: {len(wanted)} files, "
            f"{size_text(total)}."
        )
        parts = [half / f"{s.rfilename}.{sum_of(s)[:16]}.part" for s in wanted]
        there = sum(part.stat().st_size for part in parts if part.is_file())
        need_disk(total - there, half)
        with tqdm(
            total=total,
            initial=there,
            unit="B",
            unit_scale=True,
            disable=not sys.stderr.isatty(),
        ) as bar:
            for sibling, part in zip(wanted, parts):
                url = hf_hub_url(
                    repository, sibling.rfilename, revision=info.sha
                )
                download(url, part, sibling.size, bar)
                check(part, sum_of(sibling), sibling.rfilename)
        names = [sibling.rfilename for sibling in wanted]
        publish(list(zip(parts, names)), target, half)


def sum_of(sibling):
    """sha256 of what is in large file storage, else git's name."""
    return sibling.lfs.sha256 if sibling.lfs else sibling.blob_id


def licence(info):
    named = [t[8:] for t in info.tags or [] if t.startswith("license:")]
    return named[0] if named else "unknown: see its page"


def choose(info, repository, file):
    """The files to fetch, config.json last: it says that the rest is there."""
    found = {sibling.rfilename: sibling for sibling in info.siblings or []}
    ggufs = sorted(n for n in found if GGUF.fullmatch(n))
    listed = ", ".join(ggufs[:10]) or "none"
    if file:
        if file not in found:
            raise Failure(
                f"expected the GGUF file {file} in {repository} but the Hub "
                f"has no such file; its GGUF files: {listed}."
            )
        return [found[file]]
    if "config.json" not in found and ggufs:
        raise Failure(
            f"expected one model but {repository} has GGUF files; choose one "
            f"and write {repository}:FILE: {listed}."
        )
    names = [name for name in found if WANTED.fullmatch(name)]
    names.sort(key=lambda name: (name == "config.json", name))
    if "config.json" not in names or not any(
        name.endswith(".safetensors") for name in names
    ):
        raise Failure(
            f"expected config.json and *.safetensors in {repository} but the "
            "Hub has no such files there; choose another model."
        )
    return [found[name] for name in names]


def download(url, part, size, bar):
    """Continues `part` until it has `size` bytes. A broken connection is tried
    again, as long as something comes."""
    best, tries = 0, 0
    while (there := part.stat().st_size if part.is_file() else 0) != size:
        try:
            receive(url, part, there, size, bar)
        except HTTPError as error:
            if isinstance(error, HfHubHTTPError):
                raise
            there = part.stat().st_size if part.is_file() else 0
            tries = 0 if there > best else tries + 1
            best = max(best, there)
            if tries == TRIES:
                raise
            time.sleep(0.5)
    if not part.is_file():
        part.touch()  # an empty file


def receive(url, part, there, size, bar):
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if 0 < there < size:
        headers["Range"] = f"bytes={there}-"
    with get_session().stream(
        "GET", url, headers=headers, timeout=SECONDS
    ) as answer:
        hf_raise_for_status(answer)
        continued = answer.status_code == 206
        bar.update(0 if continued else -there)
        with open(part, "ab" if continued else "wb") as out:
            for piece in answer.iter_bytes():
                out.write(piece)
                out.flush()  # an interrupt loses nothing
                bar.update(len(piece))
                if out.tell() > size:
                    break
    received = part.stat().st_size
    if received != size:
        part.unlink()
        raise Failure(
            f"expected {size} bytes from {url} but received {received}; the "
            "file was removed, run it again."
        )


@contextlib.contextmanager
def explained(repository, revision, file):
    """The Hub's refusals and the network's failures, in one line each."""
    at = f" at revision {revision}" if revision else ""
    try:
        yield
    except GatedRepoError:
        raise Failure(
            f"expected leave to read {repository} but its owner asks for an "
            f"agreement; accept it at {constants.ENDPOINT}/{repository}, then "
            "set HF_TOKEN to your token."
        )
    except RevisionNotFoundError:
        raise Failure(
            f"expected {repository}{at} but the Hub has no such revision "
            "(404); check the spelling."
        )
    except RepositoryNotFoundError:
        raise Failure(
            f"expected a folder or a model of the Hub but there is no folder "
            f"{repository} and {constants.ENDPOINT} shows no such model; check "
            "the spelling, or set HF_TOKEN if it is private."
        )
    except HfHubHTTPError as error:
        status = error.response.status_code
        advice = ADVICE.get(status, "run it again later")
        raise Failure(
            f"expected {file or repository}{at} from {constants.ENDPOINT} but "
            f"it answered {status}; {advice}."
        )
    except HTTPError as error:
        raise Failure(
            f"expected {repository} from {constants.ENDPOINT} but there is no "
            f"connection ({error or type(error).__name__}); check the network "
            "and the proxy (https_proxy), then run it again to continue."
        )
    except OfflineModeIsEnabled:
        raise Failure(
            f"expected {repository} to be there but it is not, and downloads "
            "are switched off (HF_HUB_OFFLINE); run it once without."
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Failure(
            f"expected {constants.ENDPOINT} to answer about {repository} as "
            f"the Hub does but could not read it ({error}); check the name, "
            "HF_ENDPOINT and the proxy."
        )
