"""Reference numbers of tests/selection/test_search.c (scikit-learn 1.2.1)."""
import numpy as np
from sklearn.linear_model import LassoCV, Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit

n = 60
i = np.arange(n)
X = np.stack([(i * 7 % 31) / 31, (i * i % 17) / 17, (i * 13 % 29) / 29 + i / 60], axis=1)
y = 2 * X[:, 0] - X[:, 1] + 0.5 * X[:, 2] ** 2 + (i * 11 % 19) / 19
split = PredefinedSplit(i * 3 % 5)
g = GridSearchCV(Ridge(), {"alpha": [0.01, 0.1, 1, 10], "fit_intercept": [True, False]}, cv=split)
g.fit(X, y)
print(g.best_params_, g.cv_results_["mean_test_score"].tolist(), g.cv_results_["std_test_score"].tolist())
print(g.cv_results_["rank_test_score"].tolist())
l = LassoCV(n_alphas=100, eps=1e-3, cv=split, tol=1e-12, max_iter=1000000).fit(X, y)
m, s = l.mse_path_.mean(1), l.mse_path_.std(1, ddof=1)
k = m.argmin()
print(repr(l.alphas_[0]), repr(l.alphas_[-1]), k, repr(m[k]), repr(s[k]), repr(l.alphas_[k]), (m <= m[k] + s[k] / 5 ** .5).argmax())
