#!/usr/bin/env python3
"""Reference solutions of the kernel machines by LIBSVM's svm-train (3.24), at tolerance 1e-6
(nu forms: 1e-8). nu-SVC divides its objective by the square of a small margin, which magnifies what
LIBSVM loses by keeping kernel values in single precision: there the objective is that of the exact
solution with LIBSVM's free and bounded vectors, from the optimality conditions in double.

    svm_libsvm.py DATASETS > tests/svm/libsvm_cases.inc

Objectives are summed over the pairs of classes. Decision values, of rows 0, 7, 14, 21 and 28,
are those of the first pair of classes, positive for the first of the two when there are more than
two classes, and for the second when there are two; they are computed here in double from the model
file. gamma is a power of two, because svm-train keeps it in single precision.
"""

import csv
import math
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

ROWS = [0, 7, 14, 21, 28]


def heart(path):
    X, y = np.zeros((270, 13)), []
    for i, line in enumerate(open(os.path.join(path, "heart_scale.svm"))):
        fields = line.split()
        y.append(fields[0])
        for item in fields[1:]:
            j, v = item.split(":")
            X[i, int(j) - 1] = float(v)
    classes = sorted(set(y), key=float)
    return X, np.array([classes.index(v) for v in y]), 2


def table(path, name, target, drop=(), rows=None):
    with open(os.path.join(path, name)) as f:
        records = list(csv.DictReader(f))[:rows]
    names = [c for c in records[0] if c != target and c not in drop]
    X = np.array([[float(r[c]) for c in names] for r in records])
    X = (X - X.mean(0)) / X.std(0)
    return X, [r[target] for r in records]


def classed(path, name, target, drop=(), rows=None):
    X, y = table(path, name, target, drop, rows)
    classes = sorted(set(y))
    return X, np.array([classes.index(v) for v in y]), len(classes)


def housing(path, rows):
    X, y = table(path, "california_housing.csv", "median_house_value",
                 ("ocean_proximity", "total_bedrooms"), rows)
    return X, np.array([float(v) / 1e5 for v in y]), 0


def kernel_values(kernel, gamma, coef0, degree, A, B):
    if kernel == "linear":
        return A @ B.T
    if kernel == "rbf":
        return np.exp(-gamma * ((A[:, None, :] - B[None, :, :]) ** 2).sum(2))
    z = gamma * (A @ B.T) + coef0
    return z ** degree if kernel == "poly" else np.tanh(z)


def read_model(path, p):
    head, coefs, vectors = {}, [], []
    with open(path) as f:
        for line in f:
            if line.strip() == "SV":
                break
            key, *rest = line.split()
            head[key] = rest
        for line in f:
            fields = line.split()
            pairs = [t for t in fields if ":" in t]
            coefs.append([float(t) for t in fields if ":" not in t])
            v = np.zeros(p)
            for t in pairs:
                j, x = t.split(":")
                v[int(j) - 1] = float(x)
            vectors.append(v)
    return head, np.array(coefs), np.array(vectors)


def decisions(model, X, k, kernel, gamma, coef0, degree):
    head, coefs, sv = read_model(model, X.shape[1])
    K = kernel_values(kernel, gamma, coef0, degree, X[ROWS], sv)
    rho = [float(v) for v in head["rho"]]
    if k == 0 or "label" not in head:
        return K @ coefs[:, 0] - rho[0]
    labels = [int(v) for v in head["label"]]
    ends = np.cumsum([0] + [int(v) for v in head["nr_sv"]])
    pair = 0
    for i in range(k):
        for j in range(i + 1, k):
            if {labels[i], labels[j]} == {0, 1}:
                d = (K[:, ends[i]:ends[i + 1]] @ coefs[ends[i]:ends[i + 1], j - 1]
                     + K[:, ends[j]:ends[j + 1]] @ coefs[ends[j]:ends[j + 1], i] - rho[pair])
                first = labels[i] == 0
                return d if first == (k > 2) else -d
            pair += 1


