#!/usr/bin/env python3
"""Run the examples of the README: its `sh` block line by line in a folder with the data sets, its
`c` block compiled and run.

usage: readme.py SOURCE TOOLS LIBRARY_FOLDER COMPILER
"""
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


def main():
    source, tools, library, compiler = sys.argv[1:]
    with open(os.path.join(source, "README.md"), encoding="utf-8") as f:
        text = f.read()
    env = dict(os.environ, PATH=tools + os.pathsep + os.environ["PATH"], LD_LIBRARY_PATH=library)
    with tempfile.TemporaryDirectory() as folder:
        datasets = os.path.join(source, "datasets")
        for name in os.listdir(datasets):
            shutil.copy(os.path.join(datasets, name), folder)
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


main()
