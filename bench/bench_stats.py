"""Bootstrap speed of skinnb.stats beside fairlearn and scikit-learn, in one process.

python bench/bench_stats.py [--n 10000] [--draws 2000] [--peer-draws 20] [--repeat 3] [--out PATH]

A peer is timed on `--peer-draws` draws and scaled to `--draws`; ours runs all of them. Both are the best of
`--repeat` runs, in CPU seconds of this process, so that other work on the machine does not decide the ratio.
Agreement is checked twice: the numbers on identical resamples, and the ends of the intervals against a plain loop.
"""
import argparse, time
import numpy as np, pandas as pd
from fairlearn.metrics import MetricFrame, equalized_odds_difference, false_positive_rate, true_positive_rate
from sklearn.metrics import roc_auc_score
from skinnb import stats

METRICS = dict(tpr=true_positive_rate, fpr=false_positive_rate)
RATES = ["tpr", "fpr", "equalised_odds_max"]


def made(n, rng):  # lesions of four images, six groups, scores with ties
    lesion = np.arange(n) // 4
    of_lesion = rng.normal(size=lesion[-1] + 1)[lesion]
    y, group = rng.random(lesion[-1] + 1)[lesion] < .3, rng.integers(1, 7, lesion[-1] + 1)[lesion]
    return y.astype(int), np.round(1.2 * y + .9 * of_lesion + .45 * rng.normal(size=n), 3), group, lesion


def seconds(f, repeat):  # best CPU time
    best = np.inf
    for _ in range(repeat):
        start = time.process_time(); f(); best = min(best, time.process_time() - start)
    return best


