"""Our training step beside a bare timm step of the same network, number format and batch, in one run.

    python bench/bench_train.py [--backbones resnet18 resnet50 efficientnet_lite0] [--img-size 128] [--bs 32]
        [--steps 6] [--repeats 5]

Both sides start from the same weights in the same memory format, with the same fused Adam; repeats
alternate, and medians are compared. `bare` sees one ready-made batch again and again; `loop` is fastai's
Learner with our callbacks on ready-made batches; `fit` is the whole of `skinnb.train.fit`'s training epoch,
with a recipe of four steps made ahead of time; `inline` is the same with the recipe in the training thread;
`steps` is `skinnb.steps.steps` on the ready-made batch. `recipe` is the time that the recipe alone takes,
as a share of a bare step. Wanted: loop/bare and steps/bare at least 0.95."""
import argparse, functools, statistics, time

import numpy as np, timm, torch
from skinnb import nets, train
from skinnb.batches import Batches
from skinnb.imaging import augment
from skinnb.steps import Stepping, steps

WANTED = .95
RECIPE = [dict(op="resize"), dict(op="shift_scale_rotate", angle=(-30., 30.)),
    dict(op="horizontal_flip", p=.5), dict(op="colour_jitter", brightness=(.8, 1.2)), dict(op="normalise")]
bce = torch.nn.functional.binary_cross_entropy_with_logits


def bare_epoch(model, x, y, n_steps, dtype):
    "Steps of plain PyTorch on one batch."
    model.train()
    for _ in range(n_steps):
        with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32): logits = model(x)
        bce(logits[:, 0].float(), y).backward()
        model.opt.step()
        model.opt.zero_grad()
    if x.device.type == "cuda": torch.cuda.synchronize()


def learner(model, images, y, args, recipe, n_ahead):
    "fastai's Learner exactly as train.fit builds it, without validation."
    n, y = len(y) - 2, y.astype(np.float32)
    spec = train.Training(bs=args.bs, checkpoint="last", precision=args.precision)
    batches = Batches(images, y, np.arange(n), recipe, args.bs, True, n_ahead=n_ahead)
    valid, loss = Batches(images, y, np.arange(n, n + 2), recipe, args.bs), train.loss_of("bce")
    learn, rates = train._learner(model, batches, valid, loss, spec)
    validation, saver = train.Validation(spec, loss), train.Saver(None, "", 60.)
    own = train._callbacks(learn, spec, rates, validation, saver, {})
    learn.add_cbs([cb for cb in own if not isinstance(cb, train.Keep)])
    learn._do_epoch_validate = lambda *_, **__: None
    learn.n_epoch = 1
    return learn


def by_steps(model, x, y, n_steps, dtype):
    "The same steps as the bare ones, by steps.steps."
    def step(batch, i): yield "net", bce(model(x)[:, 0].float(), y)
    spec = Stepping(n_steps=n_steps, precision="bf16" if dtype == torch.bfloat16 else "fp32")
    steps(step, dict(net=model), dict(net=model.opt), lambda i: i, spec, quiet=True)
    if x.device.type == "cuda": torch.cuda.synchronize()


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
    n, layout = args.bs*args.steps, torch.channels_last
    images = rng.integers(0, 256, (n + 2, args.img_size, args.img_size, 3), dtype=np.uint8)
    y = np.r_[rng.integers(0, 2, n), 0, 1]
    recipe = functools.partial(augment, steps=RECIPE, img_size=args.img_size)
    ready = recipe(images[:args.bs], 0).to(where, memory_format=layout)
    truth = torch.from_numpy(y[:args.bs]).float().to(where)
    architecture = nets.standins.get(name, {}).get("architecture", name)
    make = lambda: timm.create_model(architecture, num_classes=1).to(where, memory_format=layout)
    bare, stepped = make(), make()
    for model in (bare, stepped): model.opt = torch.optim.Adam(model.parameters(), 1e-4, fused=True)
    ours = [nets.build(name, pretrained=False, img_size=args.img_size, seed=0, dropout=0.) for _ in range(3)]
    dtype = train.precision_of(ours[0], args.precision)
    loop = learner(ours[0], images, y, args, lambda a, rng: ready[:len(a)], 0)
    whole = [learner(model, images, y, args, recipe, n_ahead) for model, n_ahead in zip(ours[1:], (2, 0))]
    work = dict(bare=(bare_epoch, bare, ready, truth, args.steps, dtype), loop=(epoch, loop),
        fit=(epoch, whole[0]), inline=(epoch, whole[1]),
        steps=(by_steps, stepped, ready, truth, args.steps, dtype),
        recipe=(list, Batches(images, y, np.arange(n), recipe, args.bs, n_ahead=0).to(where)))
    for f, *rest in work.values(): f(*rest)
    times = {k: [] for k in work}
    for _ in range(args.repeats):
        for k, (f, *rest) in work.items(): times[k].append(seconds(f, *rest))
    ratios = {k: statistics.median(a/b for a, b in zip(times["bare"], times[k])) for k in work}
    m = {k: statistics.median(v) for k, v in times.items()}
    return dict(backbone=name, dtype=str(dtype)[6:], speed=n/m["bare"], recipe=m["recipe"]/m["bare"], **{
        f"{k}/bare": ratios[k] for k in ("loop", "fit", "inline", "steps")})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    backbones = ["resnet18", "resnet50", "efficientnet_lite0"]
    parser.add_argument("--backbones", nargs="+", default=backbones, help="timm models")
    parser.add_argument("--img-size", type=int, default=128, help="side in pixels")
    parser.add_argument("--bs", type=int, default=32, help="images per batch")
    parser.add_argument("--steps", type=int, default=6, help="steps per epoch")
    parser.add_argument("--repeats", type=int, default=5, help="interleaved repeats")
    parser.add_argument("--precision", default="auto", help="auto, fp32 or bf16")
    args = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, {train.device()}, {args.img_size} px, batch {args.bs}, "
        f"median of {args.repeats} interleaved repeats of {args.steps} steps")
    columns = "loop/bare fit/bare inline/bare steps/bare".split()
    print(f"{'backbone':22s}{'dtype':10s}{'images/s':>10s}", *(f"{c:>13s}" for c in columns), f"{'recipe':>9s}", sep="")
    for name in args.backbones:
        r = compare(name, args)
        slow = [c for c in ("loop/bare", "steps/bare") if r[c] < WANTED]
        told = "".join(f"{r[c]:13.3f}" for c in columns) + f"{r['recipe']:9.1%}"
        below = f"  below {WANTED}: {', '.join(slow)}" if slow else ""
        print(f"{r['backbone']:22s}{r['dtype']:10s}{r['speed']:10.1f}{told}{below}", flush=True)
