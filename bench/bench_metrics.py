#!/usr/bin/python3
"""Metrics of predictions in memory: mlkit against scikit-learn, the same metrics.

usage: bench_metrics.py BUILD-FOLDER [--quick]

mlkit computes all its metrics at once, with the baseline; scikit-learn those that both have, one
call each, as its users do. The third row adds 95 % intervals and curves, which scikit-learn has not.
"""

import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

try:
    from sklearn import metrics as m
except ImportError:
    m = None

warnings.simplefilter("ignore")
build = sys.argv[1]
sizes = [10_000] if "--quick" in sys.argv else [10_000, 1_000_000]


def data(n, k):
    rng = np.random.default_rng(0)
    if not k:
        f = rng.standard_normal(n)
        return f + rng.standard_normal(n), f, None
    y = rng.integers(0, k, n)
    P = rng.random((n, k)) + 0.6 * np.eye(k)[y]
    P /= P.sum(axis=1, keepdims=True)
    return y.astype(float), P.argmax(axis=1).astype(float), P


def sklearn_metrics(y, f, P):
    if P is None:
        for fn in (m.mean_absolute_error, m.mean_squared_error, m.median_absolute_error, m.max_error,
                   m.mean_absolute_percentage_error, m.explained_variance_score):
            fn(y, f)
        return m.r2_score(y, f)
    for fn in (m.accuracy_score, m.balanced_accuracy_score, m.matthews_corrcoef,
               m.cohen_kappa_score):
        fn(y, f)
    m.classification_report(y, f, output_dict=True)
    m.log_loss(y, P)
    if P.shape[1] == 2:
        m.brier_score_loss(y, P[:, 1])
        m.average_precision_score(y, P[:, 1])
        return m.roc_auc_score(y, P[:, 1])
    m.roc_auc_score(y, P, multi_class="ovo")
    return m.roc_auc_score(y, P, multi_class="ovr")


def mlkit(n, k, intervals, path):
    out = subprocess.run([f"{build}/bench/bench_metrics", str(n), str(k), str(intervals), "2", path],
                         capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), float(out[1])


print(f"{'workload':28} {'program':24} {'seconds':>9} {'ratio':>6}  quality")
for n in sizes:
    for k in (0, 2, 10):
        y, f, P = data(n, k)
        columns = [y[:, None], f[:, None]] + ([P] if k else [])
        with tempfile.NamedTemporaryFile() as file:
            np.hstack(columns).tofile(file.name)
            runs = [(mlkit(n, k, 0, file.name), mlkit(n, k, 1, file.name)) for _ in range(3)]
        ours = statistics.median(r[0][0] for r in runs)
        full = statistics.median(r[1][0] for r in runs)
        task = f"{n} rows, " + (f"{k} classes" if k else "regression")
        print(f"{task:28} {'mlkit':24} {ours:9.4f} {'':6}  {runs[0][0][1]:.12f}")
        print(f"{task:28} {'mlkit with intervals':24} {full:9.4f} {'':6}  {runs[0][1][1]:.12f}")
        if m is None:
            print(f"{task:28} {'scikit-learn':24} {'absent':>9}")
            continue
        times = []
        for _ in range(3):
            start = time.perf_counter()
            value = sklearn_metrics(y, f, P)
            times.append(time.perf_counter() - start)
        peer = statistics.median(times)
        print(f"{task:28} {'scikit-learn':24} {peer:9.4f} {peer / ours:6.1f}  {value:.12f}")
