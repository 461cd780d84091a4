"""Reading a CSV file of full-precision numbers against its peers: seconds, MB/s, wrong values.

    python3 bench/bench_csv.py BUILD [--rows 1000000] [--cols 50] [--threads 2] [--repeats 3]

BUILD is a build folder configured with -Dbench=true. Peers: data.table::fread (r-cran-data.table) with the
same threads, pandas (python3-pandas). The file is in the page cache; the programs take turns, each
in a new process that times the call alone; medians are shown. Wrong: values that are not the double
nearest to the text. ratio: the peer's time over ours.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--rows", type=int, default=1000000)
parser.add_argument("--cols", type=int, default=50)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--only", default="", help="programs whose name holds this, and mlkit")
args = parser.parse_args()

R = """
a <- commandArgs(TRUE); suppressMessages(library(data.table)); setDTthreads(as.integer(a[3]))
t <- system.time(d <- fread(a[1], showProgress=FALSE))[["elapsed"]]
f <- file(a[2], "rb"); wrong <- 0
for (j in seq_along(d)) wrong <- wrong + sum(readBin(f, "double", nrow(d)) != d[[j]])
cat(t, wrong, "\n")
"""
PANDAS = """
import sys, time
import numpy, pandas
t = time.perf_counter(); d = pandas.read_csv(sys.argv[1]); t = time.perf_counter() - t
x = numpy.fromfile(sys.argv[2]).reshape(d.shape[1], -1)
print(t, sum(int((x[j] != d.iloc[:, j].to_numpy()).sum()) for j in range(len(x))))
"""


def works(command):
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


folder = tempfile.mkdtemp(prefix="bench_csv")
try:
    driver = os.path.join(args.build, "bench", "bench_csv")
    csv, binary = os.path.join(folder, "x.csv"), os.path.join(folder, "x.bin")
    subprocess.run([driver, "make", str(args.rows), str(args.cols), csv, binary], check=True)
    megabytes = os.path.getsize(csv) / 1e6
    threads = str(args.threads)
    programs = {
        "mlkit": [driver, "read", csv, binary, threads],
        "fread": ["Rscript", "-e", R, csv, binary, threads],
        "pandas": [sys.executable, "-c", PANDAS, csv, binary],
    }
    programs = {k: v for k, v in programs.items() if k == "mlkit" or args.only in k}
    absent = set()
    if "fread" in programs and not works(["Rscript", "-e", "library(data.table)"]):
        absent.add("fread")
    if "pandas" in programs and not works([sys.executable, "-c", "import pandas"]):
        absent.add("pandas")
    seconds = {name: [] for name in programs}
    wrong = {}
    for _ in range(args.repeats):
        for name, command in programs.items():
            if name in absent:
                continue
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            seconds[name].append(float(out[-2]))
            wrong[name] = int(float(out[-1]))
    ours = statistics.median(seconds["mlkit"])
    print(f"{args.rows:,} x {args.cols} numbers, {megabytes:.0f} MB, {threads} threads")
    print(f"{'program':10} {'seconds':>9} {'MB/s':>7} {'wrong':>10} {'ratio':>7}")
    for name in programs:
        if name in absent:
            print(f"{name:10} absent")
            continue
        t = statistics.median(seconds[name])
        print(f"{name:10} {t:9.3f} {megabytes / t:7.0f} {wrong[name]:10,} {t / ours:7.2f}")
finally:
    shutil.rmtree(folder)
