"Rates by group, gaps and intervals: tables worked by hand with unequal counts, and agreement with other libraries."
import time
import numpy as np, pandas as pd, pytest
import sklearn.metrics as sk
from fairlearn.metrics import MetricFrame, demographic_parity_ratio, equal_opportunity_difference, equalized_odds_difference, false_negative_rate, false_positive_rate, selection_rate, true_negative_rate, true_positive_rate
from scipy.stats import norm
from skinnb import decisions, gaps, groups, metrics, stats
from skinnb.recall_first import ablation, external, fairness, paper, repair
from skinnb.recall_first.train import recall_at_specificity

# Two groups, no two counts alike: light 40 positive (28 found), 60 negative (9 alarms); dark 25 (11), 75 (21).
table = pd.DataFrame(dict(tp=[28, 11], fn=[12, 14], fp=[9, 21], tn=[51, 54]), ["light", "dark"])

def study(counts=table): # y, decision, group
    kinds = dict(tp=(1, 1), fn=(1, 0), fp=(0, 1), tn=(0, 0))
    rows = [(*kinds[k], g) for g in counts.index for k in counts for _ in range(counts.loc[g, k])]
    y, pred, g = zip(*rows)
    return np.array(y), np.array(pred), np.array(g, object)

by_hand = { # metric: (light, dark, all) as numerator and denominator
    "sensitivity": ((28, 40), (11, 25), (39, 65)), "fnr": ((12, 40), (14, 25), (26, 65)),
    "specificity": ((51, 60), (54, 75), (105, 135)), "fpr": ((9, 60), (21, 75), (30, 135)),
    "precision": ((28, 37), (11, 32), (39, 69)), "f1": ((56, 77), (22, 57), (78, 134)),
    "accuracy": ((79, 100), (65, 100), (144, 200)), "prevalence": ((40, 100), (25, 100), (65, 200)),
    "selection_rate": ((37, 100), (32, 100), (69, 200))}

@pytest.mark.parametrize("metric", by_hand)
def test_rate_of_a_group(metric):
    y, pred, g = study()
    found = groups.by_group(y, pred, g, metrics=[metric], n_boot=20).set_index("group")
    for name, (k, n) in zip(("light", "dark", "all"), by_hand[metric]):
        assert np.isclose(found.estimate[name], k/n, atol=1e-12)
        if metric == "f1": continue
        assert (found.k[name], found.n[name]) == (k, n)
        p, z = k/n, norm.ppf(.975) # Wilson by its formula
        half = z*np.sqrt(p*(1 - p)/n + z*z/(4*n*n))/(1 + z*z/n); mid = (p + z*z/(2*n))/(1 + z*z/n)
        assert np.allclose([found.ci_low[name], found.ci_high[name]], [mid - half, mid + half], atol=1e-12)

def test_counts_of_a_group():
    found = groups.by_group(*study(), metrics=["fpr"]).set_index("group")
    assert found[["n_pos", "n_neg"]].to_numpy().tolist() == [[65, 135], [25, 75],
        [40, 60]] # all, then by name

def test_gaps_by_hand():
    "TPR .70 and .44, FPR .15 and .28: gaps .26 and .13; selection .37 and .32."
    y, pred, g = study()
    found = gaps.group_gaps(y, pred, g, n_boot=20, n_perm=0,
        metrics=gaps.gap_names[:7]).set_index("metric").estimate
    expected = dict(tpr_gap=.26, fpr_gap=.13, equalised_odds_half_sum=.195, equalised_odds_max=.26,
        equalised_odds_pair=.195,
        equalised_odds_signed=.065, disparate_impact=32/37) # signed: (.85 - .72)/2
    for m, v in expected.items(): assert np.isclose(found[m], v, atol=1e-12), m
    assert np.isclose(equalized_odds_difference(y, pred, sensitive_features=g), .26)
    assert np.isclose(equal_opportunity_difference(y, pred, sensitive_features=g), found.tpr_gap)
    assert np.isclose(demographic_parity_ratio(y, pred, sensitive_features=g), found.disparate_impact)

