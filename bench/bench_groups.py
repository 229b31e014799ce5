"""Speed and error of skinnb.groups and skinnb.gaps beside the abroca package and fairlearn, in one process.

python bench/bench_groups.py [--n 10000] [--draws 2000] [--peer-draws 20] [--repeat 3] [--grid 10000000] [--out PATH]

abroca: the package (0.1.3) is used where it can be imported, with its one call that pandas 2 and 3 refuse put right on
the fly; it is no requirement of skinnb, so install it into an environment of its own or put an unpacked wheel on
PYTHONPATH. Without it the same recipe is used: scikit-learn's curve, interp1d on 10,000 points, scipy's quad.
Errors are against a midpoint sum over --grid points. fairlearn is timed on --peer-draws draws and scaled to --draws; ours runs all of
them. CPU seconds of this process, best of --repeat.
"""
import argparse, time, warnings
import numpy as np, pandas as pd
from fairlearn.metrics import equalized_odds_difference
from scipy import integrate, interpolate
from sklearn.metrics import roc_curve
from skinnb import gaps, groups
try:
    import abroca as package
    from abroca.compute_abroca import compute_abroca
except ImportError: package = None
except Exception as e: package = None; print(f"the abroca package is there and cannot be imported ({e}); its recipe is used instead")


def made(n, rng, n_groups=6):  # lesions of four images, groups by lesion, scores in 0..1 with ties
    lesion = np.arange(n) // 4
    of_lesion = rng.normal(size=lesion[-1] + 1)[lesion]
    y, group = (rng.random(lesion[-1] + 1) < .3)[lesion].astype(int), rng.integers(0, n_groups, lesion[-1] + 1)[lesion]
    score = 1 / (1 + np.exp(-(1.5 * y - .3 * y * (group == 1) + .9 * of_lesion + .5 * rng.normal(size=n))))
    return y, np.round(score, 4), np.array(list("abcdefgh"))[group], lesion


def seconds(f, repeat):  # best CPU time
    best = np.inf
    for _ in range(repeat):
        start = time.process_time(); f(); best = min(best, time.process_time() - start)
    return best


def recipe(y, s, g):  # what the package computes for two groups
    at = np.linspace(0, 1, 10_000)
    a, b = (interpolate.interp1d(*roc_curve(y[g == v], s[g == v])[:2])(at) for v in ("a", "b"))
    f = interpolate.interp1d(at, a - b)
    return integrate.quad(lambda x, acc: abs(f(x)), 0, 1, 1000)[0]


def peer_abroca(y, s, g):  # the package, or its recipe
    with warnings.catch_warnings(action="ignore"):
        if package is None: return recipe(y, s, g)
        between = pd.Series.between
        pd.Series.between = lambda self, lo, hi, inclusive="both": between(self, lo, hi, "both" if inclusive is True else inclusive)
        try: return next(iter(compute_abroca(pd.DataFrame(dict(s=s, y=y, g=g)), "s", "y", "g", compare_type="binary", majority_protected_attr_val="a").values()))
        finally: pd.Series.between = between


def brute(y, s, g, n_points):  # midpoint sum, in portions
    curves, total, step = [roc_curve(y[g == v], s[g == v], drop_intermediate=False)[:2] for v in ("a", "b")], 0., 10**6
    for i in range(0, n_points, step):
        at = (np.arange(i, min(i + step, n_points)) + .5) / n_points
        total += np.abs(np.interp(at, *curves[0]) - np.interp(at, *curves[1])).sum()
    return total / n_points


def bench_abroca(n, a):
    y, s, g, _ = made(n, np.random.default_rng(n), 2)
    exact, theirs, truth = gaps.abroca(y, s, g), peer_abroca(y, s, g), brute(y, s, g, a.grid)
    return dict(case=f"ABROCA, two groups, n = {n:,}", peer="abroca 0.1.3" if package else "recipe of abroca 0.1.3", n=n, draws=1,
        ours_s=seconds(lambda: [gaps.abroca(y, s, g) for _ in range(10)], a.repeat) / 10, peer_s=seconds(lambda: peer_abroca(y, s, g), a.repeat),
        ours_error=abs(exact - truth), peer_error=abs(theirs - truth))


def bench_abroca_draws(a):  # bootstrap and shuffles of ABROCA and AUC, two groups of the sizes in recall_first
    y, s, g, lesion = made(1492, np.random.default_rng(5), 2)
    run = lambda: gaps.group_gaps(y, s, g, cluster=lesion, n_boot=a.draws, n_perm=a.draws, metrics=["auroc_gap", "abroca"])
    return dict(case="ABROCA and AUC gap, bootstrap and shuffles, n = 1,492", peer="abroca in a loop", n=1492, draws=2 * a.draws,
        ours_s=seconds(run, 1), peer_s=seconds(lambda: [peer_abroca(y, s, g) for _ in range(3)], 1) / 3 * 2 * a.draws, ours_error=np.nan, peer_error=np.nan)


