"""Our own tables: one quantity has one value, and an interval holds what it says.

The phantom run's scores are committed, so that no network is trained here: what a page does with scores is done
again with them, and with made-up scores whose answer is known."""
import numpy as np, pandas as pd, pytest, yaml
from sklearn.metrics import roc_auc_score
from conftest import ROOT
from skinnb import gaps, metrics, stats
from skinnb.melanoma_ddpm import classify
from skinnb.recall_first import ablation, data, external, fairness, paper, train

reference = ROOT/"outputs/reference/phantom/scores"

def trainings(key): return pd.read_csv(reference/key/"trainings.csv.gz")

@pytest.fixture(scope="module")
def members(): # {(backbone, step, protocol, fold): member without weights}, first training of the committed phantom run
    t = trainings("recall_first").query("seed == 42").rename(columns={"score": "score_tta", "score_one_view": "score"})
    names = t.groupby(["backbone", "step", "protocol", "member"])
    return {k: dict(scores=d.reset_index(drop=True)) for k, d in names}

@pytest.fixture(scope="module")
def six(members): # both ensembles
    of = lambda p: [members["mobilenetv2_100", "full", p, k] for k in range(3)]
    return {p: of(p) for p in ("faithful", "corrected")}

@pytest.fixture(scope="module")
def cohort(): return data.cohort_of("phantom", 1200, 42)

# ---- intervals hold training

def test_two_means_differ_by_the_difference_that_is_shown():
    "Table I and its differences, from the committed scores, as if seed 43 had been trained too."
    t, rng = trainings("melanoma_ddpm").query("split == 'test'"), np.random.default_rng(0)
    one = {b: d.reset_index(drop=True) for b, d in t.groupby("backbone")}
    noisy = lambda d: d.assign(score=d.score + rng.normal(0, .2, len(d)))
    arms = {b: {42: d, 43: noisy(d)} for b, d in one.items()}
    tables = {b: classify.corrected(of, b, 200) for b, of in arms.items()}
    mean = {b: t[(t.seed == "mean of 2") & (t.metric == "roc_auc")].iloc[0] for b, t in tables.items()}
    (pair,) = classify.differences(arms, 200).to_dict("records")
    a, b = pair["pair"].split(" - ")
    assert pair["estimate"] == pytest.approx(mean[a].estimate - mean[b].estimate, abs=1e-12)
    for k, m in mean.items():
        each = [roc_auc_score(d.target, d.score) for d in arms[k].values()]
        assert m.estimate == pytest.approx(np.mean(each)) and m.ci_low < min(each) and max(each) < m.ci_high
        assert [m.seed_low, m.seed_high] == pytest.approx([min(each), max(each)])

def test_interval_of_a_mean_holds_the_next_training():
    "Four trainings of a recipe whose luck is known: the interval covers another training in about 95 % of studies."
    rng, y, held = np.random.default_rng(1), np.arange(400) % 2, []
    inside = lambda t, value: t.ci_low <= value <= t.ci_high
    for _ in range(60):
        own = rng.normal(0, 1, 400)
        make = lambda: 2*y*(1 + .5*rng.normal()) + own
        six = {k: make() for k in range(6)}
        both = stats.seed_bootstrap(y, six, n_boot=300).iloc[0]
        tall = {k: np.concatenate([v]*6) for k, v in dict(y=y, lesion=np.arange(400)).items()}
        lesions = stats.cluster_bootstrap(tall["y"], np.concatenate(list(six.values())), tall["lesion"],
            np.repeat(range(6), 400), n_boot=300, metrics="auroc", mean=True).set_index("group").loc["mean"]
        held.append([inside(t, roc_auc_score(y, make())) for t in (both, lesions)])
    by_both, by_lesions = np.mean(held, axis=0)
    assert by_both > .8 # six trainings do not know their own spread well
    assert by_lesions < .6 # lesions alone know nothing of it

@pytest.mark.parametrize("k, n", [(0, 12), (12, 12)])
def test_none_and_all_have_an_interval(k, n):
    "Wilson's over lesions: 12 images of 4 lesions say less than 12 lesions."
    y, lesion = np.ones(n + 4, int), np.r_[np.repeat(range(4), 3), range(4, 8)]
    y[n:] = 0
    s = np.r_[np.full(n, float(k > 0)), np.zeros(4)]
    line = metrics.tidy(y, s, "x", "corrected", lesion, metrics=["sensitivity"], n_boot=20).iloc[0]
    assert [line.ci_low, line.ci_high] == pytest.approx(stats.wilson(4*(k > 0), 4))

def test_disparate_impact_of_a_group_that_is_never_called_is_zero():
    y, group = np.tile([0, 1], 40), np.repeat(["a", "b"], 40)
    called = np.where(group == "a", y, 0)
    found = gaps.group_gaps(y, called, group, n_boot=20, n_perm=200, metrics=["disparate_impact"]).iloc[0]
    assert found.estimate == 0 and found.p < .02
    before = gaps.gap_change(y, y, called, group, n_boot=20).set_index("metric").loc["disparate_impact"]
    assert (before.before, before.after, before.change) == (1, 0, -1)

