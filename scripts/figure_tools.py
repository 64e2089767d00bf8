"""What the sections of figures.py share: running programs, and writing what they print."""
import datetime
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECTIONS = {}
DRIFTED = 3


class Skipped(Exception):
    """What a section needs is not there."""


class Failed(Exception):
    """A program failed."""


def section(name, quoted):
    def add(function):
        SECTIONS[name] = (quoted, function)
        return function

    return add


class Figures:
    def __init__(self, options):
        self.options, self.quick = options, options.quick
        self.out = pathlib.Path(options.out).resolve()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="figures-"))
        self.peers = pathlib.Path(options.peers).resolve() if options.peers else None
        self.folder = pathlib.Path(options.built).resolve() if options.built else None
        self.stamp = None

    def program(self, name):
        """The path of a program of this workspace, built if need be."""
        if self.folder is None:
            package = "benches" if name in ("compare", "load", "memory") else "examples"
            kind = "--bin" if package == "benches" else "--example"
            self.run(["cargo", "build", "-q", "--release", "-p", package, kind, name])
            target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
            return target / "release" / ("" if package == "benches" else "examples") / name
        for place in (self.folder, self.folder / "examples"):
            if (place / name).exists():
                return place / name
        raise Skipped(f"{name} is not in {self.folder}")

    def run(self, words, accept=(0,)):
        """What a command prints; its errors go to the terminal."""
        words = [str(word) for word in words]
        print("$", " ".join(words), file=sys.stderr, flush=True)
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode not in accept:
            raise Failed(f"{pathlib.Path(words[0]).name} ended with {done.returncode}")
        return done.stdout

    def own(self, name, *words, accept=(0,)):
        return self.run([self.program(name), *words], accept)

    def stamped(self):
        """Machine, date and commit."""
        if self.stamp is None:
            machine = self.own("compare", "--machine").strip()
            commit = self.run(["git", "rev-parse", "--short", "HEAD"]).strip()
            changed = self.run(["git", "status", "--porcelain", "--untracked-files=no"]).strip()
            state = " with changes" if changed else ""
            size = "; --quick: no figures to quote" if self.quick else ""
            self.stamp = f"{machine}; {datetime.date.today()}; commit {commit}{state}{size}"
        return self.stamp

    def markdown(self, name, text):
        self.write(f"{name}.md", f"{text.rstrip()}\n\n<sub>{self.stamped()}</sub>\n")

    def svg(self, name, text):
        self.write(f"{name}.svg", text.replace("</svg>", f"<desc>{self.stamped()}</desc>\n</svg>"))

    def lines(self, name, text):
        self.markdown(name, f"```\n{text.strip()}\n```")

    def write(self, name, text):
        self.out.mkdir(parents=True, exist_ok=True)
        part = self.out / f"{name}.part"
        part.write_text(text)
        part.replace(self.out / name)
        print(f"wrote {self.out / name}", file=sys.stderr)

    def picture(self, name, path):
        self.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.out / name)

    def compare(self, name, *words):
        """The measurements of a run of compare; those of a machine that was not equally fast say so."""
        report = self.work / f"{name}.json"
        pace = ["--rounds", 1, "--seconds", 0.1, "--warm-up", 0] if self.quick else ["--rounds", 4, "--seconds", 2]
        self.own("compare", *words, *pace, "--save", report, accept=(0, DRIFTED))
        return report, json.loads(report.read_text())["measurements"]

    def show(self, report, form):
        return self.own("compare", "--show", report, "--format", form)

    def not_quick(self, why):
        if self.quick:
            raise Skipped(f"{why}; not with --quick")


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def columns(text):
    """The lines of a table whose columns are at least two blanks apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]


def needs(module):
    if importlib.util.find_spec(module) is None:
        raise Skipped(f"Python's {module} is not installed")
