#!/usr/bin/env python3
"""Checks of the source tree that a compiler does not make.

usage: lint.py layers|resources|headers|exports|format|docs SOURCE [ARG]

Each prints one line a finding and exits 1 when there is any.
"""
import os
import re
import subprocess
import sys
import tempfile


def sources(root, *folders):
    for folder in folders:
        for base, _, names in sorted(os.walk(os.path.join(root, folder))):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(base, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def folder_of(path):
    """The layer that a file of lib/, include/mlkit/ or tools/ belongs to."""
    parts = path.split("/")
    if parts[0] == "tools":
        return "tools"
    if parts[0] == "lib":
        return parts[1]
    if len(parts) == 3:  # include/mlkit/core.h
        return {"core.h": "core", "model.h": "model"}.get(parts[2])
    return parts[2]


def layers(root):
    allowed = {}
    for line in read(root, "tests/lint/layers.txt").splitlines():
        if line and not line.startswith("#"):
            name, edges = line.split(":")
            allowed[name] = set(edges.split()) | {name}
    for path in sources(root, "lib", "include", "tools"):
        folder = folder_of(path)
        if folder is None:
            continue  # mlkit.h includes everything
        for number, line in enumerate(read(root, path).splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+(?:<mlkit/([^>]+)>|"([^"]+)")', line)
            if not m:
                continue
            if m.group(1):
                target = folder_of("include/mlkit/" + m.group(1))
            else:
                target = m.group(2).split("/")[0] if "/" in m.group(2) else folder
                if folder == "tools" and "/" in m.group(2):
                    yield f"{path}:{number}: the tools include <mlkit/...> only"
            if target not in allowed.get(folder, ()):
                yield f"{path}:{number}: {folder} may not include {target}"


# What only some files may use: (pattern, files or folders allowed, what it is).
RESOURCES = [
    (r"(?<![>.\w])(malloc|calloc|realloc|free|aligned_alloc|posix_memalign)\s*\(",
     ("lib/core/alloc.c", "lib/core/file.c"), "the heap: use core/alloc"),
    (r"\bomp_|#\s*pragma\s+omp|\bpthread_", ("lib/core/parallel.c",), "threads: use core/parallel"),
    (r"\b(clock_gettime|gettimeofday|time)\s*\(", ("lib/core/parallel.c",), "the clock"),
    (r"\bcblas_|\bLAPACKE_", ("lib/linalg/",), "BLAS and LAPACK: use linalg"),
    (r"#\s*include\s+<zlib.h>", ("lib/data/", "lib/model/archive.c"), "zlib"),
    (r"#\s*include\s+<cbor.h>", ("lib/model/archive.c",), "libcbor"),
    (r"#\s*include\s+<jansson.h>", ("lib/report/json.c",), "jansson"),
    (r"\b(printf|puts|putchar|perror|exit|abort|_exit|setlocale|signal|sigaction|rand|srand)\s*\(",
     (), "printing, exiting, locale, signals, rand(): never in the library"),
    (r"\bassert\s*\(", (), "assert(): a library does not abort"),
]


def resources(root):
    for path in sources(root, "lib"):
        for number, line in enumerate(without_comments(read(root, path)).splitlines(), 1):
            for pattern, allowed, what in RESOURCES:
                if re.search(pattern, line) and not path.startswith(allowed or ("\0",)):
                    yield f"{path}:{number}: {what}"


def headers(root, compiler):
    """Each public header compiles alone, as strict C17 and as C++."""
    for path in sources(root, "include"):
        name = path[len("include/"):]
        for language, std in (("c", "c17"), ("c++", "c++17")):
            with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
                f.write(f"#include <{name}>\n")
                f.flush()
                done = subprocess.run(
                    [compiler, "-x", language, f"-std={std}", "-Wall", "-Wextra", "-pedantic",
                     "-Werror", "-fsyntax-only", "-I", os.path.join(root, "include"), f.name],
                    capture_output=True, text=True)
            if done.returncode and "cannot execute" not in done.stderr:
                yield f"{path}: not alone as {std}: {done.stderr.splitlines()[0]}"


def declared(root):
    names = set()
    for path in sources(root, "include"):
        text = without_comments(read(root, path))
        text = re.sub(r"static inline[^{]*\{.*?\n\}", "", text, flags=re.S)
        text = re.sub(r"\{[^{}]*\}", "", re.sub(r"\{[^{}]*\}", "", text))
        names |= set(re.findall(r"\b(mlk_\w+)\s*\([^;*]", text))
        names |= set(re.findall(r"extern const \w+ (mlk_\w+);", text))
    return names


def exports(root, library):
    """The shared library exports what the public headers declare, and nothing else."""
    out = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                         check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()}
    names = declared(root)
    for name in sorted(exported):
        if name not in names and not name.startswith("_"):
            yield f"{name} is exported but not declared in a public header"
    for name in sorted(names - exported):
        yield f"{name} is declared in a public header but not exported"


def format_(root):
    for path in sources(root, "lib", "include", "tools", "tests", "bench"):
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", path], cwd=root,
                              capture_output=True, text=True)
        if done.returncode:
            yield f"{path}: clang-format would change it"


def docs(root):
    """Every declaration of a public header has a comment above or beside it or its group."""
    for path in sources(root, "include"):
        documented = False
        for number, line in enumerate(read(root, path).splitlines(), 1):
            stripped = line.strip()
            if not stripped:
                documented = False
            elif "*/" in stripped or stripped.startswith(("/*", "*")):
                documented = True
            elif re.match(r"(extern |[a-z]\w* [\w *]*\bmlk_\w+\()", line) and not documented:
                if not re.match(r"(static|typedef|\s)", line) and "_opts_default(" not in line:
                    yield f"{path}:{number}: no comment: {stripped}"
        name = path[len("include/"):]
        if name != "mlkit/mlkit.h" and f"#include <{name}>" not in read(root, "include/mlkit/mlkit.h"):
            yield f"include/mlkit/mlkit.h: does not include <{name}>"
        if "@file" not in read(root, path) and path != "include/mlkit/mlkit.h":
            yield f"{path}: no @file comment"


def main():
    checks = {"layers": layers, "resources": resources, "headers": headers, "exports": exports,
              "format": format_, "docs": docs}
    if len(sys.argv) < 3 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    findings = list(checks[sys.argv[1]](*sys.argv[2:]))
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


main()
