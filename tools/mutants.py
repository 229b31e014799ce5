"""Planted bugs: does any check see them?

    python tools/mutants.py [WHAT] [--jobs 2] [--out FILE]

Each line of `planted` is one bug: page, text as it stands, text with the bug, what is wrong with it. The tree is
copied to a temporary folder, the bug is planted in the page's cell *and* in the module made of it, and then the
page itself and the tests named for it in `checks` are run. A bug that fails something is caught; one that fails
nothing survived, and a check is missing. WHAT runs only the bugs whose page or description holds it. Not part of
`make test`: all of them take about half an hour on two cores. A text that no longer stands in the tree is reported
as *not found*: bring it up to date with the code.
"""
import argparse, contextlib, csv, io, json, linecache, multiprocessing, os, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

splits_ = "test_choices.py -k split_by_lesion_or_split_balanced_test_or_recall_first_split_or_folds_cover_or_torn"
checks = { # page: tests beside the page's own
    "02_published": ["test_planted.py -k published"], "02a_verdicts": ["test_planted.py -k published"], "01_stats": ["test_rates.py"], "13_cohorts": [splits_],
        "15_imaging": ["test_planted.py -k imaging"],
    "16_tone": ["test_planted.py -k tone"],
        "21_batches": ["test_planted.py -k train"],
        "22_train": ["test_planted.py -k train", "test_choices.py -k test_arm_or_test_member"],
        "30_metrics": ["test_rates.py"], "31_groups": ["test_rates.py"],
        "32_gaps": ["test_rates.py"], "33_decisions": ["test_rates.py"],
    "40_cam": ["test_planted.py -k cam"], "41_faithfulness": ["test_planted.py -k faithfulness"],
    "melanoma_ddpm/01_classify": ["test_choices.py -k test_arm"], "recall_first/01_data": [splits_],
    "recall_first/02_train": ["test_choices.py -k test_member_or_test_the_backbone_or_02_train"],
        "recall_first/02a_threshold": ["test_choices.py -k 02a_threshold_or_each_threshold"],
    "recall_first/02b_ablation": ["test_choices.py -k 02b_ablation_or_each_threshold", "test_rates.py -k gain_of"],
        "recall_first/04_fairness": ["test_choices.py -k 04_fairness_or_each_threshold",
        "test_rates.py -k table_8_or_tone_of"],
    "recall_first/04a_repair": ["test_choices.py -k 04a_repair_or_risks", "test_rates.py -k remedies"],
    "recall_first/05_external": ["test_choices.py -k 05_external_or_recalibration", "test_rates.py -k platt"],
    "tone_prune/06_prune": ["test_choices.py -k pruned_arm_or_random_channels"], "tone_prune/07_ablation": ["test_choices.py -k donors"],
    "tone_prune/08_rivals": ["test_choices.py -k rival_or_strength_or_fair_prune"]}

