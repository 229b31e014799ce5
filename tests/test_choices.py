"""Which split chose this? Every choice that a page makes from data, and the split that alone may make it.

Each is made again after the labels (then the scores or pixels) of one split were dealt anew. The choice must
move when that split is its own and stay the same to the last bit when it is not: so no choice looks at the
test images, and no check passes because nothing could have moved it.

| page | choice | who may make it | tested by |
|---|---|---|---|
| melanoma_ddpm/01_classify | epoch whose weights are kept | valid | training, `test_arm` |
| | how often each class is shown | train | training, `test_arm` |
| recall_first/02_train | epoch, early stop (faithful, corrected) | the fold left out | training, `test_member` |
| | weights of the classes in the loss | the other folds | training, `test_member` |
| | threshold of Table 2, corrected; faithful is 0.5 | out-of-fold scores of train | page |
| | backbone by validation AUC | valid (faithful), train (corrected) | page |
| recall_first/02a_threshold | threshold and its draws | valid (faithful), train (corrected) | page |
| recall_first/02b_ablation | thresholds of rows four to six | valid (faithful), train (corrected) | page |
| | common specificity, read off in every draw | test, declared: it compares, it is no result | page |
| recall_first/03_explain | threshold, corrected; faithful is printed | train | page |
| recall_first/04_fairness | thresholds of both models | valid (faithful), train (corrected) | page |
| recall_first/04a_repair | threshold of the ensemble | valid (faithful), train (corrected) | page |
| | fairer threshold and its draws | valid, train | page |
| | thresholds by tone (ThresholdOptimizer) | train | page: decisions on test images |
| | Platt's curve of the risks, fold by fold | the other folds | page |
| | overall specificity of the matched comparison | test, declared: it compares, it is no result | page |
| recall_first/05_external | threshold carried along, and the risk it stands for | train | page |
| | share of positives there | scores there, no label | `test_recalibration` |
| | temperature, shift, threshold there | the other half of the patients or lesions | `test_recalibration` |
| tone_prune/06_prune | epoch, rounds of pruning that are kept | valid | training, `test_pruned_arm` |
| | channels that go | train, and meta by the weights of the attributes | training, `test_pruned_arm` |
| tone_prune/07_ablation | the same, and which images are recoloured | train | training, `test_pruned_arm`, `test_donors` |
| tone_prune/08_rivals | strength of a method | valid | `test_strength`; its training, `test_rival` |
| | thresholds by group, and the one beside them | valid | `test_strength` |

Nothing else is fitted: pictures are normalised by ImageNet's constants (pixels of the test images may turn to
noise, `test_arm`), tone is cut at 28 degrees or at thirds of all images (labels have no part in that), no missing
value is imputed, learning rates and schedules are parameters, and the pages on tones draw by seed from diagnoses
and counts, before any label is predicted.
"""
import json, re, zlib
import joblib, numpy as np, pandas as pd, pytest
from sklearn.metrics import f1_score, recall_score
from conftest import ROOT
from pages import cells, value_of
from skinnb import cohorts, imaging, phantoms, train
from skinnb.melanoma_ddpm import classify
from skinnb.recall_first import data, external, train as trainings
from skinnb.study import page_parameters
from skinnb.tone_prune import ablation, prune, rivals, snnl

# ---- a study in which no network is trained: scores are drawn once, labels and scores can be dealt anew

splits, size = ("train", "valid", "holdout", "test"), dict(n_lesions=300, n_boot=30, others=["resnet34"], n_seeds=1, n_further=0)
shares = dict(train=150, valid=80, test=70) # more to validate on than in the paper, so that each choice can move
real_cohort = data.cohort_of

def dealt(frame, rows, seed=1): # labels of some rows dealt anew among their lesions
    of_lesion = frame[rows].groupby("lesion_id").target.first()
    new = pd.Series(np.random.default_rng(seed).permutation(of_lesion.to_numpy()), of_lesion.index)
    return frame.target.where(~rows, frame.lesion_id.map(new))

def rows_of(frame, part): # a split, or ("fold", k)
    return frame.fold_corrected == part[1] if isinstance(part, tuple) else frame.split == part

