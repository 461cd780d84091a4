"""Reference numbers of tests/selection/test_compare.c (SciPy 1.10)."""
import numpy as np
from scipy import stats

d = np.array([0.011, 0.024, -0.006, 0.031, 0.017, 0.009, 0.022, -0.013, 0.028, 0.019])
print("paired t", stats.ttest_1samp(d, 0))
r = 1 / 9
t = d.mean() / np.sqrt((1 / 10 + r) * d.var(ddof=1))
print("corrected", repr(t), repr(2 * stats.t.sf(t, 9)), repr(stats.t.ppf(0.975, 9) * np.sqrt((1 / 10 + r) * d.var(ddof=1))))
print("wilcoxon", stats.wilcoxon(d, mode="exact"))
e = np.sin(np.arange(1, 81) * 1.7) + 0.25
print("wilcoxon 80", stats.wilcoxon(e, correction=True, mode="approx"))
for a, b in ((12, 5), (40, 22)):
    print("mcnemar", stats.binomtest(a, a + b).pvalue)
print("mcnemar large", stats.chi2.sf((abs(700 - 590) - 1) ** 2 / 1290, 1))
S = np.array([[0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
              [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
              [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
              [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
              [0.972, 0.981, 0.975, 0.975], [0.957, 0.978, 0.946, 0.970]])
f = stats.friedmanchisquare(*S.T)
print("friedman", f, stats.rankdata(-S, axis=1).mean(0).tolist())
for k in range(2, 11):
    print(k, stats.studentized_range.ppf(0.95, k, np.inf) / 2 ** .5, stats.studentized_range.ppf(0.9, k, np.inf) / 2 ** .5)
print(repr(stats.studentized_range.sf(3.3, 4, np.inf)), repr(stats.studentized_range.sf(1.2, 7, np.inf)))