def bench_rates(data, clustered, a):  # nine rates of every group with intervals
    y, s, g, lesion = data
    run = lambda: groups.by_group(y, s, g, cluster=lesion if clustered else None, n_boot=a.draws, metrics=groups.rate_names)
    ours, found = seconds(run, a.repeat), run()
    everything = seconds(lambda: groups.metric_frame(y, s, g), a.repeat)
    boot = lambda n: groups.metric_frame(y, s, g, n_boot=n, ci_quantiles=[.025, .975], random_state=1)
    peer = (seconds(lambda: boot(a.peer_draws), 1) - everything) / a.peer_draws * a.draws
    theirs = groups.metric_frame(y, s, g).by_group
    mine = found[found.group != "all"].pivot(index="group", columns="metric", values="estimate").loc[theirs.index, theirs.columns]
    return dict(case=f"nine rates, 6 groups, intervals, {'by lesion' if clustered else 'by image'}", peer="fairlearn MetricFrame(n_boot)", n=len(y), draws=a.draws, ours_s=ours, peer_s=peer,
        ours_error=float(np.abs(mine.to_numpy() - theirs.to_numpy(float)).max()), peer_error=np.nan)


def bench_gaps(data, a):  # six gaps and disparate impact with intervals and permutation p
    y, s, g, lesion = data
    pred = (s >= .5).astype(int)
    names = gaps.gap_names[:7]
    run = lambda: gaps.group_gaps(y, s, g, cluster=lesion, n_boot=a.draws, n_perm=a.draws, metrics=names)
    ours, found = seconds(run, a.repeat), run().set_index("metric").estimate
    rng = np.random.default_rng(1)
    def one():  # equalised odds alone, one draw of whole lesions
        i = (rng.integers(len(y) // 4, size=len(y) // 4)[:, None] * 4 + np.arange(4)).ravel()
        return equalized_odds_difference(y[i], pred[i], sensitive_features=g[i])
    peer = seconds(lambda: [one() for _ in range(a.peer_draws)], 1) / a.peer_draws * 2 * a.draws
    return dict(case="seven gaps, 6 groups, intervals and p, by lesion", peer="fairlearn in a loop (one gap)", n=len(y), draws=2 * a.draws, ours_s=ours, peer_s=peer,
        ours_error=abs(found.equalised_odds_max - equalized_odds_difference(y, pred, sensitive_features=g)), peer_error=np.nan)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [("n", 10_000), ("draws", 2000), ("peer-draws", 20), ("repeat", 3), ("grid", 10_000_000)]: p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--out", help="write the lines as a tidy CSV as well")
    a = p.parse_args()
    if min(a.draws, a.peer_draws, a.repeat, a.grid) < 1 or a.n < 400 or a.n % 4: p.error("--draws, --peer-draws, --repeat and --grid from 1, --n a multiple of 4 from 400")
    data = made(a.n, np.random.default_rng(0))
    print(f"{a.n:,} images, {data[3][-1] + 1:,} lesions, {a.draws:,} draws; fairlearn timed on {a.peer_draws} draws and scaled; CPU seconds, best of {a.repeat}")
    jobs = [*(lambda n=n: bench_abroca(n, a) for n in (1492, a.n, 10 * a.n)), lambda: bench_abroca_draws(a), lambda: bench_rates(data, False, a), lambda: bench_rates(data, True, a), lambda: bench_gaps(data, a)]
    rows = []
    for job in jobs:
        r = job(); rows.append(r | dict(ratio=r["peer_s"] / r["ours_s"]))
        err = f"  error: ours {r['ours_error']:.0e}" + (f", theirs {r['peer_error']:.0e}" if r["peer_error"] == r["peer_error"] else "") if r["ours_error"] == r["ours_error"] else ""
        print(f"{r['case']:55s} ours {r['ours_s']:9.5f} s  {r['peer']:30s} {r['peer_s']:9.3f} s  ratio {r['peer_s'] / r['ours_s']:9,.0f}{err}", flush=True)
    print("fairlearn draws images one by one and gives no interval for equalised odds; by lesion its time is that of drawing images. Errors of rates and gaps are against fairlearn's estimates.")
    if a.out: pd.DataFrame(rows).to_csv(a.out, index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__": main()