class Study:
    "Patched into recall_first: its cohort, its members without training, and its tones."
    def __init__(self, part=None, what=None): self.part, self.what = part, what
    def cohort_of(self, *args, **more):
        frame = real_cohort(*args, **more)
        self.truth = frame.set_index("image_id").target
        if self.what != "labels": return frame
        return frame.assign(target=dealt(frame, rows_of(frame, self.part)))
    def trained(self, cohort, images, backbone, step="full", protocol="corrected", fold=0, **budget):
        rng = np.random.default_rng(zlib.crc32(f"{backbone} {step} {protocol} {fold}".encode()))
        own = cohort[f"fold_{protocol}"].isin([fold, -1])
        logit = 1.6*self.truth[cohort.image_id].to_numpy() - 1 + rng.normal(0, 1, (2, len(cohort)))
        noise = rng.normal(0, 1, logit.shape)
        if self.what == "scores": logit = np.where(rows_of(cohort, self.part), noise, logit)
        one, views = 1/(1 + np.exp(-logit))
        scores = cohort.assign(fold=cohort[f"fold_{protocol}"], score=one, score_tta=(one + views)/2)[own]
        kept = ["image_id", "lesion_id", "split", "target", "fold", "score", "score_tta"]
        return dict(scores=scores[kept].reset_index(drop=True),
            history=pd.DataFrame(dict(epoch=[1], kept=[True])), weights=dict(source="random"), state={})
    def members(self): # of 02_train, with the page's own backbone and seed
        cohort = self.cohort_of("phantom", size["n_lesions"], 42)
        own = page_parameters("recall_first/02_train")["backbone"][1]
        return {m: self.trained(cohort, None, *m[:-1]) for m in trainings.plan(own, size["others"], seed=42)}
    def tones_of(self, cohort, img_size=64):
        return pd.DataFrame(dict(ita_printed=cohort.ita, ita_corrected=cohort.ita, L=70., b=15., why=""))

@pytest.fixture
def made(monkeypatch):
    "A page's value in a study whose part was dealt anew; an error is a value too."
    def value(page, name, part=None, what=None):
        study = Study(part, what if part else None)
        for attribute, module in dict(cohort_of=data, tones_of=data, trained=trainings).items():
            monkeypatch.setattr(module, attribute, getattr(study, attribute))
        monkeypatch.setattr(data, "sizes", shares)
        stand_in = {"members": study.members()} if page.endswith("02_train") else {}
        here = {k: v for k, v in size.items() if f"\n{k}:" in "\n" + "\n".join(cells(page))}
        try: return value_of(page, name, images=None, **stand_in, **here)
        except ValueError as e: return f"no choice: {e}"
    return value

paper = "recall_first/"
by_auc = lambda protocol: lambda t: t[(t.protocol == protocol) & (t.metric == "val_auc")].estimate.tolist()
of = lambda *key: lambda v: v[key[0] if len(key) == 1 else key]
CHOICES = { # (page, name in the page, what of it): the split that chooses
    "Table 2, threshold, corrected": ("02_train", "ours",
        lambda t: t[t.protocol == "corrected"].threshold.tolist(), "train"),
    "Table 2, threshold, faithful": ("02_train", "ours",
        lambda t: t[t.protocol == "faithful"].threshold.tolist(), None),
    "validation AUC, faithful": ("02_train", "ours", by_auc("faithful"), "valid"),
    "validation AUC, corrected": ("02_train", "ours", by_auc("corrected"), "train"),
    "Table 3, threshold, faithful": ("02a_threshold", "thresholds", of("faithful"), "valid"),
    "Table 3, threshold, corrected": ("02a_threshold", "thresholds", of("corrected"), "train"),
    "its draws, faithful": ("02a_threshold", "draws", of("faithful"), "valid"),
    "its draws, corrected": ("02a_threshold", "draws", of("corrected"), "train"),
    **{f"Table 4, row {i}, {p}": ("02b_ablation", "arms", lambda a, p=p, i=i: [*a[p][42].values()][i - 7][1],
        s if i > 3 else None)
        for p, s, first in (("faithful", "valid", 1), ("corrected", "train", 3)) for i in range(first, 7)},
    "Table 4, at one specificity": ("02b_ablation", "common", lambda t: t.estimate.tolist(), "test"),
    "heat maps, threshold, faithful": ("03_explain", "thresholds", of("faithful"), None),
    "heat maps, threshold, corrected": ("03_explain", "thresholds", of("corrected"), "train"),
    **{f"Table 8, threshold, {p}, {m}": ("04_fairness", "thresholds", of(p, m), s)
        for p, s in (("faithful", "valid"), ("corrected", "train")) for m in ("ensemble", "single")},
    "repair, default": ("04a_repair", "default", float, "train"),
    "Table 8, fairer": ("04a_repair", "fairer", float, "train"),
    "its draws on validation": ("04a_repair", "again", of("validation"), "valid"),
    "its draws out of fold": ("04a_repair", "again", of("out of fold"), "train"),
    "Table 8, decisions of every remedy": ("04a_repair", "decided",
        lambda d: {k: v.tolist() for k, v in d.items()}, "train"),
    "Table 8, matched": ("04_fairness", "matched_test", lambda t: t.threshold.tolist(), "test"),
    "external, threshold": ("05_external", "threshold", float, "train"),
    "external, risk it stands for": ("05_external", "risk", float, "train"),
    "external, old share": ("05_external", "prevalence", float, None)}

