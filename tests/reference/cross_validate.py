"""Reference numbers of tests/selection/test_cross_validate.c (scikit-learn 1.2.1)."""
import numpy as np
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import PredefinedSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

n = 60
i = np.arange(n)
X = np.stack([(i * 7 % 31) / 31, (i * i % 17) / 17, (i * 13 % 29) / 29 + i / 60], axis=1)
y = 2 * X[:, 0] - X[:, 1] + 0.5 * X[:, 2] ** 2 + (i * 11 % 19) / 19
split = PredefinedSplit(i * 3 % 5)
scoring = ["r2", "neg_mean_squared_error", "neg_mean_absolute_error"]
for name, model in (("ridge 0.7", Ridge(0.7)),
                    ("standard, ridge 3", make_pipeline(StandardScaler(), Ridge(3))),
                    ("linear", LinearRegression())):
    scores = cross_validate(model, X, y, cv=split, scoring=scoring)
    print(name)
    for s in scoring:
        print(s, [float("%.17g" % abs(v)) if s != "r2" else float(v) for v in scores["test_" + s]])

# Classes of the same table, and knn on its numbers. Trees get columns without ties and without rows
# at a threshold (scikit-learn halves the way between values of single precision), and sizes that
# leave no choice between equal splits: the scores are the same for every random_state.
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

k = (y > np.median(y)).astype(int)
T = np.stack([(i * 7919 + j * 104729 + i * i * 31 * (j + 1)) % 9973 / 9973 for j in range(3)], axis=1)
T[:, 0] = X[:, 0] + T[:, 0] / 50
tight = dict(solver="newton-cholesky", tol=1e-14, max_iter=1000)
for name, model, target, scoring in (
        ("logistic", LogisticRegression(C=2, **tight), k, ["accuracy", "neg_log_loss", "roc_auc"]),
        ("standard, logistic", make_pipeline(StandardScaler(), LogisticRegression(**tight)), k,
         ["accuracy", "neg_log_loss", "roc_auc"]),
        ("knn 7", KNeighborsClassifier(7), k, ["accuracy", "neg_log_loss", "roc_auc"]),
        ("standard, knn 4", make_pipeline(StandardScaler(), KNeighborsRegressor(4)), y, scoring),
        ("tree of depth 2", DecisionTreeClassifier(max_depth=2, random_state=0), k,
         ["accuracy", "neg_log_loss", "roc_auc"]),
        ("tree of 5 a leaf", DecisionTreeRegressor(min_samples_leaf=5, random_state=0), y, scoring)):
    of_tree = name.startswith("tree")
    scores = cross_validate(model, T if of_tree else X, target, cv=split, scoring=scoring)
    print(name)
    for s in scoring:
        v = scores["test_" + s]
        print(s, [float(x) for x in (-v if s.startswith("neg") else v)])
    for state in range(1, 10 if of_tree else 1):
        again = cross_validate(model.set_params(random_state=state), T, target, cv=split,
                               scoring=scoring)
        assert all(np.allclose(again["test_" + s], scores["test_" + s], 1e-11) for s in scoring)
