"""Reference numbers of tests/preprocess/test_pipeline.c (scikit-learn 1.2.1)."""
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (MinMaxScaler, PolynomialFeatures, RobustScaler,
                                   StandardScaler)

np.set_printoptions(precision=17)
nan = np.nan
X = np.array([[1.5, 10], [nan, 12], [2.25, nan], [7, 11], [3, 12], [nan, 9.5], [2, 14], [5.5, 10]])
for strategy in ("mean", "median", "most_frequent"):
    print(strategy, SimpleImputer(strategy=strategy).fit(X).statistics_)
A = SimpleImputer(strategy="median").fit_transform(X)
for scaler in (StandardScaler(), MinMaxScaler(), RobustScaler()):
    print(type(scaler).__name__, scaler.fit_transform(A), sep="\n")
P = PolynomialFeatures(3, include_bias=False)
print(P.fit_transform(A[:2]), P.get_feature_names_out(["a", "b"]))