choosers = r"\b(threshold_at_\w+|threshold_youden|operating_point|matched|optimised|fair_threshold|cross_validate|train\.fit|member|temperature|platt|estimate_prevalence|chosen|picked)\("

def test_every_page_that_chooses_is_listed():
    "A paper's page that calls what chooses stands in the table above, and the table names no other."
    pages = [p.relative_to(ROOT/"nbs").with_suffix("").as_posix() for p in sorted((ROOT/"nbs").glob("*_*/[0-9]*.ipynb"))]
    chooses = {p for p in pages if any(re.search(choosers, c) for c in cells(p))}
    assert chooses == {p for p in pages if f"| {p} |" in __doc__}
    assert {paper + page for page, *_ in CHOICES.values()} <= chooses

memo = {}
def chosen(made, what, page, name, pick, part=None):
    if (key := (page, name, part, what)) not in memo: memo[key] = made(paper + page, name, part, what)
    found = memo[key]
    return found if isinstance(found, str) else json.dumps(pick(found),
        default=np.ndarray.tolist) # every digit

@pytest.mark.parametrize("what", ["labels", "scores"])
@pytest.mark.parametrize("choice", CHOICES,
    ids=[f"{page}: {choice}" for choice, (page, *_) in CHOICES.items()])
def test_only_its_own_split_moves_a_choice(made, choice, what):
    page, name, pick, own = CHOICES[choice]
    before = chosen(made, what, page, name, pick)
    assert not isinstance(memo[page, name, None, what], str), memo[page, name, None, what]
    moved = [part for part in splits if chosen(made, what, page, name, pick, part) != before]
    if choice.endswith("every remedy") and what == "scores": own = "train test" # a decision is made of its own score too
    assert moved == (own.split() if own else [])

def test_the_backbone_is_chosen_by_validation_alone():
    "02_train: of the rules that choose a backbone, one may be used, and it reads the validation AUC only."
    lines = [dict(row=b, metric=m, protocol="corrected", estimate=v) for b,
        of in (("a", (.8, .9, .7)), ("b", (.7, .95, .9)))
        for m, v in zip(("val_auc", "test_auc", "test_recall"), of)]
    table = pd.DataFrame(lines)
    pick = lambda t: trainings.choices(t).corrected["best validation AUC"]
    turned = lambda t, m: t.assign(estimate=t.estimate.where(t.metric != m, 1 - t.estimate))
    assert pick(table) == pick(turned(turned(table, "test_auc"), "test_recall")) == "a" and pick(turned(table,
        "val_auc")) == "b"

def best_f1(d, column, recall=.85): # the rule of section 4.5, spelled out with scikit-learn
    grid = [t for t in np.round(np.arange(.02, .99, .02), 2) if recall_score(d.target,
        d[column] >= t) >= recall]
    return max(grid, key=lambda t: (round(f1_score(d.target, d[column] >= t), 12), -t))

def test_each_threshold_is_the_rule_on_its_own_scores(made):
    "02a, 02b and 04: every threshold is the one that the scores it is used on would choose, on the split that may."
    final, rule, arms = (made(paper + page, name) for page,
        name in (("02a_threshold", "final"), ("02a_threshold", "thresholds"), ("02b_ablation", "arms")))
    table_8 = made(paper + "04_fairness", "thresholds")
    for p, part in (("faithful", "valid"), ("corrected", "train")):
        d, rows = final[p][final[p].split == part], list(arms[p][42].values())[-3:]
        expected = [best_f1(d, c) for c in ("single", "folds", "ensemble")]
        assert len(set(expected)) > 1 and [t for _, t in rows] == expected
        assert rule[p] == expected[2] == table_8[p, "ensemble"] and table_8[p, "single"] == expected[0]
        test = final[p][final[p].split == "test"].sort_values("image_id")
        for (frame, _), c in zip(rows,
            ("single", "folds", "ensemble")): assert frame.score.tolist() == test[c].tolist()