R, T = "recall_first/", "tone_prune/"
planted = [
    # pruning and its rivals
    (T + "05_snnl", "if not known.all(): apart = apart.masked_fill(~known, torch.inf)", "pass",
        "images of unknown group are neighbours"),
    (T + "05_snnl", "return d.masked_fill(torch.eye(len(f), dtype=torch.bool, device=f.device), torch.inf)",
        "return d", "an image is its own neighbour"),
    (T + "06_prune", "too_small = (change < least if", "too_small = (-change < least if", "the printed rule turned round"),
    (T + "06_prune", "accuracy[0] - accuracy[-1] > most", "accuracy[-2] - accuracy[-1] > most",
        "accuracy lost in the last round alone"),
    (T + "06_prune", 'train_idx, size = where(cohort, "train"), images.shape[1]',
        'train_idx, size = where(cohort, "train", "test"), images.shape[1]', "channels scored on test images too"),
    (T + "06_prune", 'if choose == "random": drop', 'if choose == "luck": drop', "random channels are the lowest"),
    (T + "07_ablation", "own.random(len(at)) < self.p[kind]", "own.random(len(at)) > self.p[kind]",
        "twins where there should be none"),
    (T + "07_ablation", 'w = size("y")*size("a")/(len(known)*size("y", "a"))',
        'w = len(known)*size("y", "a")/(size("y")*size("a"))', "reweighting upside down"),
    (T + "07_ablation", "gap_change(y, before, after,", "gap_change(y, after, before,", "differences turned round"),
    (T + "08_rivals", "return (centred*same).sum()/(n - 1)**2", "return (centred*same).sum()/n**2", "HSIC divided by n"),
    (T + "08_rivals", "+ k[n:, n:].mean() - 2*k", "- k[n:, n:].mean() - 2*k", "sign in the mean discrepancy"),
    (T + "08_rivals", "undecided = -told[known]", "undecided = told[known]", "the adversary is made sure"),
    (T + "08_rivals", "grown = (log_q + step*losses", "grown = (log_q - step*losses", "DRO favours the best group"),
    (T + "08_rivals", "len(score)), largest=False)", "len(score)), largest=True)", "FairPrune cuts what matters most"),
    (T + "08_rivals", 't.loc[t.gap.idxmin(), "strength"]', 't.loc[t.gap.idxmax(), "strength"]', "the least fair strength"),
    (T + "08_rivals", "chosen_on = valid.melanoma, valid.score, valid.group",
        "chosen_on = test.melanoma, test.score, test.group", "thresholds by group chosen on test images"),
    (T + "09_planted", 'of["dark twin"] - of["light twin"]', 'of["light twin"] - of["dark twin"]', "the shift turned round"),
    (T + "08_rivals", "rng.permutation(at[group[at] == g])[:n_most]", "at[group[at] == g][:n_most]",
        "FairPrune asks the first images of the file"),
    (T + "08_rivals", "torch.pdist(f.detach()).square().median()",
        "torch.cdist(f.detach(), f.detach()).square().median()", "an image's distance to itself in the kernel's width"),
    ("bio_unet/01_data", "cohorts.folds(units.assign(rarest=rarest), n_folds", "cohorts.folds(frame.assign(rarest=rarest), n_folds",
        "copies in two folds"),
    ("bio_unet/01_data", "cohorts.folds(units.assign(rarest=rarest), n_folds, seed, \"rarest\", by=\"lesion_id\")",
        "np.arange(len(units))*n_folds//len(units)", "folds by order"),
    ("bio_unet/01_data", "parts = [(np.flatnonzero(fold != k),", "parts = [(np.flatnonzero(fold == fold),",
        "experts are asked what they have learned from"),
    ("bio_unet/01_data", "delong_test(y[at], s[at], np.asarray(other)[at]", "delong_test(y[at], np.asarray(other)[at], s[at]",
        "a gain turned round"),
    ("bio_unet/02_pretrain", "device=z.device).roll(n))", "device=z.device).roll(1))", "a partner that is another picture"),
    ("bio_unet/02_pretrain", ".fill_diagonal_(-torch.inf)\n    return F.cross_entropy(alike, torch.arange(2*n",
        "\n    return F.cross_entropy(alike, torch.arange(2*n", "each view competes with itself"),
    ("bio_unet/02_pretrain", "for _ in range(2)])", "for _ in range(1)]*2)", "two views that are the same"),
    ("bio_unet/02_pretrain", "model.body.load_state_dict({k", "dict({k", "features of the start instead of the trained body"),
    ("23_segment", "(p**2 + y**2).sum((-2, -1))", "(p + y).sum((-2, -1))", "Dice loss without squares"),
    ("23_segment", "sorted(found, reverse=True)]", "sorted(found)]", "maps from small to large"),
    ("23_segment", "[view(model(view(x)).float()", "[(model(view(x)).float()", "views that are not turned back"),
    ("23_segment", "ends = np.r_[source, pixels, a, b], np.r_[pixels, sink, b, a]",
        "ends = np.r_[source, pixels, a, a], np.r_[pixels, sink, b, b]", "borders cost in one direction"),
    ("23_segment", "up, on, tie = (np.rint", "on, up, tie = (np.rint", "skin and lesion exchanged"),
    ("23_segment", "if d >= max(dice) - 1e-12)", "if d <= min(dice) + 1e-12)", "the worst threshold"),
    ("15_imaging", "elif x.shape[1] == 3 or op in _turning: x", "elif x.shape[1] == 3: x", "masks that stay behind"),
    ("15_imaging", "moved = (x[:, 3:] > .5)", "moved = (x[:, 3:] > 0)", "masks that grow at their rim"),
    ("bio_unet/01_data", "estimate=a[0] - b[0], ci_low=low", "estimate=b[0] - a[0], ci_low=low", "the difference turned round"),
    ("bio_unet/01_data", "chance.sf(k - 1)", "chance.sf(k)", "a two-sided p that leaves out what was seen"),
    ("bio_unet/01_data", "pairs.across].to_numpy(int) - len(others)", "pairs.across].to_numpy(int) - len(others) - 1",
        "the wrong image of B taken out"),
    ("across/05_judged_arms", "estimate=d - l,", "estimate=l - d,", "the gap between tones turned round"),
    # splits
    ("13_cohorts", '"test" if g in tested else "valid" if g in validated',
        '"valid" if g in tested else "test" if g in validated', "valid and test swapped in split_by_lesion"),
    ("13_cohorts", "    tested = _part(s, n_test, seed)\n",
        "    tested = _part(s, n_valid, seed)\n", "test takes the share of valid"),
    ("13_cohorts", "test_size=size, stratify=s, random_state=seed)[1]) if size",
        "test_size=size, random_state=seed)[1]) if size", "split not stratified"),
    ("13_cohorts", "stratify=s, random_state=seed)[1]) if size", "stratify=s, random_state=0)[1]) if size",
        "seed of the split ignored"),
    ("13_cohorts", "    group = groups_of(frame, by)\n    s = _strata",
        "    group = frame.image_id.astype(str)\n    s = _strata", "split by image"),
    ("13_cohorts", "StratifiedGroupKFold(n, shuffle=True, random_state=_seed(seed)).split(frame, y, group)",
        "StratifiedGroupKFold(n, shuffle=True, random_state=_seed(seed)).split(frame, y, frame.image_id)",
        "folds by image"),
    ("13_cohorts", 'out = frame.assign(split=np.select(parts, ["test", "valid"]',
        'out = frame.assign(split=np.select(parts, ["valid", "test"]',
        "valid and test swapped in split_balanced_test"),
    ("13_cohorts", 'frame.groupby("lesion_id").image_id.transform("max")',
        'frame.groupby("lesion_id").image_id.transform("min")', "first image taken for the last"),
    ("13_cohorts", "rest = y[~y.index.isin(tested)]\n    validated", "rest = y\n    validated",
        "validation drawn from test lesions too"),
    (R + "01_data", 'split_by_lesion(cohort, test=share["test"], valid=share["valid"]',
        'split_by_lesion(cohort, test=share["valid"], valid=share["test"]',
        "shares of valid and test swapped"),
    (R + "01_data", "cohorts.folds(train, n_folds, seed=seed)",
        "cohorts.folds(train, n_folds, seed=seed, by='lesion_id').sample(frac=1, random_state=0)",
        "corrected folds dealt to other lesions"),
    # statistics
    ("01_stats", "pos, neg, found = tp + fn, tn + fp, tp + fp",
        "pos, neg, found = tp + fn, tn + fn, tp + fp",
        "denominator of specificity and FPR"),
    ("01_stats", "fpr=(fp, neg),",
        "fpr=(fp, pos + neg),",
        "FPR of all images"),
    ("01_stats", "precision=(tp, found), accuracy",
        "precision=(tp, pos), accuracy",
        "precision takes recall's denominator"),
    ("01_stats", "z*z/(4*n**2)",
        "z*z/(4*n)",
        "Wilson: n for n squared"),
    ("01_stats", "z, n = ndtri((1 + level)/2), np.where",
        "z, n = ndtri(level), np.where",
        "Wilson: one-sided quantile"),
    ("01_stats", "low = np.maximum(-((1 - 2*u)*n//(2*one)), 0)",
        "low = np.maximum(-((1 - 2*u)*n//(2*one)) - 1, 0)", "lattice: off by one"),
    ("01_stats",
        "np.arange(1, n_max + 1), decimals, truncation)\n    fits = (np.flatnonzero((low <= high).all(0)) + 1)", "np.arange(1, n_max), decimals, truncation)\n    fits = (np.flatnonzero((low <= high).all(0)) + 1)", "lattice: the last denominator left out"),
    ("01_stats", "return (score >= threshold).astype(int)", "return (score > threshold).astype(int)",
        ">= becomes > in stats"),
    ("01_stats", "last = np.maximum(n_valid - 1, 0)", "last = n_valid", "percentile off by one"),
    ("01_stats", "unit = np.arange(n) if cluster is None else _codes(\"cluster\", cluster, n)[0]\n",
        "unit = np.arange(n)\n", "cluster ignored in the bootstrap"),
    ("01_stats", "resampled_counts(cells, 8, None if cluster is None else unit, n_boot, rng)",
        "resampled_counts(cells, 8, None, n_boot, rng)",
        "cluster ignored in the paired bootstrap of rates"),
    ("01_stats", "of_a, of_b = _auc_draws([_auc_plan(y, s, unit) for s in (a, b)], n_units, n_boot, rng).T",
        "of_a, of_b = (_auc_draws([_auc_plan(y, s, unit)], n_units, n_boot, rng)[:, 0] for s in (a, b))",
        "unpaired instead of paired"),
    ("01_stats", "[metric] for i in (3, 2))\n",
        "[metric] for i in (2, 3))\n",
        "wrong axis in paired_bootstrap"),
    ("01_stats", "min(1., 2*(1 + beyond)/(1 + valid))",
        "min(1., (1 + beyond)/(1 + valid))",
        "one-sided p"),
    ("01_stats", "for_counts, for_auc = np.random.default_rng(seed).spawn(2)",
        "for_counts, for_auc = np.random.default_rng(0).spawn(2)", "seed of the bootstrap ignored"),
    ("01_stats", 'np.maximum(spread["tpr"], spread["fpr"])', 'np.minimum(spread["tpr"], spread["fpr"])',
        "equalised odds by the smaller gap"),
    # metrics
    ("30_metrics", "confusion(y, (s >= _threshold(threshold)).astype(int))",
        "confusion(y, (s > _threshold(threshold)).astype(int))", ">= becomes > in classification"),
    ("30_metrics", "called = s[None] >= grid[:, None]", "called = s[None] > grid[:, None]",
        ">= becomes > in threshold_table"),
    ("30_metrics", "np.stack([(y == 0).sum() - fp, fp,",
        "np.stack([len(y) - fp, fp,",
        "denominator of the specificity in threshold_table"),
    ("30_metrics", "kept.threshold[kept.f1.idxmax()]", "kept.threshold[kept.recall.idxmax()]",
        "threshold by recall instead of F1"),
    ("30_metrics", "table[table.recall >= recall - 1e-12]", "table[table.specificity >= recall - 1e-12]",
        "threshold keeps specificity instead of recall"),
    ("30_metrics", "_below(s[y == 0], at) - _below(s[y == 1], at)",
        "_below(s[y == 0], at)*(1 - _below(s[y == 1], at))",
        "Youden by the product"),
    ("30_metrics", "bins = np.minimum((s*n_bins).astype(int), n_bins - 1)\n    table = pd.DataFrame(dict(bin=bins, score=s, y=y))",
        "bins = np.minimum((s*n_bins).astype(int) + 1, n_bins - 1)\n    table = pd.DataFrame(dict(bin=bins, score=s, y=y))",
        "ECE: first bins merged wrongly"),
    ("30_metrics", "((t.mean_score - t.share).abs()*t.n).sum()/t.n.sum()",
        "(t.mean_score - t.share).abs().mean()", "ECE: every bin counts the same"),
    ("01_stats", "f1=(2*tp, pos + found)",
        "f1=(2*tp, neg + found)",
        "denominator of F1"),
    ("30_metrics", "dice=_pixel_share(2*tp, 2*tp + fp + fn, there)",
        "dice=_pixel_share(2*tp, 2*tp + fp, there)",
        "denominator of Dice"),
    # groups
    ("01_stats", "fnr=(fn, pos),",
        "fnr=(fn, pos + neg),",
        "denominator of FNR in groups"),
    ("01_stats", "selection_rate=(found, pos + neg)",
        "selection_rate=(found, pos)",
        "denominator of the selection rate"),
    ("32_gaps", "rate_of(m, counts), np.nan) for m in (\"tpr\", \"fpr\"))",
        "rate_of(m, counts), np.nan) for m in (\"tpr\", \"precision\"))",
        "FPR gap made of precision"),
    ("32_gaps", "fn, fp = tables.sum(-1) - tp, tables.sum(-2) - tp",
        "fn, fp = tables.sum(-2) - tp, tables.sum(-1) - tp",
        "misses and alarms swapped in gaps"),
    ("32_gaps", "tn = tables.sum((-1, -2))[..., None] - tp - fn - fp",
        "tn = tables.sum((-1, -2))[..., None] - tp - fn",
        "denominator of FPR in the gaps"),
    ("32_gaps", "equalised_odds_max=mean(np.maximum(of_t, of_f))",
        "equalised_odds_max=mean(np.maximum(of_t, of_t))",
        "equalised odds ignores FPR"),
    ("32_gaps", "return (np.where(crossed, (a*a + b*b)/np.where(crossed, total, 1), total)/2) @ widths",
        "return (total/2) @ widths",
        "ABROCA ignores crossings"),
    ("32_gaps", "return float(_pair_areas(curves).max())",
        "return float(_pair_areas(curves).mean())",
        "ABROCA: mean over pairs"),
    ("31_groups", "np.where(edge, u, v) for u, v in zip(of_units",
        "np.where(edge, v, v) for u, v in zip(of_units",
        "an interval of width zero at 0 and 1"),
    ("31_groups", "(s, threshold), None if cluster is None else as_units(cluster, len(y))[0]\n    draws",
        "(s, threshold), None\n    draws",
        "cluster ignored in by_group"),
    ("32_gaps", "p = (1 + (by_luck >= value - 1e-12).sum())",
        "p = (1 + (by_luck <= value - 1e-12).sum())",
        "permutation p from the wrong side"),
    ("33_decisions", "of.fit(s[:, None], y, sensitive_features=known)",
        "of.fit(s[:, None], 1 - y, sensitive_features=known)",
        "ThresholdOptimizer learns inverted labels"),
    ("33_decisions", "net = (tp - fp*odds)/n",
        "net = (tp - fn*odds)/n",
        "net benefit punishes misses, not alarms"),
    # training
    ("21_batches", "p=1/counts[code]/len(counts))", "p=counts[code]/(counts[code].sum()))",
        "sampler prefers the common class"),
    ("21_batches", "if one_of(sampler, [None, \"inverse_class\"], \"sampler\") is None: return",
        "if one_of(sampler, [None, \"inverse_class\"], \"sampler\") or True: return", "sampler ignored"),
    ("22_train", "how = len(y)/(len(counts)*counts)", "how = len(counts)*counts/len(y)",
        "class weights inverted"),
    ("22_train", "y*(1 - label_smoothing) + label_smoothing/2", "y*(1 - label_smoothing) + label_smoothing",
        "label smoothing pushes up"),
    ("22_train", "int(np.argmax(values) if mode == \"max\" else np.argmin(values))", "int(np.argmax(values))",
        "best epoch by max instead of min"),
    ("22_train", "return len(values) - 1 - best_epoch(values, mode)",
        "return len(values) - best_epoch(values, mode)", "early stop off by one"),
    ("22_train", "return \"min\" if self.watch == \"valid_loss\" else \"max\"",
        "return \"max\" if self.watch == \"valid_loss\" else \"min\"", "the worst epoch is kept"),
    ("22_train", "class_weights_of(train.y[train.idx], spec.class_weights)",
        "class_weights_of(train.y, spec.class_weights)", "class weights from all images"),
    ("22_train", "Batches(images, y, valid_idx, recipe_valid, spec.bs",
        "Batches(images, y, valid_idx, recipe_train, spec.bs", "augmentation in validation"),
    ("21_batches", "rng = np.random.default_rng([seed, epoch])", "rng = np.random.default_rng([0, epoch])",
        "seed of the order ignored"),
    ("22_train", "vflip=lambda x: x.flip(2), both", "vflip=lambda x: x.flip(3), both", "TTA: a view twice"),
    ("22_train", "    model.to(where, memory_format=layout).eval()\n",
        "    model.to(where, memory_format=layout).train()\n",
        "prediction in training mode"),
    ("22_train", "    model.load_state_dict(best)\n", "", "last weights instead of the best"),
    ("22_train", "loss.mean()\n    w = weight", "loss.sum()\n    w = weight", "loss summed, not averaged"),
    # colour and pictures
    ("16_tone", "y, b = np.asarray(L, float) - 50", "y, b = 50 - np.asarray(L, float)", "sign of the ITA"),
    ("16_tone", "np.degrees(np.arctan2(y, b))", "np.degrees(np.arctan2(b, y))",
        "arctan2 in the wrong order"),
    ("16_tone", "cv2.cvtColor(a, cv2.COLOR_RGB2LAB)", "cv2.cvtColor(a, cv2.COLOR_BGR2LAB)",
        "BGR for RGB in 8-bit Lab"),
    ("16_tone", "1. + np.sum([x <= e if", "1. + np.sum([x < e if", "edges of tone classes"),
    ("15_imaging", "imagenet_mean, imagenet_std = (.485, .456, .406)",
        "imagenet_mean, imagenet_std = (.406, .456, .485)", "BGR for RGB in the normaliser"),
    ("15_imaging", "return tvf.normalize(x, imagenet_mean, imagenet_std)",
        "return tvf.normalize(x, x.mean((0, 2, 3)).tolist(), imagenet_std)",
        "normaliser fitted on the batch at hand"),
    ("15_imaging", "lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)\n        lab[..., 0]",
        "lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)\n        lab[..., 0]", "BGR for RGB in CLAHE"),
    ("15_imaging", "hit = np.flatnonzero(rng.random(n) < step[\"p\"])",
        "hit = np.flatnonzero(rng.random(n) > step[\"p\"])", "probabilities of a recipe inverted"),
    # explanations
    ("40_cam", "rectify = _size(size, x, acts, layers), torch.relu if relu",
        "rectify = _size(size, x, acts, layers), torch.abs if relu", "CAM without ReLU"),
    ("40_cam", "answer = (logits*_weights(logits.detach(), target)).sum()",
        "answer = (logits*_weights(logits.detach(), None)).sum()", "gradients of the wrong class"),
    ("40_cam", "a, g.mean((2, 3)))", "a, g.sum((1, 2, 3))[:, None].expand(a.shape[:2]))",
        "Grad-CAM weighs every map the same"),
    ("40_cam", "m.flatten(1).quantile(1 - keep, dim=1)", "m.flatten(1).quantile(keep, dim=1)",
        "sharpening keeps the wrong share"),
    ("41_faithfulness", "return _defined((h*m).sum((1, 2), dtype=float)/",
        "return _defined((h*~m).sum((1, 2), dtype=float)/", "mask inverted in energy"),
    ("41_faithfulness", "average = (m.sum(0) - m)/(len(m) - 1) if",
        "average = np.broadcast_to(m.mean(0), m.shape) if", "the average lesion knows its own"),
    # verdicts
    ("02a_verdicts", "if low > zone or high < -zone: return", "if abs(estimate - theirs) > zone: return",
        "verdict ignores the interval"),
    ("02a_verdicts", "note = \"on a stand-in\"*bool(stand_in) + ", "note = ", "stand-in not named"),
    ("02a_verdicts", "ours {'higher' if estimate > theirs else 'lower'} by",
        "ours {'lower' if estimate > theirs else 'higher'} by", "direction of a verdict"),
    ("02a_verdicts", "if \"phantom\" in data: return phantom_reason", "if not data: return phantom_reason",
        "phantoms judged as if real"),
    ("02a_verdicts", "pd.concat(cells for _, cells in side.groupby(\"row\", sort=False))", "side",
        "a row's name spans the lines of others"),
    ("01_stats", "np.hypot(estimate - ci_low, high - other)",
        "(estimate - ci_low)",
        "interval of the printed number ignored"),
    # who chooses
    (R + "02_train", "metrics.threshold_at_recall(oof.target, oof.score)",
        "metrics.threshold_at_recall(t.target, t.score)", "Table 2: threshold chosen on test"),
    (R + "02_train", "own, others = folds == fold, (folds >= 0) & (folds != fold)",
        "own, others = folds == fold, folds != fold", "test images among the training images"),
    (R + "02_train", "own, others = folds == fold, (folds >= 0) & (folds != fold)",
        "own, others = folds < 0, (folds >= 0) & (folds != fold)", "epoch chosen on test"),
    (R + "02_train", '"best validation AUC": ("val_auc", max)', '"best validation AUC": ("test_auc", max)',
        "backbone chosen on test"),
    (R + "02_train", 'test_recall"}})\n    v = lines(valid.target, valid.score',
        'test_recall"}})\n    v = lines(test.target, test.score', "validation AUC computed on test"),
    (R + "02a_threshold", 'part = {"faithful": "valid", "corrected"',
        'part = {"faithful": "test", "corrected"', "Table 3: threshold chosen on test instead of validation"),
    (R + "02a_threshold", "{p: f[f.split == part[p]] for", "{p: f for",
        "Table 3: threshold chosen on all images"),
    (R + "02b_ablation", 'chooses = "valid" if protocol == "faithful" else "train"', 'chooses = "test"',
        "Table 4: threshold chosen on test"),
    (R + "02b_ablation", "(single, best(\"single\"))", "(single, best(\"ensemble\"))",
        "Table 4: threshold of another model"),
    (R + "04_fairness", "d = toned[p][s][toned[p][s].split == chooses[p]]",
        "d = toned[p][s][toned[p][s].split == \"test\"]",
        "Table 8: threshold chosen on test"),
    (R + "04a_repair", "search = fair_threshold(oof.target, oof.ensemble, oof.tone_lesion",
        "search = fair_threshold(test.target, test.ensemble, test.tone_lesion", "fairer threshold chosen on test"),
    (R + "04a_repair", "decided = remedies(oof, t, default, fairer, seed)",
        "decided = remedies(t, t, default, fairer, seed)", "thresholds by tone chosen on test"),
    (R + "04a_repair", "platt(oof.target[~m], oof.ensemble[~m])", "platt(oof.target, oof.ensemble)",
        "Platt's curve fitted where it is judged"),
    (R + "04a_repair", "t.assign(gap=np.ptp(hit, axis=0))", "t.assign(gap=np.ptp(hit, axis=1).mean())",
        "gap over the wrong axis"),
    (R + "05_external", "oof = final[final.split == \"train\"]", "oof = final[final.split == \"test\"]",
        "external: threshold chosen on test"),
    (R + "05_external", "fit, use = half != k, half == k", "fit, use = half == k, half == k",
        "recalibration fitted where it is judged"),
    (R + "05_external", "metrics.threshold_at_recall(y[fit], s[fit], recall)",
        "metrics.threshold_at_recall(y[use], s[use], recall)", "new threshold chosen where it is judged"),
    (R + "05_external", "prevalence = .5\n", "prevalence = scored[\"home\"].target.mean()\n",
        "old share read off the test labels"),
    ("melanoma_ddpm/01_classify", "where[\"train\"], where[\"valid\"], *stages",
        "where[\"train\"], where[\"test\"], *stages", "epoch chosen on test"),
    ("melanoma_ddpm/01_classify", "where[\"train\"], where[\"valid\"], *stages",
        "np.r_[where[\"train\"], where[\"test\"]], where[\"valid\"], *stages",
        "test images among the training images"),
    ("melanoma_ddpm/01_classify", "s = scores[(scores.split == \"test\") & scores.last_image]",
        "s = scores[(scores.split == \"valid\") & scores.last_image]",
        "Table I read off the validation images"),
    ("melanoma_ddpm/01_classify", "s = scores[scores.split == \"test\"].assign(lesion_id", "s = scores.assign(lesion_id",
        "Table I, corrected: validation images among the test"),
    # the papers' own arithmetic
    (R + "02a_threshold", "called = (score[:, None] >= grid)", "called = (score[:, None] > grid)",
        ">= becomes > in the draws of the threshold"),
    (R + "02a_threshold",
        "unit, rng = pd.factorize(np.asarray(cluster))[0], np.random.default_rng(seed)\n    grid",
        "unit, rng = np.arange(len(y)), np.random.default_rng(seed)\n    grid",
        "cluster ignored in the draws of the threshold"),
    (R + "02_train", "alarms[:, -1:] + 1e-9)", "alarms[:, -1:] - 1e-9)", "common specificity off by one"),
    (R + "02b_ablation", "np.r_[np.diff(drawn, axis=0), drawn[-1:] - drawn[:1]]",
        "np.r_[-np.diff(drawn, axis=0), drawn[:1] - drawn[-1:]]", "sign of what a step adds"),
    (R + "02_train",
        "return np.stack([recall_at_specificity(y, s, specificity, w) for s in scores])",
        "return np.stack([recall_at_specificity(y, s, specificity, np.r_[w[:1], rng.permutation(w[1:])]) for s in scores])", "steps compared in unlike draws"),
    (R + "04_fairness", "min(1., (known - rank)*p[i])", "min(1., (known - rank - 1)*p[i])",
        "Holm off by one"),
    (R + "04_fairness", "tone_lesion=cut(share.isna() | (share == .5), share > .5)",
        "tone_lesion=cut(share.isna(), share > .5)", "a tie of tones called dark"),
    (R + "04a_repair", "allowed = (t.recall >= recall - 1e-12) & cheap",
        "allowed = (t.recall >= recall - 1e-12) | cheap", "fairer threshold keeps one limit of two"),
    (R + "04a_repair", '"lowered by 0.08": decide(default - .08)',
        '"lowered by 0.08": decide(default + .08)', "threshold raised, not lowered"),
    (R + "05_external", "+ logit(new) - logit(old))", "+ logit(old) - logit(new))",
        "prevalence rule upside down"),
    ("30_metrics", "x.T @ (y - p) - ridge*(w - start))", "x.T @ (y - p) - ridge*w)",
        "Platt's ridge pulls to 0"),
    (R + "05_external", "% 2\n    moved", "% 2*0\n    moved", "one half instead of two"),
    ("melanoma_ddpm/01_classify", "each = cluster_bootstrap(s.target, s.score, s.lesion_id,",
        "each = cluster_bootstrap(s.target, s.score, None,", "cluster ignored in Table I"),
    ("melanoma_ddpm/01_classify", "seed_bootstrap(one.target, scores[a], one.lesion_id, scores[b],",
        "seed_bootstrap(one.target, scores[b], one.lesion_id, scores[a],", "sign of a difference of backbones"),
    ("tone_prune/01_tones", ".abs().sum()/2)", ".abs().sum())", "images out of place counted twice"),
    ("tone_prune/02_algebra", "down = np.abs(l1 - l0) <= np.abs(b1 - b0)",
        "down = np.abs(l1 - l0) >= np.abs(b1 - b0)", "the farther solution"),
    ("17_normalise", "lab, skin = tone.lab(out[i]), ~np.asarray(lesion[i])",
        "lab, skin = tone.lab(out[i]), np.asarray(lesion[i])", "mask inverted in the recolouring"),
    ("tone_prune/04_blending", "(p_target - c/c.sum())/p_target)", "(p_target - c/c.sum()))",
        "replacement probability without its denominator"),
    ("tone_prune/04_blending", "np.where(a < tau, np.minimum(p + delta, cap), p)",
        "np.where(a < tau, p + delta, p)", "Algorithm 1 without its cap"),
    ("tone_prune/04_blending", "if epoch % every == 0: p", "if (epoch + 1) % every == 0: p",
        "Algorithm 1 looks an epoch early"),
    ("lora_tone/01_tones", "out[order] = place < dx.map", "out[order] = place <= dx.map",
        "one image of each class too many"),
    ("01_stats", "(p - 1)*(q1 - a*a) + (n - 1)*(q2 - a*a)", "(n - 1)*(q1 - a*a) + (p - 1)*(q2 - a*a)",
        "Hanley-McNeil with the groups swapped"),
    ("01_stats", "cov[0, 0] + cov[1, 1] - 2*cov[0, 1], 0)", "cov[0, 0] + cov[1, 1], 0)",
        "DeLong's test unpaired"),
    ("01_stats", ">= gap(order) - 1e-12).sum() for p",
        "> gap(order) + 1e-12).sum() for p",
        "permutation test leaves ties out"),
]

