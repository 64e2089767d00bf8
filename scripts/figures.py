#!/usr/bin/env python3
"""Makes every figure of the README and of the crates' READMEs anew: figures.py [SECTION ...] [--quick]

    scripts/figures.py --list                                   what there is, and where it is quoted
    scripts/figures.py speed --peers scripts/peers.py           one section, beside other frameworks
    scripts/figures.py --quick --built target/debug --out /tmp/figures   what CI runs

Tables are written as Markdown, charts as SVG, each with the machine, the date and the commit. A section that needs what
is not there (another framework, PyTorch, a data set, a GPU) is left out with a sentence, and its old file stays. Exit
code 1: a program failed that had all it needs. All sections together take about two hours on two cores; --quick takes
small networks and few rounds, and shows that the commands work, not how fast anything is.

Not made here: the screenshot and the times of the page (examples/web), which need a browser.
"""
import argparse
import shutil
import sys

sys.dont_write_bytecode = True
import figure_sections  # noqa: E402, F401: fills SECTIONS
from figure_tools import ROOT, SECTIONS, Failed, Figures, Skipped  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="which [default: all]")
    parser.add_argument("--quick", action="store_true", help="small sizes: that the commands work")
    parser.add_argument("--peers", metavar="PROGRAM", help="other frameworks, such as scripts/peers.py")
    parser.add_argument("--built", metavar="FOLDER", help="take the programs from there instead of building them")
    parser.add_argument("--out", metavar="FOLDER", default=ROOT / "docs/figures")
    parser.add_argument("--list", action="store_true", help="show the sections and where they are quoted")
    options = parser.parse_args()
    if options.list:
        for name, (quoted, _) in SECTIONS.items():
            print(f"{name:<15} {quoted}")
        return
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}; there are {', '.join(SECTIONS)}")
    figures, failed = Figures(options), False
    try:
        for name in options.sections or SECTIONS:
            try:
                SECTIONS[name][1](figures)
            except Skipped as reason:
                print(f"{name} is left out: {reason}", file=sys.stderr)
            except (Failed, OSError) as error:
                print(f"error: {name}: {error}", file=sys.stderr)
                failed = True
    finally:
        shutil.rmtree(figures.work)
    sys.exit(failed)


main()