def test_risks_are_fitted_on_the_other_folds(made):
    "04a_repair: labels of a fold move the risks of the other folds and none of its own."
    before, after = (made(paper + "04a_repair", "risk", part, "labels") for part in (None, ("fold", 1)))
    folds = made(paper + "04a_repair", "oof").fold.to_numpy()
    assert np.array_equal(before[folds == 1], after[folds == 1])
    assert (before[folds != 1] != after[folds != 1]).all()

# ---- recalibration in another domain: cross-fitted by halves of patients or lesions

def test_recalibration():
    "05_external: what is fitted there comes from the other half; nothing there moves what comes from home."
    rng = np.random.default_rng(2)
    there = pd.DataFrame(dict(lesion_id=np.repeat(np.arange(150), 2), unit=np.repeat(np.arange(150), 2),
        target=np.repeat(rng.random(150) < .3, 2).astype(float)))
    there["score"] = 1/(1 + np.exp(-(1.5*there.target - 1 + rng.normal(0, 1, 300))))
    before, fitted = external.recalibrated(there, .4, .5, .3), ["temperature", "temperature and shift",
        "cut: threshold"]
    half = np.random.default_rng(42).permutation(150)[there.lesion_id] % 2 == 1
    for mine in (half, ~half):
        after = external.recalibrated(there.assign(target=dealt(there, pd.Series(mine))), .4, .5, .3)
        given = [c for c in before if c not in fitted + ["target", "temperature"]]
        assert before[mine].drop(columns="target").equals(after[mine].drop(columns="target"))
        assert before[given].equals(after[given])
        for c in fitted: assert (before[c] != after[c])[~mine].all(), c
    flat = external.recalibrated(there.assign(score=np.where(half, .2, there.score)), .4, .5, .3)
    assert (flat.prevalence != before.prevalence)[~half].all() # the share is estimated from all scores there
    assert flat[~half]["cut: threshold"].nunique() == 1 and (flat[half]["cut: threshold"] == before[half]["cut: threshold"]).all()

# ---- trainings: two networks for real, at 32 pixels

def same(a, b): # weights, history and scores to the last bit, seconds aside
    strip = lambda r: {**r, "history": r["history"].drop(columns="seconds"),
        "scores": r["scores"].drop(columns="target")}
    return joblib.hash(strip(a)) == joblib.hash(strip(b))

def flipped(frame, rows): return frame.assign(target=frame.target.where(~rows, 1 - frame.target))

def noisy(images, rows): # other pixels in some rows
    out = images.copy(); out[rows] = np.random.default_rng(4).integers(0, 255, out[rows].shape)
    return out

net = "mobilenetv3_small_050"
def stages(paper): return [imaging.recipe(paper, s, 32) for s in ("train", "eval")]

@pytest.fixture(scope="module")
def small():
    frame = phantoms.cohort(90, seed=5, prevalence=.4)
    return frame, phantoms.draw(frame, 32)

def test_arm(small):
    "melanoma_ddpm/01_classify: test images leave the training and its kept epoch alone, the others do not."
    whole = cohorts.histo(small[0].reset_index(names="at"))
    frame, images = cohorts.split_balanced_test(whole, n_test=8), small[1][whole["at"]]
    part = {s: (frame.split == s) for s in splits}
    run = lambda f, x: classify.arm(f, x, net, stages("melanoma_ddpm"), img_size=32, n_epochs=3, lr=3e-3, bs=16, seed=1)
    first = run(frame, images)
    assert same(first, run(flipped(frame, part["test"]), images))
    blind = run(frame, noisy(images, part["test"]))
    assert first["history"].drop(columns="seconds").equals(blind["history"].drop(columns="seconds"))
    mine = lambda r: r["scores"].query("split == 'valid'").score.to_numpy()
    assert np.array_equal(mine(first), mine(blind))
    other = run(flipped(frame, part["valid"]), images)["history"]
    assert np.array_equal(first["history"].train_loss,
        other.train_loss) and (first["history"].kept != other.kept).any()
    assert (run(flipped(frame, part["train"]),
        images)["history"].train_loss != first["history"].train_loss).all()