def nu_objective(model, X, y, nu, kernel, gamma, coef0, degree):
    head, coefs, sv = read_model(model, X.shape[1])
    c, labels = coefs[:, 0], [int(v) for v in head["label"]]
    first = int(head["nr_sv"][0])
    rows = [np.where(y == labels[s >= first])[0] for s in range(len(sv))]
    index = np.array([r[np.abs(X[r] - v).max(1).argmin()] for r, v in zip(rows, sv)])
    assert len(set(index)) == len(index)
    sign = np.sign(c)
    Q = sign[:, None] * sign * kernel_values(kernel, gamma, coef0, degree, X[index], X[index])
    bounded = np.abs(c) > np.abs(c).max() * (1 - 1e-9)
    assert bounded.sum() > 1
    F, B = np.where(~bounded)[0], np.where(bounded)[0]
    m = len(F)
    A, b = np.zeros((m + 2, m + 2)), np.zeros(m + 2)
    A[:m, :m], A[:m, m], A[:m, m + 1] = Q[np.ix_(F, F)], -1, sign[F]
    A[m, :m], A[m + 1, :m] = 1, sign[F]
    b[:m], b[m], b[m + 1] = -Q[np.ix_(F, B)].sum(1), nu * len(X) - len(B), -sign[B].sum()
    solution = np.linalg.solve(A, b)
    alpha, r = np.ones(len(c)), solution[m]
    alpha[F] = solution[:m]
    assert r > 0 and (alpha > 0).all() and (alpha <= 1).all()
    return 0.5 * alpha @ Q @ alpha / r ** 2


def run(data, X, y, k, form, kernel, C, gamma, coef0=0.0, degree=3, nu=0.0, epsilon=0.1):
    forms = {"c": 0, "nu": 1, "one": 2, "eps": 3, "nu_svr": 4}
    kernels = {"linear": 0, "poly": 1, "rbf": 2, "sigmoid": 3}
    with tempfile.TemporaryDirectory() as folder:
        train, model = os.path.join(folder, "train"), os.path.join(folder, "model")
        with open(train, "w") as f:
            for row, target in zip(X, y):
                f.write("%.17g " % target + " ".join(
                    "%d:%.17g" % (j + 1, v) for j, v in enumerate(row)) + "\n")
        out = subprocess.run(
            ["svm-train", "-s", str(forms[form]), "-t", str(kernels[kernel]), "-c", repr(C), "-g",
             repr(gamma), "-r", repr(coef0), "-d", str(degree), "-n", repr(nu), "-p", repr(epsilon),
             "-e", "1e-8" if form.startswith("nu") else "1e-6", "-m", "1000", train, model],
            check=True, capture_output=True, text=True).stdout
        objective = sum(float(v) for v in re.findall(r"obj = (\S+),", out))
        bounded = sum(int(v) for v in re.findall(r"nBSV = (\d+)", out))
        if form == "nu":
            objective = nu_objective(model, X, y, nu, kernel, gamma, coef0, degree)
        head = read_model(model, X.shape[1])[0]
        dec = decisions(model, X, k, kernel, gamma, coef0, degree)
    print('    {"%s", "%s", "%s", %r, %r, %r, %d, %r, %r, %.10g, %s, %d, {%s}},' % (
        data, form, kernel, C, gamma, coef0, degree, nu, epsilon, objective, head["total_sv"][0],
        bounded, ", ".join("%.10g" % v for v in dec)))


def main():
    path = sys.argv[1]
    print("/* Written by tests/reference/svm_libsvm.py: data, form, kernel, C, gamma, coef0, degree, "
          "nu,\n * epsilon; objective, support vectors, bounded ones, decision values. */")
    data = {"heart": heart(path), "sonar": classed(path, "sonar.csv", "Class"),
            "vowel": classed(path, "vowel.csv", "Class", ("V1",)),
            "letter": classed(path, "letter.csv", "lettr", (), 1500), "housing": housing(path, 1000),
            "housing_part": housing(path, 300)}
    for name, (X, y, k) in data.items():
        gamma = 2.0 ** round(math.log2(1.0 / X.shape[1]))
        for kernel in ("rbf", "linear", "poly", "sigmoid"):
            coef0 = 1.0 if kernel == "poly" else 0.0
            g = gamma / 8 if kernel == "sigmoid" else gamma
            if name != "housing_part":
                run(name, X, y, k, "c" if k else "eps", kernel, 1.0, g, coef0)
            if name in ("heart", "housing_part"):
                run(name, X, y, k, "nu" if k else "nu_svr", kernel, 1.0, g, coef0, nu=0.375)
            if name == "heart" or (name == "housing" and kernel == "rbf"):
                run(name, X, y * 0, 0, "one", kernel, 1.0, g, coef0, nu=0.25)
        if name != "housing_part":
            run(name, X, y, k, "c" if k else "eps", "rbf", 10.0, gamma)


main()
