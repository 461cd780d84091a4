#!/usr/bin/env python3
"""Reference solutions of the linear machines by LIBLINEAR (2.3.0) on heart_scale, C = 0.5, with
the intercept as a penalised weight (-B 1).

    svm_liblinear.py DATASETS

Prints, for each solver, the objective of its weights in double, three weights and the intercept;
the numbers stand in tests/svm/test_linear_svc.c and test_linear_svr.c. Regression: column 8
(maximum heart rate) from the other twelve.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np


def heart(path):
    X, y = np.zeros((270, 13)), []
    for i, line in enumerate(open(os.path.join(path, "heart_scale.svm"))):
        fields = line.split()
        y.append(float(fields[0]))
        for item in fields[1:]:
            j, v = item.split(":")
            X[i, int(j) - 1] = float(v)
    return X, np.array(y)


def train(X, y, solver, epsilon):
    with tempfile.TemporaryDirectory() as folder:
        data, model = os.path.join(folder, "data"), os.path.join(folder, "model")
        with open(data, "w") as f:
            for row, target in zip(X, y):
                f.write("%.17g " % target + " ".join(
                    "%d:%.17g" % (j + 1, v) for j, v in enumerate(row)) + "\n")
        subprocess.run(["liblinear-train", "-q", "-s", str(solver), "-c", "0.5", "-B", "1", "-p",
                        repr(epsilon), "-e", "1e-10", data, model], check=True)
        lines = open(model).read().split("\n")
    w = np.array([float(v) for v in lines[lines.index("w") + 1:] if v.strip()])
    first = [line for line in lines if line.startswith("label")]
    return -w if first and first[0].split()[1] == "-1" else w


def main():
    X, y = heart(sys.argv[1])
    Z = np.hstack([X, np.ones((270, 1))])
    for name, solver in (("l2 squared_hinge", 2), ("l2 hinge", 3), ("l1 squared_hinge", 5)):
        w = train(X, y, solver, 0.1)
        loss = np.maximum(0, 1 - y * (Z @ w))
        loss = loss.sum() if solver == 3 else (loss ** 2).sum()
        penalty = np.abs(w).sum() if solver == 5 else 0.5 * w @ w
        print(name, repr(penalty + 0.5 * loss), w[[0, 2, 11, 13]])
    target, rest = X[:, 7], np.delete(X, 7, 1)
    Z = np.hstack([rest, np.ones((270, 1))])
    for name, solver in (("squared_epsilon_insensitive", 11), ("epsilon_insensitive", 13)):
        w = train(rest, target, solver, 0.1)
        loss = np.maximum(0, np.abs(Z @ w - target) - 0.1)
        loss = loss.sum() if solver == 13 else (loss ** 2).sum()
        print(name, repr(0.5 * w @ w + 0.5 * loss), w[[0, 2, 11, 12]])


main()