def test_member(small):
    "recall_first/02_train: validation and hold-out images leave a member alone; its fold chooses the epoch."
    cohort, images = data.split(data.load("phantom", 90, 5), seed=5), small[1]
    assert len(cohort) == len(images)
    away, fold = cohort.fold_corrected < 0, cohort.fold_corrected == 1
    run = lambda f, x: trainings.member(f, x, net, trainings.scaled("full", 100.), stages("recall_first"), "corrected", 1,
        tuple(train.tta_views), img_size=32, n_epochs=5, bs=16, seed=1)
    first = run(cohort, images)
    assert same(first, run(flipped(cohort, away), images)) # also: no weight of a class comes from there
    blind = run(cohort, noisy(images, away))
    assert joblib.hash(first["state"]) == joblib.hash(blind["state"])
    other = run(flipped(cohort, fold), images)
    assert np.array_equal(first["history"].train_loss, other["history"].train_loss)
    assert (first["history"].valid_loss != other["history"].valid_loss).all()
    for h in (first["history"], other["history"]): assert h.kept.idxmax() == h.valid_loss.idxmin() # each fold's own best
    assert not same(first, run(flipped(cohort, ~away & ~fold), images))

# ---- pruning and its rivals

@pytest.fixture(scope="module")
def dealt_in_four(): # train, meta, valid, test; pictures; attributes
    frame = prune.cohort_of("phantom", 90, 5, 0, 3)
    tone = np.where(frame.tone > 2, "dark", "light")
    who = pd.DataFrame(dict(sex=frame.sex, age=frame.age > 50, tone_third=tone), dtype=object)
    return frame[["image_id", "lesion_id", "target", "split"]], phantoms.draw(frame, 32), who

budget = dict(n_epochs=2, lr=3e-3, bs=16, seed=1, precision="fp32", threads=1)
def turned(frame, part): return frame.assign(target=frame.target.where(frame.split != part, (frame.target + 1) % 2))
def state_of(found): return joblib.hash({k: v.numpy() for k, v in found["state"].items()})

def pruned_arm(frame, images, who): # first network, weights of the attributes, rounds
    first = prune.first_network(frame, images, "resnet10t", **budget)
    model = ablation.restored(first, "resnet10t", 32)
    parts, look = (prune.where(frame, "train"), prune.where(frame, "meta")), prune.recipes(32)[1]
    steps = dict(n_steps=2, alpha=1., eta=1e4, sign=1, centred=True) # large: a network that knows little moves little
    weights = snnl.attribute_weights(model, images, frame.target.astype(int), who, parts, look, **steps)
    weights = weights[list(who)].iloc[-1].to_dict()
    cut = prune.rounds(model, frame, images, who, n_rounds=2, weights=weights, **budget | dict(n_epochs=1))
    return first, weights, cut

def test_pruned_arm(dealt_in_four):
    "tone_prune/06, 07: test images leave networks, weights, channels and the rule alone; the others do not."
    frame, images, who = dealt_in_four
    first, weights, cut = pruned_arm(frame, images, who)
    everything = lambda f, w, c: (state_of(f), w, [state_of(r) for r in c], [r["gone"].tolist() for r in c],
        [r["valid"] for r in c])
    whole = everything(first, weights, cut)
    test = (frame.split == "test").to_numpy()
    others = who.assign(tone_third=np.where(test, "dark", who.tone_third))
    assert joblib.hash(everything(*pruned_arm(turned(frame, "test"), noisy(images, test), others))) == joblib.hash(whole)
    f, w, c = pruned_arm(turned(frame, "meta"), images, who)
    assert state_of(f) == state_of(first) and w != weights # the meta part weighs, and trains nothing
    f, w, c = pruned_arm(turned(frame, "valid"), images, who)
    assert first["history"].train_loss.equals(f["history"].train_loss)
    assert [r["valid"]["accuracy"] for r in c] != [r["valid"]["accuracy"] for r in cut] # what the rule reads
    assert state_of(pruned_arm(turned(frame, "train"), images, who)[0]) != state_of(first)