def test_gaps_of_stats_by_hand():
    y, pred, g = study()
    found = stats.cluster_bootstrap(y, pred, groups=g, n_boot=20,
        metrics=[*stats.gap_metrics[:4], "fpr", "tpr", "precision"])
    at = found.set_index(["group", "metric"]).estimate
    assert np.allclose(at["between"][stats.gap_metrics[:4]], [.26, .13, .26, .195])
    assert np.allclose([at["light", "fpr"], at["dark", "fpr"], at["light", "precision"], at["all", "tpr"]],
        [.15, .28, 28/37, .6])

def test_abroca_by_hand():
    """Light: scores .9 .7 | .3 .1, so the curve is 1 everywhere. Dark: positives .9 .4, negatives .6 .2, so it is
    1/2 up to an FPR of 1/2 and 1 after it: an area of 1/4 between them."""
    y, s, g = [1, 1, 0, 0]*2, [.9, .7, .3, .1, .9, .4, .6, .2], ["light"]*4 + ["dark"]*4
    assert np.isclose(gaps.abroca(y, s, g), .25)
    assert gaps.abroca(y[:4]*2, s[:4]*2, g) == 0
    assert np.isclose(gaps.abroca([*y, 1, 1, 0, 0], [*s, .9, .7, .3, .1], g + ["third"]*4),
        .25) # the largest of 1/4, 0 and 1/4

def random_case(seed):
    rng = np.random.default_rng(seed); n = rng.integers(150, 400)
    g = rng.choice(["a", "b", "c"], n, p=[.6, .28, .12])
    y = (rng.random(n) < np.select([g == "a", g == "b"], [.2, .45], .6)).astype(int)
    s = np.round(1/(1 + np.exp(-(y*1.5 - 1 + rng.normal(0, 1, n) - .8*(g == "c")))), 2)
    return y, s, g, rng

theirs = dict(sensitivity=true_positive_rate, specificity=true_negative_rate, fpr=false_positive_rate,
    fnr=false_negative_rate, accuracy=sk.accuracy_score,
    precision=sk.precision_score, f1=sk.f1_score, selection_rate=selection_rate, prevalence=lambda y,
        p: np.mean(y))

@pytest.mark.parametrize("seed", range(6))
def test_rates_agree_with_fairlearn(seed):
    y, s, g, _ = random_case(seed); t = .37
    ours = groups.by_group(y, s, g, t, smallest=1, n_boot=20)
    frame = MetricFrame(metrics=theirs, y_true=y, y_pred=s >= t, sensitive_features=g)
    wide = ours.pivot(index="group", columns="metric", values="estimate")
    assert np.allclose(wide.loc[["a", "b", "c"], list(theirs)], frame.by_group[list(theirs)].astype(float),
        atol=1e-12)
    assert np.allclose(wide.loc["all", list(theirs)].astype(float), frame.overall[list(theirs)].astype(float),
        atol=1e-12)
    for name in "abc": assert np.isclose(wide.auroc[name], sk.roc_auc_score(y[g == name], s[g == name]))
    gap = gaps.group_gaps(y, s, g, t, smallest=1, n_boot=20, n_perm=0).set_index("metric").estimate
    assert np.isclose(gap.equalised_odds_max, equalized_odds_difference(y, s >= t, sensitive_features=g))
    assert np.isclose(gap.disparate_impact, demographic_parity_ratio(y, s >= t, sensitive_features=g))
    assert np.isclose(gap.tpr_gap, frame.difference()["sensitivity"]) and np.isclose(gap.fpr_gap,
        frame.difference()["fpr"])
    assert np.isclose(gap.auroc_gap, np.ptp(wide.auroc[["a", "b", "c"]]))
    at = np.linspace(0, 1, 20001)
    curve = {k: np.interp(at, *sk.roc_curve(y[g == k], s[g == k])[:2]) for k in "abc"}
    areas = [np.trapezoid(np.abs(curve[i] - curve[j]), at) for i, j in ("ab", "ac", "bc")]
    assert np.isclose(gaps.abroca(y, s, g), gap.abroca) and np.isclose(gap.abroca, max(areas),
        atol=2e-4) # the grid misses at most a step of 1/20,000 at each jump

