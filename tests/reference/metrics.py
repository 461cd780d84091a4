#!/usr/bin/python3
"""Reference values for tests/metrics: prints the table of tests/metrics/sklearn_values.h.

The data follow from whole-number formulas that tests/metrics/fixtures.h repeats.
Run with scikit-learn 1.2.1 (Debian 12: python3-sklearn)."""

import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

warnings.simplefilter("ignore")
N = 60
i = np.arange(N)
w = 0.5 * ((i * 29) % 7)  # some rows have no weight

y = ((i * 37) % 101) / 10 - 4.05
f = y * 0.8 + ((i * 53) % 97) / 97 - 0.4

b = (((i * 31) % 17) < 6).astype(int)
s = ((i * 13) % 23) / 23 * 0.6 + 0.4 * b * ((i * 7) % 5) / 5
b_hat = (s >= 0.4).astype(int)

c = (i * 7 % 11) % 4
raw = np.stack([1 + (i * (k + 3) * 5) % 13 + (c == k) * 6 for k in range(4)], axis=1)
P = raw / raw.sum(axis=1, keepdims=True)
c_hat = raw.argmax(axis=1)

X = np.stack([((i * 17) % 59) / 59 + 0.7 * (i % 3), ((i * 43) % 61) / 61 - 0.4 * (i % 3)], axis=1)
g = i % 3
g_hat = np.where((i * 11) % 13 < 9, g, (i * 5) % 4)


def regression(w):
    e = np.abs(y - f)
    mean = np.average(y, weights=w)
    rse = 1 - m.r2_score(y, f, sample_weight=w)
    yield "mae", m.mean_absolute_error(y, f, sample_weight=w)
    yield "mse", m.mean_squared_error(y, f, sample_weight=w)
    yield "rmse", m.mean_squared_error(y, f, sample_weight=w, squared=False)
    if w is None:  # with weights scikit-learn takes another median where two rows qualify
        yield "medae", m.median_absolute_error(y, f)
        yield "max_error", m.max_error(y, f)
    yield "mape", m.mean_absolute_percentage_error(y, f, sample_weight=w)
    yield "rae", np.average(e, weights=w) / np.average(np.abs(y - mean), weights=w)
    yield "rse", rse
    yield "rrse", np.sqrt(rse)
    yield "r2", m.r2_score(y, f, sample_weight=w)
    yield "explained_variance", m.explained_variance_score(y, f, sample_weight=w)


def labels(t, p, w, many):
    yield "accuracy", m.accuracy_score(t, p, sample_weight=w)
    yield "balanced_accuracy", m.balanced_accuracy_score(t, p, sample_weight=w)
    yield "error", m.zero_one_loss(t, p, sample_weight=w)
    yield "mcc", m.matthews_corrcoef(t, p, sample_weight=w)
    yield "kappa", m.cohen_kappa_score(t, p, sample_weight=w)
    for average in ["macro", "micro", "weighted"] if many else ["binary"]:
        end = "_" + average if many else ""
        for name, fn in [("precision", m.precision_score), ("recall", m.recall_score),
                         ("f1", m.f1_score)]:
            yield name + end, fn(t, p, average=average, sample_weight=w)
        yield "fbeta" + end, m.fbeta_score(t, p, beta=2, average=average, sample_weight=w)
    if not many:
        yield "specificity", m.recall_score(t, p, pos_label=0, sample_weight=w)


def binary(w):
    yield from labels(b, b_hat, w, False)
    yield "log_loss", m.log_loss(b, s, sample_weight=w)
    yield "brier", m.brier_score_loss(b, s, sample_weight=w)
    yield "roc_auc", m.roc_auc_score(b, s, sample_weight=w)
    yield "average_precision", m.average_precision_score(b, s, sample_weight=w)


def classes(w):
    yield from labels(c, c_hat, w, True)
    onehot = np.eye(4)[c]
    yield "log_loss", m.log_loss(c, P, sample_weight=w)
    yield "brier", np.average(((P - onehot) ** 2).sum(axis=1), weights=w)
    yield "roc_auc_ovr_macro", m.roc_auc_score(c, P, multi_class="ovr", sample_weight=w)
    if w is None:  # scikit-learn has no weights here
        yield "roc_auc_ovo_macro", m.roc_auc_score(c, P, multi_class="ovo")
    yield "average_precision_macro", m.average_precision_score(onehot, P, sample_weight=w)


def clusters():
    yield "silhouette", m.silhouette_score(X, g_hat)
    yield "davies_bouldin", m.davies_bouldin_score(X, g_hat)
    yield "calinski_harabasz", m.calinski_harabasz_score(X, g_hat)
    yield "ari", m.adjusted_rand_score(g, g_hat)
    yield "nmi", m.normalized_mutual_info_score(g, g_hat)
    yield "ami", m.adjusted_mutual_info_score(g, g_hat)
    yield "homogeneity", m.homogeneity_score(g, g_hat)
    yield "completeness", m.completeness_score(g, g_hat)
    yield "v_measure", m.v_measure_score(g, g_hat)


print(f"/* scikit-learn {sklearn.__version__}; printed by tests/reference/metrics.py. */")
for name, rows in [("regression", regression), ("binary", binary), ("classes", classes)]:
    for suffix, weights in [("", None), ("_weighted", w)]:
        print(f"static const reference {name}{suffix}[] = {{")
        for metric, value in rows(weights):
            print(f'    {{"{metric}", {value:.17g}}},')
        print("};")
print("static const reference clusters[] = {")
for metric, value in clusters():
    print(f'    {{"{metric}", {value:.17g}}},')
print("};")
