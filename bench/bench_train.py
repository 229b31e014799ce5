"""Our training step beside a bare timm step of the same network, number format and batch, in one run.

    python bench/bench_train.py [--backbones resnet18 resnet50 efficientnet_lite0] [--img-size 128] [--bs 32] [--steps 6] [--repeats 5]

Both sides start from the same weights in the same memory format, with the same fused Adam; repeats alternate, and medians are compared.
`bare` sees one ready-made batch again and again; `loop` is fastai's Learner with our callbacks on ready-made batches; `fit` is the whole
of `skinnb.train.fit`'s training epoch, with the recipe of melanoma_ddpm made ahead of time; `inline` is the same with the recipe in the
training thread. `recipe` is the time that the recipe alone takes, as a share of a bare step. Wanted: loop/bare at least 0.95."""
import argparse, statistics, time
from types import SimpleNamespace

import numpy as np, timm, torch
from fastai.learner import Learner
from skinnb import imaging, nets, train

WANTED = .95


def bare_epoch(model, x, y, steps, dtype):
    "Steps of plain PyTorch on one batch."
    model.train()
    for _ in range(steps):
        with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32): logits = model(x)
        torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0].float(), y).backward()
        model.opt.step(); model.opt.zero_grad()
    if x.device.type == "cuda": torch.cuda.synchronize()


def learner(model, images, y, args, recipe, n_ahead):
    "fastai's Learner exactly as train.fit builds it, without validation."
    n = len(y)
    a = train._checked(SimpleNamespace(model=model, images=images, y=y, train_idx=np.arange(n - 2), valid_idx=np.arange(n - 2, n), recipe_train=recipe, recipe_valid=recipe,
        n_epochs=1, lr=1e-4, bs=args.bs, loss="bce", class_weights=None, label_smoothing=0., weight_decay=0., eps=1e-8, schedule=None, eta_min=0., factor=.5, patience=3,
        min_lr=1e-7, freeze_epochs=0, sampler=None, clip=None, early_stop=None, checkpoint="last", seed=42, precision=args.precision, checkpoint_dir=None, save_every=60., n_ahead=n_ahead, cbs=(), quiet=True))
    learn = train._learner(a)
    recorder_to_adam = [cb for cb in train._callbacks(a, {}) if not isinstance(cb, train.Keep)]
    learn.add_cbs(recorder_to_adam)
    learn._do_epoch_validate = lambda *_, **__: None
    learn.n_epoch = 1
    return learn


def epoch(learn):
    "One training epoch."
    with learn.no_logging(): learn.fit(1)
    if learn.dls.device.type == "cuda": torch.cuda.synchronize()


def seconds(f, *args):
    start = time.perf_counter(); f(*args)
    return time.perf_counter() - start


def compare(name, args):
    "One line of the table for one backbone."
    where, rng = train.device(), np.random.default_rng(0)
    n = args.bs*args.steps
    images = rng.integers(0, 256, (n + 2, args.img_size, args.img_size, 3), dtype=np.uint8)
    y = np.r_[rng.integers(0, 2, n), 0, 1]
    recipe = imaging.recipe("melanoma_ddpm", "train", args.img_size)
    ready = recipe(images[:args.bs], 0).to(where, memory_format=torch.channels_last)
    bare = timm.create_model(nets.standins.get(name, {}).get("architecture", name), num_classes=1).to(where, memory_format=torch.channels_last)
    bare.opt = torch.optim.Adam(bare.parameters(), 1e-4, fused=True)
    ours = [nets.build(name, pretrained=False, img_size=args.img_size, seed=0, dropout=0.) for _ in range(3)]
    dtype = train.precision_of(ours[0], args.precision)
    loop, *whole = learner(ours[0], images, y, args, lambda a, rng: ready[:len(a)], 0), learner(ours[1], images, y, args, recipe, 2), learner(ours[2], images, y, args, recipe, 0)
    work = dict(bare=(bare_epoch, bare, ready, torch.from_numpy(y[:args.bs]).float().to(where), args.steps, dtype), loop=(epoch, loop), fit=(epoch, whole[0]), inline=(epoch, whole[1]), recipe=(list, train.Batches(images, y, np.arange(n), recipe, args.bs, n_ahead=0).to(where)))
    for f, *rest in work.values(): f(*rest)
    times = {k: [] for k in work}
    for _ in range(args.repeats):
        for k, (f, *rest) in work.items(): times[k].append(seconds(f, *rest))
    ratio = lambda a, b: statistics.median(x/y for x, y in zip(times[a], times[b]))
    m = {k: statistics.median(v) for k, v in times.items()}
    return dict(backbone=name, dtype=str(dtype)[6:], bare=n/m["bare"], loop=n/m["loop"], fit=n/m["fit"], loop_ratio=ratio("bare", "loop"), fit_ratio=ratio("bare", "fit"), inline_ratio=ratio("bare", "inline"), recipe=m["recipe"]/m["bare"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=["resnet18", "resnet50", "efficientnet_lite0"], help="timm models")
    parser.add_argument("--img-size", type=int, default=128, help="side in pixels")
    parser.add_argument("--bs", type=int, default=32, help="images per batch")
    parser.add_argument("--steps", type=int, default=6, help="steps per epoch")
    parser.add_argument("--repeats", type=int, default=5, help="interleaved repeats")
    parser.add_argument("--precision", default="auto", help="auto, fp32 or bf16")
    args = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, {train.device()}, {args.img_size} px, batch {args.bs}, median of {args.repeats} interleaved repeats of {args.steps} steps")
    print(f"{'backbone':22s}{'dtype':10s}{'bare':>8s}{'loop':>8s}{'fit':>8s}  images/s{'loop/bare':>11s}{'fit/bare':>10s}{'inline/bare':>13s}{'recipe':>9s}")
    for name in args.backbones:
        r = compare(name, args)
        print(f"{r['backbone']:22s}{r['dtype']:10s}{r['bare']:8.1f}{r['loop']:8.1f}{r['fit']:8.1f}{'':10s}{r['loop_ratio']:11.3f}{r['fit_ratio']:10.3f}{r['inline_ratio']:13.3f}{r['recipe']:9.1%}"
              + ("" if r["loop_ratio"] >= WANTED else f"  below {WANTED}"), flush=True)