def test_random_channels_are_drawn(dealt_in_four):
    "tone_prune/06: the control loses as many channels as the pruned arm, and not those of the lowest scores."
    frame, images, who = dealt_in_four
    first = prune.first_network(frame, images, "resnet10t", **budget | dict(n_epochs=1))
    model = ablation.restored(first, "resnet10t", 32)
    how = dict(budget, n_epochs=1)
    _, lowest, scores = prune.a_round(model, frame, images, who, **how)
    cut, drawn, same_scores = prune.a_round(model, frame, images, who, choose="random", **how)
    whole, nothing, _ = prune.a_round(model, frame, images, who, choose="none", **how)
    assert len(drawn) == len(lowest) == round(.02*len(scores)) and not len(nothing)
    assert set(drawn) != set(lowest) and scores.equals(same_scores)
    width = lambda m: snnl.first_linear(m).in_features
    assert width(whole) == width(model) == width(cut) + len(drawn)

def test_donors(dealt_in_four):
    "tone_prune/07: recoloured twins are made of training images, and the others have no say in how many."
    frame, images, _ = dealt_in_four
    lesion, ita = np.zeros(images.shape[:3], bool), np.linspace(60, 30, len(images))
    lesion[:, 12:20, 12:20] = True
    home = prune.where(frame, "train")
    first = ablation.added_twins(images, lesion, ita, home)
    away = np.setdiff1d(np.arange(len(images)), home)
    second = ablation.added_twins(noisy(images, away), lesion, np.where(np.isin(np.arange(len(ita)), away), 20, ita), home)
    assert len(first["donors"]) and set(first["donors"]) <= set(home)
    assert np.array_equal(first["donors"], second["donors"]) and np.array_equal(first["added"], second["added"])

def test_rival(dealt_in_four):
    "tone_prune/08: labels, pixels and groups of the test part leave a method's validation scores alone."
    frame, images, who = dealt_in_four
    how = dict(budget, later=1)
    named = dict(budget, seed=1)
    run = lambda f, x, g: rivals.method_scores(rivals.by_adversary, 1., f, x, g, "resnet10t", named, **how)["valid"]
    group, test = who.tone_third.to_numpy(object), (frame.split == "test").to_numpy()
    first = run(frame, images, group)
    assert np.array_equal(first, run(turned(frame, "test"), noisy(images, test), np.where(test, "dark", group)))
    assert not np.array_equal(first, run(frame, images, np.where(frame.split == "train", group[::-1], group)))

def test_fair_prune(dealt_in_four, monkeypatch):
    "tone_prune/08: FairPrune asks training images of one group at a time, drawn and not the first of the file."
    frame, images, who = dealt_in_four
    group, asked, real = (who.tone_third == "dark").to_numpy(int), [], rivals.saliency
    monkeypatch.setattr(rivals, "saliency", lambda m, x, y, recipe: asked.append(x) or real(m, x, y, recipe))
    model = ablation.restored(prune.first_network(frame, images, "resnet10t", **budget), "resnet10t", 32)
    rivals.fair_prune(model, frame, images, group, .01, n_most=8, **budget, later=1)
    at = [[int(np.flatnonzero((images == one).all((1, 2, 3)))[0]) for one in x] for x in asked]
    assert {frozenset(group[a]) for a in at} == {frozenset([0]), frozenset([1])}
    assert {len(set(a)) for a in at} == {8}
    home = prune.where(frame, "train")
    assert {*at[0], *at[1]} <= {*home}
    for a in at: assert sorted(a) != home[group[home] == group[a[0]]][:8].tolist()

def test_strength():
    "tone_prune/08: validation images choose strengths and thresholds; test labels move no decision."
    rng = np.random.default_rng(3)
    made = pd.DataFrame(dict(melanoma=np.arange(400) % 2, group=np.repeat(["a", "b"], 200)))
    made["score"] = (.3*made.melanoma + .2*(made.group == "b") + rng.uniform(0, .5, 400)).clip(0, 1)
    decisions = lambda v, t: rivals.two_ways(v, t)[["one", "by_group"]]
    assert decisions(made, made).equals(decisions(made, made.assign(melanoma=1 - made.melanoma)))
    moved = decisions(made.assign(score=made.score/2), made)
    assert (moved != decisions(made, made)).any().all()

# ---- splits

