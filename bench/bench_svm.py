#!/usr/bin/env python3
"""Support vector machines against scikit-learn, LIBSVM and LIBLINEAR on the same rows.

    bench_svm.py BUILD DATASETS [workload ...]

BUILD is a build folder configured with -Dbench=true; DATASETS holds letter.csv,
california_housing.csv and fashion_mnist_train10k.csv.gz (workloads without their data are left
out). Workloads: rbf letter fashion linear_kernel svr
linear_squared linear_dual linear_hinge growth growth_40000
objectives. Ours: the median of three runs by the clock, two threads. The peers have one thread and
run once; their processor time is counted. Other work on the machine lengthens both: the ratios are
those of a quiet machine only there. Reading of files is not counted (LIBSVM's and LIBLINEAR's is
taken off by a run that ends at once). The last column is the peer's time over ours; in growth the
power of n from one size to the next, and memory is the peak of the process, the data included; in
objectives (quality: the dual objective, LIBSVM's summed over the pairs of classes) the relative
difference.
"""

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

FOLDER = tempfile.mkdtemp(prefix="bench_svm")
RUNS = 3
# BLAS shall not start threads of its own, which spin beside ours for a while (docs/determinism.md).
ENVIRONMENT = dict(os.environ, OPENBLAS_NUM_THREADS="1")


def write(name, X, y, k):
    path = os.path.join(FOLDER, name + ".bin")
    with open(path, "wb") as f:
        np.array([X.shape[0], X.shape[1], k], np.int64).tofile(f)
        np.ascontiguousarray(X, float).tofile(f)
        np.asarray(y, float).tofile(f)
    return path


def write_text(name, X, y):
    path = os.path.join(FOLDER, name + ".svm")
    with open(path, "w") as f:
        for row, target in zip(X, y):
            f.write("%g " % target + " ".join(
                "%d:%.9g" % (j + 1, v) for j, v in enumerate(row) if v != 0) + "\n")
    return path


