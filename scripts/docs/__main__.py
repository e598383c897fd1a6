# SPDX-License-Identifier: MIT
"""The documents, checked and refreshed:

    docs check [PAGE...]     regions, values, fences, links, figures, contents,
                             spelling; runs nothing
        --links, --mac, --skipped, --numbers
                             only list: addresses outside, blocks for a Mac,
                             blocks that nobody runs, numbers without a source
    docs run [PAGE...]       executes the blocks and compares what they print
    docs write [PAGE...]     refreshes regions, values, figures and, by running
                             the blocks, outputs; --no-run leaves outputs alone
    docs build [NOTEBOOK...] the site, with executed notebooks, in build/docs

A PAGE is a path or its end: simple-llm, tutorials/fine-tuning.md. Exit status 1
if something is wrong; each problem is one line, page:line: what to do.
"""

import argparse
import pathlib
import sys

import checks
import drawings
import refresh
import website
from checks import Site

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTS = {
    "links": checks.list_links,
    "mac": checks.list_mac,
    "skipped": checks.list_skipped,
    "numbers": checks.list_numbers,
}


def chosen(site, names):
    """The pages of these names; all without names. Exit 2 for another name."""
    found = []
    for name in names:
        end = name.removeprefix("./").removesuffix(".md")
        pages = [p for p in site.pages if f"/{p.name[:-3]}".endswith(f"/{end}")]
        if not pages:
            known = ", ".join(p.name for p in site.pages)
            print(
                f"[docs] expected a page but received '{name}'; choose from: "
                f"{known}",
                file=sys.stderr,
            )
            sys.exit(2)
        found += [p for p in pages if p not in found]
    return found if names else site.pages


def ended(problems, done):
    """Prints the problems, then one line for all; returns the exit status."""
    for problem in problems:
        print(problem)
    count = len(problems)
    said = f"{count} problem{'s' * (count != 1)}" if count else "no problems"
    print(f"{done}: {said}", file=sys.stderr)
    return 1 if problems else 0


def check(options):
    site = Site(options.root)
    for name, listed in LISTS.items():
        if getattr(options, name):
            for line in listed(site):
                print(line)
            return 0
    pages = chosen(site, options.pages)
    if options.pages:
        problems = {p for page in pages for p in site.check_page(page)}
        problems.update(site.regions.problems)
        return ended(sorted(problems), checks.summary(pages))
    return ended(site.check(), checks.summary(pages))


def execute(pages, writes=False):
    """Yields (page, its results), with a line for each block as it ends.
    `writes`: an output that differs is no problem."""
    try:
        import runs
        from programs import Compiler, CppError
    except ImportError as error:
        sys.exit(
            f"[docs] expected the built package but {error}; run it as: "
            "./tutorial docs run"
        )
    try:
        compiler = Compiler()
    except CppError as error:
        sys.exit(str(error))
    try:
        for page in pages:
            runs.submit(page, compiler)
        for page in pages:
            results = []
            for result in runs.run_page(page, compiler):
                results.append(result)
                show(page, result, writes)
            yield page, results
    finally:
        compiler.stop()


def show(page, result, writes):
    if result.problem and not (writes and result.said is not None):
        print(result.problem, flush=True)
    else:
        fence = result.fence
        text = f"{page.name}:{fence.line}: {fence}: {result.seconds:.1f} s"
        print(text, file=sys.stderr, flush=True)


def run(options):
    count, seconds, problems = 0, 0.0, 0
    for _, results in execute(chosen(Site(options.root), options.pages)):
        count += len(results)
        seconds += sum(result.seconds for result in results)
        problems += sum(result.problem is not None for result in results)
    text = f"{count} blocks in {seconds:.0f} s, {problems} with problems"
    print(text, file=sys.stderr)
    return 1 if problems else 0


def write(options):
    for line in drawings.draw(options.root) if not options.pages else ():
        print(line)
    site = Site(options.root)
    pages = []
    for page in chosen(site, options.pages):
        new = refresh.write_values(page, site.results)
        pages.append(refresh.write_regions(new, site.regions))
        if pages[-1] is not page:
            print(f"{page.name}: refreshed")
    if not options.pages:
        for document in site.links.documents():
            refresh.write_values(document, site.results)
    if options.no_run:
        return 0
    failed = False
    for page, results in execute(pages, writes=True):
        if refresh.write_outputs(page, results) is not page:
            print(f"{page.name}: outputs refreshed")
        failed |= any(r.problem and r.said is None for r in results)
    return 1 if failed else 0


def build(options):
    out = options.root / "build" / "docs"
    lack = website.build(options.root, out)
    if lack:
        print(f"[docs] {lack}", file=sys.stderr)
    print(f"{out}: python3 -m http.server -d {out} shows it")
    return 0


def main(arguments, root=ROOT):
    parser = argparse.ArgumentParser(
        prog="docs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    for command in (check, run, write, build):
        sub = commands.add_parser(command.__name__)
        sub.set_defaults(command=command)
        if command is not build:
            sub.add_argument("pages", nargs="*", metavar="PAGE")
        for name in LISTS if command is check else ():
            sub.add_argument(f"--{name}", action="store_true")
        if command is write:
            sub.add_argument("--no-run", action="store_true")
    options = parser.parse_args(arguments, argparse.Namespace(root=root))
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
