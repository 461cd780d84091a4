#!/usr/bin/env python3
"""Trees and forests beside scikit-learn, ranger and rpart: time, quality, memory.

usage: bench_tree.py BUILD [--datasets FOLDER] [--repeat 3] [--only WORD] [--scale 1.0]
                     [--programs mlkit,scikit-learn,ranger,rpart]

Run with the Python that has scikit-learn, on a machine with nothing else to do. Each workload is
generated (or read from FOLDER), written for the driver, and run `repeat` times in turn by each
program on 2 threads; the table has the median seconds, those of processor time, the prediction of
100,000 rows at once (the least of three), the quality on rows held out, bytes of the saved model,
and the peer's time over ours.
--scale shrinks the generated tables. Quality on real tables: bench_ensembles.py.
"""
import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import (ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

THREADS = 2
HERE = os.path.dirname(os.path.abspath(__file__))

RANGER = """
library(ranger)
f <- file("%(path)s.csv.bin", "rb")
h <- readBin(f, "integer", 8, size = 4)[c(1, 3, 5, 7)]
levels <- readBin(f, "integer", 2 * h[3], size = 4)[2 * seq_len(h[3]) - 1]
a <- matrix(readBin(f, "double", (h[1] + h[2]) * (h[3] + 1)), ncol = h[3] + 1, byrow = TRUE)
close(f)
d <- as.data.frame(a)
names(d) <- c(paste0("x", seq_len(h[3])), "y")
for (j in which(levels > 0)) d[[j]] <- factor(d[[j]])
if (h[4] > 0) d$y <- factor(d$y)
train <- d[seq_len(h[1]), ]
test <- d[-seq_len(h[1]), ]
t <- system.time(m <- %(fit)s)
p <- %(predict)s
q <- if (h[4] > 0) mean(p == test$y) else 1 - sum((p - test$y)^2) / sum((test$y - mean(test$y))^2)
cat(t[["elapsed"]], t[["user.self"]], q)
"""


class Data:
    """Training rows first; levels[j] = 0 for numbers."""

    def __init__(self, X, y, n_test, classes, levels=None):
        self.X, self.y, self.k = np.asarray(X, float), np.asarray(y, float), classes
        self.n = len(y) - n_test
        self.levels = np.zeros(self.X.shape[1], int) if levels is None else np.asarray(levels)

    def write(self, path):
        head = [self.n, len(self.y) - self.n, self.X.shape[1], self.k]
        with open(path, "wb") as f:
            np.concatenate([head, self.levels]).astype("<i8").tofile(f)
            np.column_stack([self.X, self.y]).astype("<f8").tofile(f)

    def dense(self):
        """For programs that take numbers alone: levels as indicator columns, medians for gaps."""
        columns = []
        for j, levels in enumerate(self.levels):
            x = self.X[:, j]
            if levels:
                columns += [(x == level).astype(np.float32) for level in range(levels)]
            else:
                columns.append(np.where(np.isnan(x), np.nanmedian(x[:self.n]), x))
        return np.column_stack(columns).astype(np.float32)


def quality(data, predicted):
    truth = data.y[data.n:]
    if data.k:
        return float(np.mean(predicted == truth))
    return float(1 - np.sum((predicted - truth) ** 2) / np.sum((truth - truth.mean()) ** 2))


def ours(driver, path, model, options):
    out = subprocess.run([driver, path, model, options, str(THREADS)], capture_output=True,
                         text=True)
    if out.returncode:
        raise SystemExit(out.stderr)
    v = [float(x) for x in out.stdout.split()]
    return dict(fit=v[0], cpu=v[1], predict=v[2], row_us=v[4], quality=v[5], bytes=v[6], peak_mb=v[7])


def scikit(data, X, model):
    cpu, wall = time.process_time(), time.perf_counter()
    model.fit(X[:data.n], data.y[:data.n])
    result = dict(fit=time.perf_counter() - wall, cpu=time.process_time() - cpu)
    many = np.resize(X[data.n:], (100000, X.shape[1]))
    result["predict"] = np.inf
    for _ in range(3):
        wall = time.perf_counter()
        predicted = model.predict(many)
        result["predict"] = min(result["predict"], time.perf_counter() - wall)
    result["quality"] = quality(data, predicted[:len(data.y) - data.n])
    result["bytes"] = len(pickle.dumps(model))
    return result


def in_r(path, fit, predict):
    os.replace(path, path + ".csv.bin")
    try:
        script = RANGER % dict(path=path, fit=fit, predict=predict)
        out = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True)
    finally:
        os.replace(path + ".csv.bin", path)
    try:
        v = [float(x) for x in out.stdout.split()]
        return dict(fit=v[0], cpu=v[1], quality=v[2])
    except (ValueError, IndexError):
        return None


def ranger(path, trees, mtry, seed, extra=""):
    return in_r(path, "ranger(y ~ ., train, num.trees = %d, mtry = %s, num.threads = %d, seed = %d, "
                "min.node.size = 1, respect.unordered.factors = 'order', oob.error = FALSE, verbose = FALSE%s)"
                % (trees, mtry, THREADS, seed + 1, extra),
                "predict(m, test, num.threads = %d, verbose = FALSE)$predictions" % THREADS)