def ours(build, model, options, train, test):
    out = subprocess.run([os.path.join(build, "bench", "bench_svm"), model, "2", options, train, test],
                         check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout
    return {k: float(v) for k, v in (item.split("=") for item in out.split())}


def sklearn(estimator, X, y, T, t):
    start = time.process_time()
    estimator.fit(X, y)
    fitted = time.process_time()
    predicted = estimator.predict(T)
    done = time.process_time()
    if hasattr(estimator, "classes_"):
        score = float((predicted == t).mean())
    else:
        score = float(np.sqrt(((predicted - t) ** 2).mean()))
    return {"fit": fitted - start, "predict": done - fitted, "score": score}


def outside(command, stop):
    """Seconds of a program, less those of the same with an option that ends it at once."""
    def clock(args):
        spent = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        start = spent()
        subprocess.run(args, check=True, capture_output=True)
        return spent() - start
    try:
        reading = clock(command[:-2] + stop + command[-2:])
        return clock(command) - reading
    except FileNotFoundError:
        return None


def row(workload, program, fit, predict, score, ratio):
    show = lambda v, form: "-" if v is None else form % v
    form = "%.1f" if ratio is None or ratio > 0.05 else "%.1e"
    print("%-16s %-24s %9s %9s %12s %8s" % (workload, program, show(fit, "%.3f"),
          show(predict, "%.3f"), show(score, "%.5f"), show(ratio, form)), flush=True)


def compare(workload, build, model, options, data, k, make):
    X, y, T, t = data
    train, test = write(workload, X, y, k), write(workload + "_t", T, t, k)
    mine = [ours(build, model, options, train, test) for _ in range(RUNS)]
    peer = sklearn(make(), X, y, T, t)
    fit, predict = (statistics.median(r[key] for r in mine) for key in ("fit", "predict"))
    row(workload, "mlkit %s, %d MB" % (model, mine[0]["megabytes"]), fit, predict, mine[0]["score"],
        None)
    row(workload, "scikit-learn, training", peer["fit"], None, peer["score"], peer["fit"] / fit)
    row(workload, "scikit-learn, predicting", None, peer["predict"], None,
        peer["predict"] / predict)
    return fit, mine[0]


def made_classes(n, p):
    from sklearn.datasets import make_classification
    X, y = make_classification(n_samples=n + 2000, n_features=p, n_informative=20, n_redundant=10,
                               flip_y=0.05, random_state=0)
    X = (X - X.mean(0)) / X.std(0)
    return X[:n], y[:n], X[n:], y[n:]


def rbf(build, _):
    from sklearn.svm import SVC
    data = made_classes(20000, 50)
    fit, _ = compare("rbf", build, "svc", "C=1,gamma=0.02", data, 2, lambda: SVC(C=1, gamma=0.02))
    text = write_text("rbf", data[0], data[1])
    seconds = outside(["svm-train", "-q", "-c", "1", "-g", "0.02", text, os.devnull], ["-e", "10"])
    row("rbf", "LIBSVM" if seconds else "LIBSVM (absent)", seconds, None, None,
        seconds and seconds / fit)


def letter_data(folder):
    import pandas
    d = pandas.read_csv(os.path.join(folder, "letter.csv"))
    X = d.drop(columns="lettr").values.astype(float)
    y = d["lettr"].astype("category").cat.codes.values
    low, high = X[:16000].min(0), X[:16000].max(0)
    X = (X - low) / (high - low)
    return X[:16000], y[:16000], X[16000:], y[16000:]


def letter(build, folder):
    from sklearn.svm import SVC
    compare("letter", build, "svc", "C=1,gamma=8", letter_data(folder), 26,
            lambda: SVC(C=1, gamma=8))


def fashion_data(folder):
    import pandas
    d = pandas.read_csv(os.path.join(folder, "fashion_mnist_train10k.csv.gz"))
    X, y = d.drop(columns="label").values / 255.0, d["label"].values
    return X, y, X, y


def fashion(build, folder):
    from sklearn.svm import SVC
    compare("fashion", build, "svc", "C=1", fashion_data(folder), 10, SVC)


def linear_kernel(build, _):
    """Classes that a plane hardly parts."""
    from sklearn.svm import SVC
    r = np.random.RandomState(5)
    X = r.randn(8000, 30)
    y = (X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + 0.5 * r.randn(8000) > 0).astype(int)
    compare("linear kernel", build, "svc", "C=10,kernel=linear", (X[:6000], y[:6000], X[6000:], y[6000:]),
            2, lambda: SVC(C=10, kernel="linear"))


def svr_data(folder):
    import pandas
    d = pandas.read_csv(os.path.join(folder, "california_housing.csv"))
    d["ocean_proximity"] = d["ocean_proximity"].astype("category").cat.codes
    d = d.fillna(d.median())
    y = d["median_house_value"].values / 1e5
    X = d.drop(columns="median_house_value").values.astype(float)
    order = np.random.RandomState(0).permutation(len(X))
    X, y = X[order], y[order]
    X = (X - X[:16512].mean(0)) / X[:16512].std(0)
    return X[:16512], y[:16512], X[16512:], y[16512:]


def svr(build, folder):
    from sklearn.svm import SVR
    compare("svr", build, "svr", "C=10", svr_data(folder), 0, lambda: SVR(C=10))


def objectives(build, folder):
    """Dual objectives; sums over the pairs of classes."""
    for name, model, options, data, k in (
            ("rbf", "svc", "C=1,gamma=0.02", made_classes(20000, 50), 2),
            ("letter", "svc", "C=1,gamma=8", letter_data(folder), 26),
            ("fashion", "svc", "C=1", fashion_data(folder), 10),
            ("svr", "svr", "C=10", svr_data(folder), 0)):
        X, y = data[:2]
        train, text = write("objective", X, y, k), write_text("objective", X, y)
        given = dict(item.split("=") for item in options.split(","))
        gamma = given.get("gamma", repr(1 / (X.shape[1] * X.var())))
        dual = ours(build, model, options, train, train)["dual"]
        row("objective " + name, "mlkit " + model, None, None, dual, None)
        try:
            out = subprocess.run(["svm-train", "-s", "0" if k else "3", "-c", given["C"], "-g", gamma,
                                  text, os.devnull], check=True, capture_output=True, text=True).stdout
        except FileNotFoundError:
            row("objective " + name, "LIBSVM (absent)", None, None, None, None)
            continue
        peer = -sum(float(v) for v in re.findall(r"obj = (\S+),", out))
        row("objective " + name, "LIBSVM", None, None, peer, abs(dual - peer) / peer)


def made_line():
    r = np.random.RandomState(1)
    X = r.randn(200000, 100)
    w = r.randn(100) * 0.15
    return X, (X @ w + 0.3 + r.logistic(size=len(X)) > 0).astype(int)


def primal(w, X, y, squared):
    u = np.maximum(0, 1 - (2 * y - 1) * (X @ w[:-1] + w[-1]))
    return 0.5 * w @ w + ((u ** 2).sum() if squared else u.sum())


def linear(build, loss, solvers):
    X, y = made_line()
    train = write("line", X, y, 2)
    options = "C=1,loss=%s,penalize_intercept=true" % loss
    mine = [ours(build, "linear-svc", options, train, train) for _ in range(RUNS)]
    fit = statistics.median(r["fit"] for r in mine)
    row("linear " + loss, "mlkit linear-svc", fit, None, mine[0]["objective"], None)
    text, model = write_text("line", X, 2 * y - 1), os.path.join(FOLDER, "line.model")
    for name, flags in solvers:
        seconds = outside(["liblinear-train", "-q", "-B", "1"] + flags + [text, model], ["-e", "1e9"])
        objective = None
        if seconds:
            lines = open(model).read().split("\n")
            w = np.array([float(v) for v in lines[lines.index("w") + 1:] if v.strip()])
            if [line for line in lines if line.startswith("label")][0].split()[1] == "-1":
                w = -w
            objective = primal(w, X, y, loss == "squared_hinge")
        row("linear " + loss, "LIBLINEAR " + name if seconds else "LIBLINEAR (absent)", seconds, None,
            objective, seconds and seconds / fit)


def linear_squared(build, _):
    linear(build, "squared_hinge", [("-s 2 -e 0.0001", ["-s", "2", "-e", "0.0001"])])


def linear_dual(build, _):
    """Takes minutes."""
    linear(build, "squared_hinge", [("-s 1", ["-s", "1"])])


def linear_hinge(build, _):
    linear(build, "hinge", [("-s 3", ["-s", "3"])])


def libsvm_seconds(X, y):
    return outside(["svm-train", "-q", "-c", "1", "-g", "0.02", write_text("n", X, y), os.devnull],
                   ["-e", "10"])


def growth(build, _):
    """Seconds against n, and the memory; the exponent of n from one size to the next."""
    before, before_peer = None, None
    power = lambda now, then: float(np.log2(now / then)) if now and then else None
    for n in (2500, 5000, 10000, 20000, 40000):
        X, y, T, t = made_classes(n, 50)
        train, test = write("n", X, y, 2), write("n_t", T, t, 2)
        runs = [ours(build, "svc", "C=1,gamma=0.02", train, test) for _ in range(RUNS)]
        fit = statistics.median(r["fit"] for r in runs)
        row("growth n=%d" % n, "mlkit svc, %d MB" % runs[0]["megabytes"], fit, None,
            runs[0]["score"], power(fit, before))
        peer = libsvm_seconds(X, y) if n <= 20000 else None
        if peer:
            row("growth n=%d" % n, "LIBSVM", peer, None, None, power(peer, before_peer))
        before, before_peer = fit, peer


def growth_40000(*_):
    """LIBSVM at the greatest size. Takes minutes."""
    X, y = made_classes(40000, 50)[:2]
    row("growth n=40000", "LIBSVM", libsvm_seconds(X, y), None, None, None)


WORKLOADS = {f.__name__: f for f in (rbf, letter, fashion, linear_kernel, svr, linear_squared, linear_dual,
                                     linear_hinge, growth, growth_40000, objectives)}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print("%-16s %-24s %9s %9s %12s %8s" % ("workload", "program", "fit s", "predict s", "quality",
                                           "ratio"))
    for name in sys.argv[3:] or WORKLOADS:
        try:
            WORKLOADS[name](sys.argv[1], sys.argv[2])
        except FileNotFoundError as missing:
            print("%-16s left out: %s" % (name, missing))


if __name__ == "__main__":
    main()