# ---- the leak, net of the hold-out

def test_leak_of_the_committed_phantom_run(cohort, six):
    "The net of a dose is what its networks' own folds say less what the hold-out says, by hand."
    found = train.net_leak(cohort, six, n_boot=50).set_index("row")
    assert (found.ci_low < found.estimate).all() and (found.estimate < found.ci_high).all()
    seen = train.siblings(cohort)
    def auc(m, rows): return roc_auc_score(rows.target, rows.score)
    gain = {}
    for p, ms in six.items():
        own = [d[(d.split == "train") & (d.image_id.map(seen) == 1)] for d in (m["scores"] for m in ms)]
        held_out = [m["scores"].query("split == 'holdout'") for m in ms]
        gain[p] = [np.mean([roc_auc_score(d.target, d.score) for d in part]) for part in (own, held_out)]
    own, held_out = np.subtract(gain["faithful"], gain["corrected"])
    assert found.loc["one sibling", ["own", "holdout", "estimate"]].tolist() == pytest.approx([own, held_out, own - held_out])

# ---- Tables 4, 7 and 8

def test_tone_is_read_at_one_size():
    "Tables 7 and 8 and the heat maps: every preset reads tone at one size, so that an image has one tone."
    for preset in ("phantom", "real", "paper"):
        pages = yaml.safe_load((ROOT/f"configs/{preset}.yaml").read_text(encoding="utf-8"))["pages"]
        read = {p: (v or {}).get("tone_size", 64) for p, v in pages.items()
            if p in [f"recall_first/{q}" for q in ("01_data", "03_explain", "04_fairness", "04a_repair")]}
        assert len(read) == 4, read
        assert len(set(read.values())) == 1, (preset, read)

def test_tables_7_and_8_count_the_same(cohort, six, monkeypatch):
    "Made-up angles: the groups of Table 8 are those of Table 7, as printed and by the corrected angle."
    rng = np.random.default_rng(5)
    angle = pd.DataFrame(dict(ita_printed=rng.normal(30, 20, len(cohort)), why=""), index=cohort.index)
    angle["ita_corrected"] = angle.ita_printed.where(rng.random(len(cohort)) < .7)
    monkeypatch.setattr(data, "tones_of", lambda *a: angle)
    t7 = data.table_7_lines(cohort, angle).set_index(["row", "metric", "protocol"]).k
    test = train.ensemble(six["corrected"]).merge(fairness.tones(cohort), on="image_id").query("split == 'test'")
    for protocol, column in (("faithful", "tone"), ("corrected", "tone_angle")):
        for g, row in (("light", "Light skin"), ("dark", "Dark skin")):
            mine = test[test[column] == g]
            assert (len(mine), mine.target.sum()) == (t7[row, "n", protocol], t7[row, "malignant", protocol])

def test_every_gap_of_table_8_is_light_minus_dark():
    from skinnb import groups
    y, tone = np.tile([0, 1], 60), np.repeat(["light", "dark"], 60)
    called = np.where(tone == "light", y, np.tile([0, 1, 0, 0], 30))
    found = groups.by_group(y, called, pd.Categorical(tone, ["light", "dark"]), metrics=list(paper.rows_8), n_boot=20)
    t = fairness.table_8_lines(found, "corrected").set_index(["row", "metric"])
    for row in paper.rows_8.values():
        gap, light, dark = (t.estimate[row, m] for m in ("gap_l_minus_d", "light", "dark"))
        assert gap == pytest.approx(light - dark)
    assert t.estimate["FN Rate", "gap_l_minus_d"] < 0 and "dark minus light" in t.why["FN Rate", "gap_l_minus_d"]

def test_gains_are_told_in_words():
    g = pd.DataFrame(dict(protocol="corrected", row=["a", "b"], estimate=[.019, .008], ci_low=[.008, -.03], ci_high=[.03, .03]))
    assert [w.split("] ")[1] for w in ablation.gains_in_words(auc=g).auc] == ["shown", "not shown"]

# ---- another hospital

def test_a_patient_lies_in_one_half():
    rng = np.random.default_rng(3)
    there = pd.DataFrame(dict(patient_id=np.repeat(range(60), 4), lesion_id=np.repeat(range(120), 2),
        target=rng.integers(0, 2, 240), score=rng.random(240)))
    there["unit"] = external.unit_of(there)
    found = external.recalibrated(there, .5, .5, .3)
    assert found.groupby("patient_id")["cut: threshold"].nunique().max() == 1
    assert found["cut: threshold"].nunique() == 2 # two halves, and two thresholds

def test_a_risk_is_carried_along_and_a_score_is_not():
    "Only scores 'as they are' are cut at the threshold from home."
    there = pd.DataFrame(dict(unit=range(80), target=np.tile([0, 1], 40), score=np.linspace(.1, .9, 80)))
    cuts = external.recalibrated(there, .58, .5, .21).filter(like="cut: ").iloc[0]
    assert cuts["cut: as it is"] == .58
    assert cuts[["cut: prevalence", "cut: temperature", "cut: temperature and shift"]].tolist() == [.21]*3