def lesions(n_pos=40, n_neg=60, images=3): # by hand: 100 lesions, 40 of them positive, 3 images each
    frame = pd.DataFrame(dict(lesion_id=np.repeat([f"L{i:03}" for i in range(n_pos + n_neg)], images)))
    frame["image_id"] = [f"i{i:04}" for i in range(len(frame))]
    return frame.assign(patient_id=None, target=(np.arange(len(frame)) < n_pos*images).astype(float))

def counts(frame, split): # {part: (positive, negative)} lesions
    of_lesion = frame.assign(split=np.asarray(split)).groupby("lesion_id").agg(split=("split", "first"),
        target=("target", "first"), n=("split", "nunique"))
    assert (of_lesion.n == 1).all() # nothing is torn
    return {s: (int(d.target.sum()), int((1 - d.target).sum())) for s, d in of_lesion.groupby("split")}

@pytest.mark.parametrize("test, valid, expected", [
    (.3, .1, dict(test=(12, 18), valid=(4, 6), train=(24, 36))),
    (.1, .3, dict(test=(4, 6), valid=(12, 18), train=(24, 36))),
    (20, 5, dict(test=(8, 12), valid=(2, 3), train=(30, 45))),
    (.25, 0, dict(test=(10, 15), train=(30, 45)))])
def test_split_by_lesion_has_the_sizes_asked_for(test, valid, expected):
    assert counts(lesions(), cohorts.split_by_lesion(lesions(), test, valid)) == expected

def test_split_by_lesion_depends_on_lesions_alone():
    frame = lesions(); split = cohorts.split_by_lesion(frame, .3, .1)
    mixed = frame.sample(frac=1, random_state=3)
    assert cohorts.split_by_lesion(mixed, .3, .1).sort_index().equals(split) # order of rows
    assert cohorts.split_by_lesion(frame.iloc[::3], .3, .1).equals(split.iloc[::3]) # number of images
    assert not cohorts.split_by_lesion(frame, .3, .1, seed=7).equals(split)

def test_patients_are_not_torn():
    frame = lesions().assign(patient_id=lambda d: "P" + (d.lesion_id.str[1:].astype(int)//2).astype(str))
    assert frame.assign(split=cohorts.split_by_lesion(frame, .3,
        .1)).groupby("patient_id").split.nunique().max() == 1
    torn = frame.assign(split=cohorts.split_by_lesion(frame, .3, .1, by="lesion_id"))
    assert torn.groupby("patient_id").split.nunique().max() > 1 and torn.groupby("lesion_id").split.nunique().max() == 1

def test_split_balanced_test_has_the_sizes_asked_for():
    "10 of each class are tested; of the 80 left, 30 positive, 15 % validate: 12, of them 12*30/80 = 4.5 positive."
    frame = lesions(); out = cohorts.split_balanced_test(frame, n_test=10, valid=.15)
    found = counts(frame, out.split)
    assert found["test"] == (10, 10) and found["valid"] in ((4, 8), (5, 7)) and sum(found["train"]) == 68
    assert out[out.last_image].image_id.tolist() == frame.image_id[2::3].tolist()
    mixed = cohorts.split_balanced_test(frame.sample(frac=1, random_state=3), n_test=10, valid=.15).sort_index()
    assert mixed.split.equals(out.split) and mixed.last_image.equals(out.last_image)

def test_folds_cover_every_lesion_once():
    frame = lesions(); fold = cohorts.folds(frame, 5)
    assert counts(frame, fold) == {k: (8, 12) for k in range(5)}
    assert not cohorts.folds(frame, 5, seed=7).equals(fold)

def test_recall_first_split():
    "9,885 to 193 to 1,493 of 11,571: of 300 lesions 39 are held out (12.90 %) and 5 validate (1.67 %)."
    frame = lesions(120, 180); out = data.split(frame)
    found = counts(frame, out.split)
    assert {s: sum(v) for s, v in found.items()} == dict(holdout=39, valid=5, train=256)
    assert found["holdout"] == (16, 23) or found["holdout"] == (15, 24)
    inside = out.split == "train"
    for c in ("fold_faithful", "fold_corrected"):
        assert (out[c] >= 0).equals(inside) and set(out[c][inside]) == {0, 1, 2}
        assert out[inside].groupby(c).target.mean().sub(out[inside].target.mean()).abs().max() < .01
    counts(frame[inside], out.fold_corrected[inside])
    assert out[inside].groupby("lesion_id").fold_faithful.nunique().max() > 1 # by image: lesions are torn, as in the paper