@pytest.mark.parametrize("seed", range(4))
def test_metrics_agree_with_scikit_learn(seed):
    y, s, *_ = random_case(seed); t = float(np.sort(s)[len(s)//3]) # a threshold that is a score: from it on is positive
    c, p = metrics.classification(y, s, t), s >= t
    assert [c[k] for k in ("tn", "fp", "fn", "tp")] == sk.confusion_matrix(y, p).ravel().tolist()
    expected = dict(sensitivity=sk.recall_score(y, p), specificity=sk.recall_score(1 - y, ~p),
        precision=sk.precision_score(y, p), f1=sk.f1_score(y, p),
        accuracy=sk.accuracy_score(y, p), balanced_accuracy=sk.balanced_accuracy_score(y, p),
            auroc=sk.roc_auc_score(y, s), average_precision=sk.average_precision_score(y, s))
    for m, v in expected.items(): assert np.isclose(c[m], v, atol=1e-12), m
    grid = metrics.threshold_table(y, s).set_index("threshold")
    for at in (.02, .5, .98):
        p = s >= at
        assert np.isclose(grid.specificity[at], sk.recall_score(1 - y, ~p)) and np.isclose(grid.recall[at],
            sk.recall_score(y, p))
        assert np.isclose(grid.f1[at],
            sk.f1_score(y, p)) and (not p.any() or np.isclose(grid.precision[at], sk.precision_score(y, p)))

def test_a_score_on_the_threshold_is_positive_everywhere():
    y, s = np.array([1, 1, 0, 0, 1]*8), np.array([.5, .2, .5, .1, .5]*8)
    assert metrics.classification(y, s, .5)["tp"] == 16 and metrics.threshold_table(y,
        s).set_index("threshold").recall[.5] == 2/3
    assert groups.by_group(y, s, ["a"]*40, .5, metrics=["fpr"]).k.iloc[0] == 8
    assert stats.cluster_bootstrap(y, s, n_boot=5, metrics="fpr").estimate.iloc[0] == .5
    assert decisions.decision_curve(y, s, ["a"]*40, [.5], n_boot=5).net_benefit.iloc[0] == (16 - 8)/40
    assert decisions.referral_curve(y, s, ["a"]*40, .5, [0],
        n_boot=5).query("metric == 'missed' and group == 'all'").k.iloc[0] == 8

def test_groups_without_a_class():
    "A group of benign images alone has a specificity and no sensitivity; it enters no gap."
    y, pred, g = study(); y, pred, g = np.r_[y, np.zeros(12, int)], np.r_[pred, [1]*3 + [0]*9], np.r_[g,
        ["pale"]*12]
    found = groups.by_group(y, pred, g, smallest=0, n_boot=20).set_index(["group", "metric"])
    pale = found.loc["pale"]
    assert np.isnan(pale.estimate[["sensitivity", "fnr",
        "auroc"]].astype(float)).all() and pale.n["sensitivity"] == 0
    assert np.allclose(pale.estimate[["specificity", "fpr", "selection_rate", "prevalence",
        "precision"]].astype(float), [.75, .25, .25, 0, 0])
    assert groups.by_group(y, pred, g, smallest=1, n_boot=20).query("group == 'pale'").estimate.isna().all()
    gap = gaps.group_gaps(y, pred, g, n_boot=20, n_perm=0, metrics=["tpr_gap", "fpr_gap"])
    assert np.allclose(gap.estimate, [.26, .13]) and (gap.left_out == "pale (12)").all()
    with pytest.raises(gaps.TooFew): gaps.group_gaps(y[g != "dark"], pred[g != "dark"], g[g != "dark"],
        n_boot=20, n_perm=0)

def test_table_8_keeps_its_denominators():
    "recall_first: the false-positive rates that its own counts imply, 96 of 721 and 104 of 484."
    theirs = paper.rebuilt_8()
    found = groups.by_group(theirs.target, theirs.called, theirs.group,
        metrics=["fpr", "fnr", "precision"]).set_index(["group", "metric"])
    for (g, m), (k, n) in {("light", "fpr"): (96, 721), ("dark", "fpr"): (104, 484),
        ("all", "fpr"): (200, 1205), ("light", "fnr"): (27, 143), ("dark", "precision"): (113, 217)}.items():
        assert (found.k[g, m], found.n[g, m]) == (k, n) and np.isclose(found.estimate[g, m], k/n)
    gap = groups.differences(found.reset_index()).set_index("metric").estimate
    assert np.isclose(gap.fpr, 96/721 - 104/484) and np.isclose(gap.fnr, 27/143 - 32/145)

# ---- intervals

def test_lesions_are_what_is_drawn():
    "Each image four times over says nothing new: by lesion the interval stays, by image it halves."
    rng = np.random.default_rng(0); y = rng.integers(0, 2, 150); s = y*.3 + rng.random(150)
    four, lesion = np.tile(np.arange(150), 4), np.tile(np.arange(150), 4)
    width = lambda f: f.ci_high.iloc[0] - f.ci_low.iloc[0]
    for metric in ("auroc", "sensitivity", "fpr"):
        one = width(stats.cluster_bootstrap(y, s, n_boot=4000, metrics=metric))
        by_lesion = width(stats.cluster_bootstrap(y[four], s[four], lesion, n_boot=4000, metrics=metric))
        by_image = width(stats.cluster_bootstrap(y[four], s[four], n_boot=4000, metrics=metric))
        assert abs(by_lesion/one - 1) < .1 and abs(by_image/one - .5) < .06, metric # ends of 4,000 draws are sure to about 3 %
    span = lambda *a, **k: np.subtract(*stats.delong(*a, **k)[:0:-1])
    assert np.isclose(span(y[four], s[four], cluster=lesion), span(y, s), rtol=.02)
    found = groups.by_group(y[four], s[four], ["a"]*600, cluster=lesion, metrics=["sensitivity"], n_boot=4000)
    assert abs(width(found)/width(stats.cluster_bootstrap(y, s, n_boot=4000, metrics="sensitivity")) - 1) < .1

@pytest.mark.parametrize("metric", ["auroc", "sensitivity", "balanced_accuracy"])
def test_paired_draws_share_their_lesions(metric):
    "Two scores that differ little differ surely: the paired interval is far below that of unpaired draws, and p follows."
    rng = np.random.default_rng(1); y = rng.integers(0, 2, 300); a = y*.5 + rng.normal(0, .6,
        300); b = a + rng.normal(0, .02, 300)
    both = stats.paired_bootstrap(y, a, b, metric=metric, n_boot=1000)
    alone = stats.cluster_bootstrap(y, a, n_boot=1000, metrics=metric).iloc[0]
    assert both["ci_high"] - both["ci_low"] < .4*(alone.ci_high - alone.ci_low)
    turned = stats.paired_bootstrap(y, b, a, metric=metric, n_boot=1000)
    width = both["ci_high"] - both["ci_low"] # an end of 1,000 draws is sure to 2 % of the width: five times that, for two
    assert np.isclose(turned["estimate"],
        -both["estimate"]) and abs(turned["ci_low"] + both["ci_high"]) < .15*width
    exact = stats.paired_bootstrap(y, a, a, metric=metric, n_boot=200)
    assert (exact["estimate"], exact["ci_low"], exact["ci_high"], exact["p"]) == (0, 0, 0, 1)

def test_percentiles_by_hand():
    "0 to 40 in steps of 1: 2.5 % of 40 is 1, 97.5 % is 39; a missing draw is left aside."
    lo, hi, n = stats.percentile_interval(np.r_[np.arange(41.), np.nan])
    assert np.allclose((lo, hi), (1, 39)) and n == 41
    lo, hi, _ = stats.percentile_interval(np.arange(41.), level=.9)
    assert np.allclose((lo, hi), (2, 38))

def test_same_seed_same_interval():
    y, s, g, _ = random_case(1)
    ends = lambda f: str(f[["ci_low", "ci_high"]].to_numpy().tolist())
    runs = [ends(groups.by_group(y, s, g, cluster=np.arange(len(y))//2, metrics=["fpr", "f1"], n_boot=100,
        seed=k)) for k in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    runs = [ends(stats.cluster_bootstrap(y, s, groups=g, n_boot=100, seed=k,
        metrics=["auroc", "tpr", "fpr_difference"])) for k in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]

def test_counts_are_drawn_not_frames():
    "2,000 draws of six groups cost less than a tenth of fairlearn's, timed on three of them; the machine may be busy."
    rng = np.random.default_rng(0)
    y, score, group = rng.integers(0, 2, 10_000), rng.random(10_000), rng.integers(1, 7, 10_000)
    def seconds(f):
        start = time.process_time()
        f()
        return time.process_time() - start
    names = ["tpr", "fpr", "equalised_odds_max"]
    ours = min(seconds(lambda: stats.cluster_bootstrap(y, score, groups=group, metrics=names)) for _ in range(3))
    judges = dict(tpr=true_positive_rate, fpr=false_positive_rate)
    peer = seconds(lambda: MetricFrame(metrics=judges, y_true=y, y_pred=score >= .5, sensitive_features=group,
        n_boot=3, ci_quantiles=[.025, .975]))
    assert peer/3*2000 > 10*ours

# ---- calibration

def test_calibration_by_hand():
    """Ten bins. Three at .05, two of them positive: |.05 - 2/3|*3 = 1.85. .95 positive and 1.0, which stays in the
    last bin, negative: |.975 - 1/2|*2 = .95. Together 2.8 of 5 images; bins that counted alike would give .546."""
    y, s = [0, 1, 1, 1, 0], [.05, .05, .05, .95, 1.]
    assert np.isclose(metrics.ece(y, s), 2.8/5) and metrics.calibration(y, s).n.tolist() == [3, 2]
    assert np.isclose(metrics.brier(y, s), (.05**2 + 2*.95**2 + .05**2 + 1)/5)
    assert np.isclose(metrics.ece([0, 0, 1], [.05, .15, .26], n_bins=20),
        (.05 + .15 + .74)/3) # three bins of one image

def test_threshold_rules_by_hand():
    """Scores .1 .2 .3 .4 | .5 .6 .7 .8 with labels 0 0 1 0 0 1 1 1. A recall of 1 needs .3; a specificity of 3/4 needs
    a score above .4; Youden is largest at .6 (3/4 + 1 - 1); the highest score that keeps a sensitivity of 3/4 is .6."""
    s, y = np.arange(1, 9)/10, np.array([0, 0, 1, 0, 0, 1, 1, 1])
    assert metrics.threshold_youden(y, s) == .6 and metrics.threshold_at_specificity(y, s,
        .75) == .5 and metrics.threshold_at_specificity(y, s, 1.) == .6
    few = [1]*10 + [0]*4, [.3]*3 + [.5]*7 + [.1, .1, .4,
        .6] # .3: 1 + 1/2; .5: 7/10 + 3/4, less, though its product is more
    assert metrics.threshold_youden(*few) == .3
    assert decisions.operating_point(y, s, sensitivity=.75) == .6 and decisions.operating_point(y, s,
        sensitivity=.76) == .3
    assert metrics.threshold_at_recall(y, s, 1.) == .22 and metrics.threshold_at_recall(y, s,
        .75) == .52 # lowest of equals on the grid

def test_thresholds_by_group_find_each_groups_line():
    "Light is told apart at .5, dark at .25; the same thresholds call new images of each group."
    y, s, g = np.array([0, 0, 1, 1]*10*2), np.r_[[.2, .4, .6, .8]*10,
        [.1, .2, .3, .4]*10], np.array(["light"]*40 + ["dark"]*40)
    for constraint in ("true_positive_rate_parity", "equalized_odds"):
        assert np.array_equal(decisions.optimised((y, s, g), s, g, constraints=constraint), y)
        assert decisions.optimised((y, s, g), [.35, .35], ["light", "dark"],
            constraints=constraint).tolist() == [0, 1]

def test_hanley_mcneil_by_hand():
    """AUC .9 of 20 positives and 200 negatives: Q1 = .9/1.1, Q2 = 1.62/1.9, so the variance is
    (.09 + 19*(.81818 - .81) + 199*(.85263 - .81))/4000 = .0021823; with the groups changed over it is .00063."""
    half = norm.ppf(.975)*np.sqrt((.09 + 19*(.9/1.1 - .81) + 199*(1.62/1.9 - .81))/4000)
    assert np.allclose(stats.hanley_mcneil(.9, 20, 200), [.9 - half, .9 + half]) and np.isclose(half, .0916,
        atol=1e-4)

def test_ties_count_in_a_permutation_test():
    "Two ones and two zeros in two groups of two: a gap of 1 in two of six deals, so p = 1/3; 9,999 shuffles are sure to .005."
    assert abs(stats.permutation_test([0, 0, 1, 1], list("aabb"))["p"] - 1/3) < .02
    assert abs(stats.permutation_test([0, 0, 1, 1]*2, list("aabb")*2,
        cluster=[1, 2, 3, 4]*2)["p"] - 1/3) < .02

def test_tone_of_a_lesion(monkeypatch):
    "04_fairness: 28 degrees is dark, most of its images decide for a lesion, a tie and what cannot be measured stay missing."
    ita = pd.Series([40, 10, 40, 40, 10, 28, 28.1, np.nan, 40, np.nan])
    monkeypatch.setattr(fairness.the_data, "tones_of", lambda cohort,
        size: pd.DataFrame(dict(ita_printed=ita, ita_corrected=ita)))
    found = fairness.tones(pd.DataFrame(dict(image_id=[*"abcdefghij"],
        lesion_id=[1, 1, 2, 2, 2, 3, 4, 5, 5, 6])))
    short = {c: "".join(found[c].astype(object).map({"light": "l",
        "dark": "d"}).fillna("-")) for c in found if c != "image_id"}
    assert short == dict(tone="ldllddl-l-", tone_angle="ldllddl-l-", tone_lesion="--" + "lll" + "d" + "l" + "ll" + "-",
        tone_valid="dd" + "lll" + "d" + "l" + "ll" + "-")

def test_remedies_by_hand():
    "04a_repair: from .46 the paper goes down by .08 to .38; where the tone is not known the threshold stays as it is."
    learned = pd.DataFrame(dict(target=[0, 0, 1, 1]*2, ensemble=[.2, .4, .6, .8, .1, .2, .3, .4],
        tone_lesion=["light"]*4 + ["dark"]*4))
    new = pd.DataFrame(dict(ensemble=[.30, .39, .41, .46], tone_lesion=["dark", "light", None, "dark"]))
    found = {k: v.tolist() for k, v in repair.remedies(learned, new, .46, .40).items()}
    assert found == {"as it is": [0, 0, 0, 1], "lowered by 0.08": [0, 1, 1, 1],
        "fairest within the cost": [0, 0, 1, 1],
        "by tone (ThresholdOptimizer)": [1, 0, 0, 1]} # dark from .25, light from .5

def test_platt_leans_on_the_scores_as_they_are():
    "05_external: where classes are told apart fully, the ridge of 1e-3 towards slope 1 and shift 0 alone holds the curve."
    y, s = np.array([0, 0, 0, 1, 1]), np.array([.1, .2, .3, .8, .9])
    z = np.log(s/(1 - s)); w = np.array(metrics.platt(y, s)); p = 1/(1 + np.exp(-(w[0]*z + w[1])))
    assert np.allclose([(z*(y - p)).sum(), (y - p).sum()], 1e-3*(w - [1, 0]), atol=1e-9) and w[0] > 1.5

def test_gain_of_a_step():
    "02b_ablation: a step minus the one before it, in common draws: the same scores gain 0 in every one of them."
    rng = np.random.default_rng(3); y = np.arange(200) % 2; lesion = np.arange(200)//4*2 + y
    weak, strong = (pd.DataFrame(dict(target=y, lesion_id=lesion, score=a*y + rng.normal(0, 1, 200))) for a in (.5, 2.5))
    common, gains, beyond = ablation.at_common_specificity({"a": (weak, .5), "b": (strong, .5), "c": (strong, .5)}, .8, 200)
    expected = [recall_at_specificity(y, d.score, .8)[0] for d in (weak, strong, strong)]
    assert common.estimate.tolist() == expected and gains.row.tolist() == ["b", "c", "all steps together"]
    assert np.allclose(gains.estimate, [expected[1] - expected[0], 0, expected[1] - expected[0]])
    assert gains.ci_low[0] > .2 and (gains.ci_low[1], gains.ci_high[1]) == (0, 0)
    assert gains.loc[0, ["ci_low", "ci_high"]].tolist() == gains.loc[2, ["ci_low", "ci_high"]].tolist()
    assert beyond.row.tolist() == ["b - c"] # c adds nothing in any draw, so b adds all of its gain beyond it
    assert np.allclose(beyond.iloc[0, 1:].astype(float), gains.iloc[0, 1:].astype(float))
    assert ablation.what_steps_add(np.array([[0., 0, .1], [.2, .3, .2], [.3, .5, .4]]), list("abc"), 9)[1].ci_low[0] < .1