def resample(rng, n, lesion=None):  # positions of one draw, of images or of whole lesions (four images each)
    if lesion is None: return rng.integers(n, size=n)
    return (rng.integers(n // 4, size=n // 4)[:, None] * 4 + np.arange(4)).ravel()


def ends(values): return np.quantile(values, [.025, .975], axis=0)


def bench_rates(data, lesion, a):
    y, score, group, _ = data
    pred = (score >= .5).astype(int)
    run = lambda: stats.cluster_bootstrap(y, score, lesion, group, n_boot=a.draws, metrics=RATES)
    ours, frame = seconds(run, a.repeat), run()
    frame_of = lambda i, **kw: MetricFrame(metrics=METRICS, y_true=y[i], y_pred=pred[i], sensitive_features=group[i], **kw)
    everyone, rng = np.arange(len(y)), np.random.default_rng(1)
    draws = [resample(rng, len(y), lesion) for _ in range(a.peer_draws)]
    if lesion is None:  # fairlearn's own bootstrap, less the cost of its point estimate
        with_draws = seconds(lambda: frame_of(everyone, n_boot=a.peer_draws, ci_quantiles=[.025, .975]), a.repeat)
        peer = (with_draws - seconds(lambda: frame_of(everyone), a.repeat)) / a.peer_draws
    else:  # fairlearn draws no clusters: a loop of lesion draws over MetricFrame
        peer = seconds(lambda: [frame_of(resample(rng, len(y), lesion)).by_group for _ in range(a.peer_draws)], a.repeat) / a.peer_draws
    worst = 0.
    for i in draws:  # the same resample through both
        mine = stats.rates(stats.confusion(y[i], pred[i], group[i]))
        worst = max(worst, np.abs(np.c_[mine["tpr"], mine["fpr"]] - frame_of(i).by_group[["tpr", "fpr"]].to_numpy(float)).max(),
                    abs(stats.rate_gaps(mine)["equalised_odds_max"] - equalized_odds_difference(y[i], pred[i], sensitive_features=group[i])))
    loop = []
    for _ in range(a.draws):
        i = resample(rng, len(y), lesion)
        by = stats.rates(stats.confusion(y[i], pred[i], group[i]))
        loop.append(np.r_[by["tpr"], by["fpr"], stats.rate_gaps(by)["equalised_odds_max"]])
    mine = pd.concat([frame[(frame.metric == m) & (frame.group != "all")] for m in RATES])
    return ours, peer * a.draws, worst, np.abs(ends(loop).T - mine[["ci_low", "ci_high"]].to_numpy()).max()


def bench_auc(data, lesion, groups, a):
    y, score, group, _ = data
    parts = [np.ones(len(y), bool)] + ([group == g for g in np.unique(group)] if groups else [])
    run = lambda: stats.cluster_bootstrap(y, score, lesion, group if groups else None, n_boot=a.draws, metrics="auroc")
    ours, frame, rng = seconds(run, a.repeat), run(), np.random.default_rng(1)
    everyone = [slice(None)]
    def auc(i):
        drawn_y, drawn_score, drawn_group = y[i], score[i], group[i]
        members = everyone + ([drawn_group == g for g in range(1, 7)] if groups else [])
        return [roc_auc_score(drawn_y[m], drawn_score[m]) for m in members]
    peer = seconds(lambda: [auc(resample(rng, len(y), lesion)) for _ in range(a.peer_draws)], a.repeat) / a.peer_draws
    loop, worst = [auc(resample(rng, len(y), lesion)) for _ in range(300)], 0.
    plans = [stats._auc_plan(y, score, np.arange(len(y)), p) for p in parts]
    for _ in range(a.peer_draws):
        i = resample(rng, len(y), lesion)
        mine = [stats._weighted_auc(np.bincount(i, minlength=len(y))[None], p)[0] for p in plans]
        worst = max(worst, np.abs(np.subtract(mine, auc(i))).max())
    return ours, peer * a.draws, worst, np.abs(ends(loop).T - frame[["ci_low", "ci_high"]].to_numpy()).max()


def limits(data, a):  # where our own time goes
    y, score, group, lesion = data
    rng, n = np.random.default_rng(1), len(y)
    cells = (group - 1) * 4 + y * 2 + (score >= .5)
    whole = seconds(lambda: stats.cluster_bootstrap(y, score, None, group, n_boot=a.draws, metrics=RATES), a.repeat)
    drawn = seconds(lambda: stats.resampled_counts(cells, 24, None, a.draws, rng), a.repeat)
    yield f"rates: drawing tables takes {drawn / whole:.0%} of the call; the rest is input checks, percentiles and the data frame, and does not grow with the images"
    rows = max(1, 2**17 // n)
    whole = seconds(lambda: stats.cluster_bootstrap(y, score, n_boot=a.draws, metrics="auroc"), a.repeat)
    def draw():  # one portion at a time, let go at once as the call does
        for i in range(0, a.draws, rows): stats.drawn_weights(rng, n, min(rows, a.draws - i))
    drawn = seconds(draw, a.repeat)
    yield f"AUC: drawing and counting {a.draws * n / 1e6:.0f} million random positions takes {drawn / whole:.0%} of the call; the rest is gathering weights and one running sum per draw (memory traffic, one core)"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [("n", 10_000), ("draws", 2000), ("peer-draws", 20), ("repeat", 3)]: p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--out", help="write the lines as a tidy CSV as well")
    a = p.parse_args()
    if min(a.draws, a.peer_draws, a.repeat) < 1 or a.n < 400 or a.n % 4: p.error("--draws, --peer-draws and --repeat from 1, --n a multiple of 4 from 400")
    data = made(a.n, np.random.default_rng(0))
    lesion, rows = data[3], []
    cases = [(f"{what}, {how}", "fairlearn" if what.startswith("TPR") else "sklearn loop", f, c)
             for what, f in [("TPR FPR EO, 6 groups", bench_rates), ("AUC, all images", lambda d, c, a: bench_auc(d, c, False, a)), ("AUC, all + 6 groups", lambda d, c, a: bench_auc(d, c, True, a))]
             for how, c in [("unclustered", None), ("clustered", lesion)]]
    print(f"{a.n:,} images, {lesion[-1] + 1:,} lesions, {a.draws:,} draws; peers timed on {a.peer_draws} draws and scaled per draw; CPU seconds, best of {a.repeat}")
    for name, peer_name, f, c in cases:
        ours, peer, exact, interval = f(data, c, a)
        rows.append(dict(case=name, peer=peer_name, n=a.n, draws=a.draws, ours_s=ours, peer_s=peer, ratio=peer / ours, same_resample_max_diff=exact, interval_max_diff=interval))
        print(f"{name:34s} ours {ours:8.4f} s  {peer_name:12s} {peer:8.1f} s  ratio {peer / ours:9,.0f}  same resamples differ by {exact:.0e}, interval ends by {interval:.3f}", flush=True)
    print("fairlearn gives no interval for equalised odds and draws no clusters: its time is for TPR and FPR alone, and clustered is a loop of lesion draws over MetricFrame. Interval ends are compared with a plain loop of other draws, so they differ by Monte Carlo error.")
    for line in limits(data, a): print("limit,", line)
    if a.out: pd.DataFrame(rows).to_csv(a.out, index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__": main()