def plant(tree, page, old, new): # in the page's cells and in its module; how many places
    book = tree/"nbs"/f"{page}.ipynb"
    nb, found = json.loads(book.read_text(encoding="utf-8")), 0
    for c in nb["cells"]:
        source = "".join(c["source"])
        if c["cell_type"] != "code" or old not in source or source.startswith("#| hide"): continue
        c["source"], found = source.replace(old, new).splitlines(True), found + 1
    book.write_text(json.dumps(nb), encoding="utf-8")
    for module in (tree/"skinnb").rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        if f"nbs/{page}.ipynb #" in text and old in text: module.write_text(text.replace(old, new),
            encoding="utf-8")
    return found

def copy_of_tree(to): # what git tracks or would track, without the runs' notebooks
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
        text=True, check=True).stdout.split("\n")
    for f in listed:
        if f and (ROOT/f).is_file() and "/notebooks/" not in f:
            (to/f).parent.mkdir(parents=True, exist_ok=True); shutil.copy(ROOT/f, to/f)

def run_page(tree, page): # the page's cells, as nbdev_test runs them
    os.chdir((tree/"nbs"/page).parent)
    scope, flags = {"__name__": "__main__"}, ("eval: false", "eval:false", "cuda", "data")
    for c in json.loads((tree/"nbs"/f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]:
        source = "".join(c["source"])
        first = [l[2:].strip() for l in source.splitlines() if l.startswith("#|")]
        if c["cell_type"] != "code" or set(first) & set(flags): continue
        linecache.cache[c["id"]] = len(source), None, source.splitlines(True), c["id"] # what is kept needs its source
        exec(compile(source, c["id"], "exec"), scope)

def run_test(tree, test): # "file.py -k a_or_b"
    import pytest
    os.chdir(tree)
    file, _, words = test.partition(" -k ")
    seen = io.StringIO()
    with contextlib.redirect_stdout(seen): code = pytest.main(["-x", "-q", "-p", "no:cacheprovider",
        f"tests/{file}", *(["-k", words.replace("_or_", " or ")] if words else [])])
    if code not in (0,
        5): raise AssertionError(([l for l in seen.getvalue().splitlines() if l.startswith("E  ")] or ["failed"])[0])

def failed(check, *args): # what it says where a check fails, "" where it passes
    try: check(*args)
    except BaseException as e: return f"{type(e).__name__}: {e}".replace("\n", " ")[:160]
    return ""

def _alarm(*_): raise TimeoutError("took too long")

def settle(tree): # this process belongs to the tree from now on
    os.environ |= dict(SKINNB_CACHE=str(tree/"cache"), SKINNB_OUTPUTS=str(tree/"made"), SKINNB_PLAIN="1",
        IN_TEST="1", HF_HUB_OFFLINE="1", MPLBACKEND="Agg", PYTHONPATH=str(tree))
    sys.path[:] = [str(tree)] + [p for p in sys.path if Path(p or ".").resolve() != ROOT]
    import skinnb
    assert Path(skinnb.__file__).is_relative_to(tree), skinnb.__file__

def judge(bug): # one line of the table: the page's own checks first, then the tests named for it
    (page, old, new, what), given = bug
    start, tree, said = time.time(), Path(tempfile.mkdtemp(prefix="mutant_")), dict(by_page="", by_test="")
    signal.signal(signal.SIGALRM, _alarm); signal.alarm(given.limit)
    try:
        copy_of_tree(tree)
        if given.cache: shutil.copytree(given.cache, tree/"cache", copy_function=os.link)
        if old and not plant(tree, page, old, new): return dict(page=page, what=what, result="not found",
            seconds=0, **said)
        settle(tree)
        with open(os.devnull,
            "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            if not given.tests: said["by_page"] = failed(run_page, tree, page)
            for test in checks.get(page, []):
                if not any(said.values()) and (tree/"tests"/test.split()[0]).exists(): said["by_test"] = failed(run_test, tree, test)
        return dict(page=page, what=what, result="caught" if any(said.values()) else "SURVIVED",
            seconds=round(time.time() - start), **said)
    finally: os.chdir(ROOT); shutil.rmtree(tree)

if __name__ == "__main__":
    ask = argparse.ArgumentParser(description="Plant bugs and see whether any check sees them.")
    ask.add_argument("what", nargs="?", default="", help="only bugs whose page or description holds this")
    ask.add_argument("--jobs", type=int, default=2, help="bugs tried at once")
    ask.add_argument("--out", default=Path(tempfile.gettempdir())/"mutants.csv", help="file for the table")
    ask.add_argument("--cache",
        help="folder of kept results to begin with; none: every page begins with nothing")
    ask.add_argument("--tests", action="store_true", help="only the tests, not the pages")
    ask.add_argument("--none", action="store_true", help="plant nothing: every line must survive")
    ask.add_argument("--limit", type=int, default=600, help="seconds for one bug")
    given = ask.parse_args()
    bugs = [b for b in planted if given.what in f"{b[0]}: {b[3]}"]
    if given.none: bugs = [(page, "", "", "no bug") for page in dict.fromkeys(b[0] for b in bugs)]
    os.environ |= dict(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
    import captum, cv2, fairlearn.postprocessing, fastai.learner, matplotlib.pyplot, pandas, seaborn, skimage, sklearn.linear_model, statsmodels.api, timm # each bug is tried in a fork that has them
    with open(given.out, "w", newline="") as f, multiprocessing.get_context("fork").Pool(given.jobs,
        maxtasksperchild=1) as pool:
        table = csv.DictWriter(f,
            ["page", "what", "result", "by_page", "by_test", "seconds"]); table.writeheader()
        counts = {}
        for line in pool.imap(judge, [(b, given) for b in bugs], chunksize=1):
            table.writerow(line); f.flush()
            counts[line["result"]] = counts.get(line["result"], 0) + 1
            by = "page" if line["by_page"] else "test" if line["by_test"] else ""
            print(f"{line['result']:9} {by:4} {line['seconds']:4} s  {line['page']}: {line['what']}",
                flush=True)
    print(counts)
