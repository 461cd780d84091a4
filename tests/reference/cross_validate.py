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
