#!/usr/bin/env python3
"""Preprocessing and model selection, mlkit beside scikit-learn: data in memory.

    bench/bench_selection.py [--build build] [--repeats 3] [--threads 2] [--small]
                             [--level | --compare | --bias]

prepare: median imputation (5 % missing), standardising and ridge, learned and applied. cv: ten
folds of standardising and ridge. grid: ten alphas in five folds, and the refit. The figure beside
the seconds (mean squared error, mean R^2) must be the peer's.

--compare: mlkit-compare with its default models on breast_cancer, 10 folds x 3, beside
scikit-learn's cross_validate of the same models and settings, from the start of the process to its
end; the figures are the accuracies. --level counts how often the corrected and the plain t-test
reject at 5 % over 2,000 comparisons of equally good models. --bias compares bias and variance by
the bootstrap with what new training sets of the same function show.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def generate(path, task, n, p):
    import numpy as np

    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, p)) * 3 + 1
    y = X @ rng.standard_normal(p) + 3.0 * rng.standard_normal(n)
    if task == "prepare":
        X[rng.random((n, p)) < 0.05] = np.nan
    with open(path, "wb") as f:
        X.tofile(f)
        y.tofile(f)


def peer(task, path, n, p, threads):
    """One run of scikit-learn in a process of its own."""
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values = np.fromfile(path)
    X, y = values[: n * p].reshape(n, p), values[n * p :]
    model = make_pipeline(StandardScaler(), Ridge())
    begin = time.perf_counter()
    if task == "prepare":
        model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), Ridge())
        figure = float(((model.fit(X, y).predict(X) - y) ** 2).mean())
    elif task == "cv":
        figure = float(cross_val_score(model, X, y, cv=KFold(10), n_jobs=threads).mean())
    else:
        grid = {"ridge__alpha": np.geomspace(1e-3, 1e6, 10)}
        figure = float(GridSearchCV(model, grid, cv=KFold(5), n_jobs=threads).fit(X, y).best_score_)
    print(json.dumps({"seconds": [time.perf_counter() - begin], "figure": figure}))


def sklearn_models():
    """The default set of mlkit-compare for classes, with the same settings."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    return {"baseline": DummyClassifier(), "logistic": LogisticRegression(),
            "lda": LinearDiscriminantAnalysis(), "naive-bayes": GaussianNB(),
            "knn": make_pipeline(StandardScaler(), KNeighborsClassifier()),
            "svc": make_pipeline(StandardScaler(), SVC()),
            "tree": DecisionTreeClassifier(random_state=0),
            "gbdt": HistGradientBoostingClassifier(random_state=0),
            "forest": RandomForestClassifier(random_state=0)}


def peer_compare(path, threads):
    """cross_validate of all of them; one scoring, where mlkit-compare computes twenty metrics."""
    import warnings

    import pandas as pd
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate

    warnings.filterwarnings("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    table = pd.read_csv(path)
    X, y = table.drop(columns="diagnosis").to_numpy(), table["diagnosis"].to_numpy()
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=3, random_state=0)
    scores = {name: cross_validate(model, X, y, cv=folds, n_jobs=threads)["test_score"].mean()
              for name, model in sklearn_models().items()}
    print(json.dumps(scores))


def compare(options):
    tool = os.path.join(options.build, "tools", "mlkit-compare")
    data = os.path.join(os.path.dirname(__file__), "..", "datasets", "breast_cancer.csv")
    env = dict(os.environ, OMP_NUM_THREADS=str(options.threads), OMP_WAIT_POLICY="passive")
    commands = {"mlkit": [tool, "-t", "diagnosis", "--cv", "10x3", "--json", data],
                "scikit-learn": [sys.executable, __file__, "--peer-compare", data,
                                 str(options.threads)]}
    seconds = {k: [] for k in commands}
    scores = {}
    for _ in range(options.repeats):
        for k, command in commands.items():
            begin = time.perf_counter()
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True, env=env).stdout
            seconds[k].append(time.perf_counter() - begin)
            scores[k] = json.loads(out)
    ours = {r["model"]: r["metrics"]["accuracy"]["mean"] for r in scores["mlkit"]["results"]}
    mine, theirs = (statistics.median(seconds[k]) for k in commands)
    print(f"mlkit-compare {mine:.2f} s, scikit-learn {theirs:.2f} s, ratio {theirs / mine:.1f}")
    for name, value in scores["scikit-learn"].items():
        print(f"  {name:<12} {ours[name]:.4f} {value:.4f}")


