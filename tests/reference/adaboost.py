"""Reference figures of tests/ensemble/test_adaboost.c: scikit-learn 1.2.1.

usage: adaboost.py DATASETS

SAMME on wine.csv as it is. AdaBoost.R2 on concrete.csv with the rows weighted instead of drawn:
scikit-learn's own loop with its one random step left out.
"""
import sys

import numpy as np
import pandas as pd
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def show(name, values):
    print(name, ", ".join(repr(float(v)) for v in values))


wine = pd.read_csv(sys.argv[1] + "/wine.csv")
X = wine.drop(columns="cultivar").to_numpy()
y = pd.factorize(wine["cultivar"])[0]
for rate, rounds in ((1.0, 6), (0.5, 8)):
    model = AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=1), n_estimators=rounds, learning_rate=rate,
        algorithm="SAMME", random_state=0).fit(X, y)
    show("SAMME errors", model.estimator_errors_)
    show("SAMME weights", model.estimator_weights_)
    show("SAMME decision of row 100", model.decision_function(X[100:101])[0])
    show("SAMME probabilities of row 100", model.predict_proba(X[100:101])[0])
    print("SAMME training accuracy", repr(model.score(X, y)))

concrete = pd.read_csv(sys.argv[1] + "/concrete.csv").to_numpy()
X, y = concrete[:, :8], concrete[:, 8]
d = np.full(len(y), 1.0 / len(y))
trees, weights, errors = [], [], []
for m in range(6):
    tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y, sample_weight=d)
    loss = np.abs(tree.predict(X) - y)
    loss /= loss.max()
    error = (d * loss).sum()
    beta = error / (1.0 - error)
    trees.append(tree)
    errors.append(error)
    weights.append(np.log(1.0 / beta))
    d *= beta ** (1.0 - loss)
    d /= d.sum()
show("R2 errors", errors)
show("R2 weights", weights)
values = np.array([t.predict(X) for t in trees]).T
order = np.argsort(values, axis=1)
cdf = np.cumsum(np.array(weights)[order], axis=1)
at = (cdf >= 0.5 * cdf[:, -1:]).argmax(axis=1)
median = values[np.arange(len(y)), order[np.arange(len(y)), at]]
show("R2 predictions", median[:1030:200])
print("R2 training R^2", repr(1 - ((y - median) ** 2).sum() / ((y - y.mean()) ** 2).sum()))