def rpart(path, classes):
    return in_r(path, "rpart::rpart(y ~ ., train, method = '%s', cp = -1, xval = 0, minsplit = 2, "
                "minbucket = 1, maxdepth = 30, maxsurrogate = 0, maxcompete = 0)"
                % ("class" if classes else "anova"),
                "predict(m, test, type = '%s')" % ("class" if classes else "vector"))


def median(runs):
    runs = [r for r in runs if r]
    return {k: float(np.median([r[k] for r in runs])) for k in runs[0]} if runs else None


def show(name, results):
    base = results["mlkit"]
    for program, r in results.items():
        if r is None:
            print("%-28s %-12s absent or failed" % (name, program))
            continue
        cell = lambda key, form: form % r[key] if key in r else "-"
        print("%-28s %-12s fit %8.3f s  cpu %8.3f s  predict %8s s  quality %.5f  bytes %12s  "
              "ratio fit %5.2f%s" % (name, program, r["fit"], r["cpu"], cell("predict", "%.4f"),
                                     r["quality"], cell("bytes", "%d"), r["fit"] / base["fit"],
                                     "  predict %5.2f" % (r["predict"] / base["predict"])
                                     if "predict" in r else ""), flush=True)
    print("%-28s single row %.2f us, peak %.0f MB" % ("", base["row_us"], base["peak_mb"]))


def tables(name):
    X, y = make_classification(220000, 20, n_informative=10, n_redundant=5, flip_y=0.05,
                               random_state=0) if name == "c" else make_friedman1(
                                   220000, 20, noise=1.0, random_state=0)
    return X, y


def letter(folder):
    d = pd.read_csv(os.path.join(folder, "letter.csv"))
    y = d["lettr"].astype("category").cat.codes
    return Data(d.drop(columns="lettr"), y, 4000, 26)


def workloads(args):
    """name, data, our model and options, scikit-learn's model, ranger's or rpart's call."""
    (Xc, yc), (Xr, yr) = tables("c"), tables("r")
    big, small = int(200000 * args.scale), int(100000 * args.scale)
    cut = lambda X, y, n, k: Data(X[:n + 20000], y[:n + 20000], 20000, k)
    c200, r200, c100, r100 = cut(Xc, yc, big, 2), cut(Xr, yr, big, 0), cut(Xc, yc, small, 2), cut(
        Xr, yr, small, 0)
    jobs = dict(n_jobs=THREADS, random_state=0)
    one = ", replace = FALSE, sample.fraction = 1"
    extra = ", splitrule = 'extratrees', num.random.splits = 1" + one
    yield ("tree class", c200, "tree", "seed=0", DecisionTreeClassifier(random_state=0),
           {"ranger": lambda p: ranger(p, 1, 20, 0, one), "rpart": lambda p: rpart(p, True)})
    yield ("tree regression", r200, "tree", "seed=0", DecisionTreeRegressor(random_state=0),
           {"ranger": lambda p: ranger(p, 1, 20, 0, one), "rpart": lambda p: rpart(p, False)})
    yield ("forest class", c100, "forest", "oob_score=false", RandomForestClassifier(100, **jobs),
           {"ranger": lambda p: ranger(p, 100, 4, 0)})
    yield ("forest regression", r100, "forest", "oob_score=false,max_features=0.34",
           RandomForestRegressor(100, max_features=0.34, **jobs),
           {"ranger": lambda p: ranger(p, 100, 6, 0)})
    yield ("extra-trees class", c100, "extra-trees", "seed=0", ExtraTreesClassifier(100, **jobs),
           {"ranger": lambda p: ranger(p, 100, 4, 0, extra)})
    yield ("extra-trees regression", r100, "extra-trees", "seed=0", ExtraTreesRegressor(100, **jobs),
           {"ranger": lambda p: ranger(p, 100, 20, 0, extra)})
    if args.datasets:
        data = letter(args.datasets)
        yield ("forest letter", data, "forest", "oob_score=false",
               RandomForestClassifier(100, **jobs), {"ranger": lambda p: ranger(p, 100, 4, 0)})
        yield ("extra-trees letter", data, "extra-trees", "seed=0",
               ExtraTreesClassifier(100, **jobs), {"ranger": lambda p: ranger(p, 100, 4, 0, extra)})


def speed(args, folder):
    for name, data, model, options, peer, in_r_programs in workloads(args):
        if args.only and args.only not in name:
            continue
        path = os.path.join(folder, "data")
        data.write(path)
        X = data.dense()
        runs = {}
        for _ in range(args.repeat):
            runs.setdefault("mlkit", []).append(ours(args.driver, path, model, options))
            if "scikit-learn" in args.programs:
                runs.setdefault("scikit-learn", []).append(scikit(data, X, peer))
            for program, call in in_r_programs.items():
                if program in args.programs:
                    runs.setdefault(program, []).append(call(path))
        show(name, {program: median(r) for program, r in runs.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", nargs="?", default=os.path.join(HERE, "../build-bench"))
    parser.add_argument("--datasets", default="")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--programs", default="mlkit,scikit-learn,ranger,rpart")
    args = parser.parse_args()
    args.driver = os.path.join(args.build, "bench", "bench_tree")
    args.programs = args.programs.split(",")
    with tempfile.TemporaryDirectory() as folder:
        speed(args, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