def count_rejections(driver):
    """Level of the tests: models by splits, then models that a few rows change much."""
    splits = ((5, 1), (10, 1), (5, 3), (10, 3), (10, 10), (3, 10), (2, 5))
    runs = [(model, task, (), 100, s)
            for model, task in (("ridge", "regression"), ("naive-bayes", "classification"),
                                ("knn", "regression"), ("tree", "regression")) for s in splits]
    runs += [(model, task, extra, rows, s)
             for model, task, extra, rows in (
                 ("knn", "classification", (), 100), ("tree", "classification", (), 100),
                 ("tree", "regression", (), 300),
                 ("tree", "regression", ("min_samples_leaf", "5"), 100),
                 ("tree", "regression", ("min_samples_leaf", "10"), 100),
                 ("tree", "regression", ("max_depth", "3"), 100),
                 ("svr", "regression", (), 100), ("gbdt", "regression", (), 100))
             for s in ((10, 10), (10, 3), (2, 5))]
    for model, task, extra, rows, (folds, repeats) in runs:
        tables = "500" if model in ("svr", "gbdt") else "2000"
        command = [driver, "level", tables, str(rows), str(folds), str(repeats), model, task, *extra]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"{model} {task} {'='.join(extra)} {rows} rows, {folds} x {repeats}: {out.strip()}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="a tenth of the rows")
    parser.add_argument("--level", action="store_true", help="the level of the t-tests instead")
    parser.add_argument("--compare", action="store_true", help="mlkit-compare instead")
    parser.add_argument("--bias", action="store_true", help="bias and variance instead")
    options = parser.parse_args()
    driver = os.path.join(options.build, "bench", "bench_selection")
    if options.level:
        count_rejections(driver)
        return
    if options.bias:
        subprocess.run([driver, "bias", "200", "400"], check=True)
        return
    if options.compare:
        compare(options)
        return

    scale = 10 if options.small else 1
    print(f"{'workload':<26} {'program':<14} {'seconds':>9} {'ratio':>7} {'figure':>22}")
    for task, n, p in (("prepare", 1_000_000 // scale, 20), ("cv", 500_000 // scale, 30),
                       ("grid", 500_000 // scale, 30)):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "data")
            generate(path, task, n, p)
            tail = [task, path, str(n), str(p), str(options.threads)]
            commands = {"mlkit": [driver, *tail, "1"],
                        "scikit-learn": [sys.executable, __file__, "--peer", *tail]}
            runs = {k: [] for k in commands}
            for _ in range(options.repeats):
                for k, command in commands.items():
                    env = dict(os.environ, OMP_NUM_THREADS=str(options.threads))
                    out = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
                    runs[k].append(json.loads(out.stdout.splitlines()[-1]))
            seconds = {k: statistics.median(s for r in v for s in r["seconds"])
                       for k, v in runs.items()}
            for k in commands:
                print(f"{task + f' {n:,} x {p}':<26} {k:<14} {seconds[k]:9.4f} "
                      f"{seconds[k] / seconds['mlkit']:7.2f} {runs[k][-1]['figure']:22.16g}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
    elif sys.argv[1:2] == ["--peer-compare"]:
        peer_compare(sys.argv[2], int(sys.argv[3]))
    else:
        main()
