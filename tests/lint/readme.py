#!/usr/bin/env python3
"""Run the examples of the documents: those of the README (its `sh` block line by line in a folder
with the data sets, its `c` block compiled and run), and the guide's: its `sh` blocks in order in one
such folder, each against the `text` block behind it.

A `text` block shows lines of what its commands print, in their order; a line "..." stands for any
lines, and "…" within a line for any characters, such as seconds.

usage: readme.py SOURCE TOOLS LIBRARY_FOLDER COMPILER
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile


def block(text, language):
    return re.search(rf"```{language}\n(.*?)```", text, re.S).group(1)


def run(command, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, **kwargs)
    if done.returncode:
        sys.exit(f"{command}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def folder_with_data(source, folder):
    datasets = os.path.join(source, "datasets")
    for name in os.listdir(datasets):
        shutil.copy(os.path.join(datasets, name), folder)


def shows(expected, printed):
    """The first expected line that is not printed where it should be, or None."""
    lines = iter(line.rstrip() for line in printed.splitlines())
    free = True
    for want in expected.splitlines():
        want = want.rstrip()
        if want == "...":
            free = True
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in want.split("…")))
        for line in lines:
            if pattern.fullmatch(line):
                break
            if not free:
                return f"{want!r}; printed was {line!r}"
        else:
            return f"{want!r}; nothing like it was printed"
        free = False
    return None


def guide(path, source, env):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with tempfile.TemporaryDirectory() as folder:
        folder_with_data(source, folder)
        blocks = re.findall(r"```(\w+)\n(.*?)```", text, re.S)
        printed = None
        for language, body in blocks:
            if language == "sh":
                printed = run(["sh", "-ec", body], cwd=folder, env=env)
            elif language == "text":
                wrong = shows(body, printed or "")
                if wrong:
                    sys.exit(f"{os.path.relpath(path, source)}: expected {wrong}\n{printed}")


def main():
    source, tools, library, compiler = sys.argv[1:]
    with open(os.path.join(source, "README.md"), encoding="utf-8") as f:
        text = f.read()
    env = dict(os.environ, PATH=tools + os.pathsep + os.environ["PATH"], LD_LIBRARY_PATH=library)
    with tempfile.TemporaryDirectory() as folder:
        folder_with_data(source, folder)
        for line in block(text, "sh").splitlines():
            run(["sh", "-c", line], cwd=folder, env=env)
        example = os.path.join(folder, "example.c")
        with open(example, "w", encoding="utf-8") as f:
            f.write(block(text, "c"))
        run([compiler, "-std=c17", "-Wall", "-Wextra", "-Werror", "-I",
             os.path.join(source, "include"), example, "-o", example[:-2], "-L", library,
             "-lmlkit"], cwd=folder)
        out = run([example[:-2]], env=env)
        # alpha = 0.5, centred: slope = 37.35 / (17.5 + 0.5), worked out by hand.
        if not out.startswith("slope 2.075000, "):
            sys.exit(f"the C example printed {out}")
    for path in sorted(glob.glob(os.path.join(source, "docs", "guide", "*.md"))):
        guide(path, source, env)


main()
