#!/usr/bin/env python3
"""Association rules as whole programs: mlkit-fit beside FP-growth of Weka (Debian's weka; Java), then the
search beside an FP-growth in C, alone: bench_apriori.py BUILD

Baskets like T10.I4 of Agrawal and Srikant, 1994: unions of patterns of about four items, of 1,000. mlkit reads
a line a receipt and product, Weka its sparse format; both are timed from start to end, one thread each.
Runs are interleaved; medians of three. The number of rules is the same.
"""
import csv
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

import beside

RUNS = 3
BASKETS, ITEMS, PATTERNS, LENGTH = 100000, 1000, 2000, 10
CONFIDENCE = 0.6003  # no share of two counts: Weka leaves out what is equal


def baskets(rng):
    """Sets of items; low numbers are frequent."""
    patterns = (ITEMS * rng.random((PATTERNS, 4)) ** 2).astype(int)
    for wanted in rng.integers(LENGTH // 2, LENGTH // 2 + LENGTH, BASKETS):
        basket = set()
        while len(basket) < wanted:
            pattern = patterns[int(PATTERNS * rng.random() ** 2)]
            basket.update(pattern[rng.random(4) < 0.75])
        yield sorted(basket)


def write(rng, table, sparse):
    sparse.write("@relation baskets\n" + "".join(f"@attribute p{i} {{no,yes}}\n" for i in range(ITEMS)) + "@data\n")
    table.write("receipt,product\n")
    for i, basket in enumerate(baskets(rng)):
        table.writelines(f"{i},p{item}\n" for item in basket)
        sparse.write("{" + ",".join(f"{item} yes" for item in basket) + "}\n")


def ours(build, path, support):
    command = [os.path.join(build, "tools", "mlkit-fit"), "apriori", "-t", "receipt", "--threads", "1", "--csv", "-q",
               "-s", f"min_support={support},min_confidence={CONFIDENCE}", path]
    start = time.perf_counter()
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - start, len(list(csv.reader(out.splitlines()))) - 1


def weka(path, support):
    jars = ":".join(glob.glob("/usr/share/java/weka.jar") + glob.glob("/usr/share/java/java-cup*.jar"))
    if not jars:
        raise OSError("no weka.jar")
    command = ["java", "-Xmx4g", "-XX:ActiveProcessorCount=1", "-cp", jars, "weka.associations.FPGrowth", "-t", path,
               "-S", "-M", str(support), "-C", str(CONFIDENCE), "-N", "1000000"]
    start = time.perf_counter()
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - start, float(re.search(r"found (\d+) rules", out).group(1))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        table, sparse = os.path.join(folder, "t.csv"), os.path.join(folder, "t.arff")
        with open(table, "w") as t, open(sparse, "w") as s:
            write(np.random.default_rng(1), t, s)
        for support in (0.01, 0.002, 0.001):
            beside.compare(f"{100 * support:g} %", {"mlkit-fit": lambda: ours(sys.argv[1], table, support),
                                                    "Weka FPGrowth": lambda: weka(sparse, support)}, RUNS)
    print("the search alone, beside FP-growth in C", flush=True)
    subprocess.run([os.path.join(sys.argv[1], "bench", "bench_apriori")], check=True)
