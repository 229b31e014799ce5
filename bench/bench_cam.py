"""Heat maps beside captum, torchcam and pytorch-grad-cam: time against a bare forward pass, agreement, and memory by portion, in one run.

    python bench/bench_cam.py [--backbone resnet50] [--img-size 224] [--bs 8] [--repeats 5] [--out PATH]

`bare` is the network's forward pass without gradients. Every line is the median ratio to it over interleaved repeats, in CPU seconds of
this process, so that other work on the machine does not decide the ratio. Wanted: the whole last-layer family at most 1.05, four stages at
once at most 2.0. Agreement is the largest difference to ours after the peer's own scaling. torchcam and pytorch-grad-cam are not needed by
skinnb; where they are missing their lines are left out. To have them, unpack `torchcam`, `grad-cam` and `ttach` into some folder
(`uv pip install --no-deps --target FOLDER torchcam grad-cam ttach`) and name it in PYTHONPATH.
Memory is the highest resident size of a forked process above its start, for --images images in portions of several sizes."""
import argparse, importlib.util, multiprocessing, statistics, time, warnings
from pathlib import Path

import numpy as np, pandas as pd, torch
from captum.attr import GuidedGradCam, LayerAttribution, LayerGradCam
from skinnb import cam, nets

WANTED = {"last": 1.05, "stages": 2.}
FAMILY = ("cam", "gradcam", "gradcam++", "layercam")
have = lambda name: importlib.util.find_spec(name) is not None


def shaken(backbone, img_size):
    "A network whose normalisation layers are no identities, as in a trained one."
    model, rng = nets.build(backbone, pretrained=False, img_size=img_size, seed=0).eval(), torch.Generator().manual_seed(0)
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            for p, low in ((m.weight, .5), (m.bias, -.3), (m.running_mean, -.1), (m.running_var, .5)): p.data = low + torch.rand(p.shape, generator=rng)*(1. if low > 0 else -2*low)
    return model


def scaled(m, low=True):  # as the peers scale: to 0..1, one by one
    m = torch.as_tensor(np.asarray(m.detach() if torch.is_tensor(m) else m)).float().flatten(1)
    m = m - m.amin(1, keepdim=True) if low else m
    return m/(m.amax(1, keepdim=True) + 1e-7)


def contestants(model, x, stages):
    "{name: (what, call)}; a call returns maps (b, ...) for the agreement, or None."
    last, size = cam.layers_of(model)[0], tuple(x.shape[2:])
    modules = cam.layers_of(model, stages)
    def torch_cam(kind, layers, **kw):
        from torchcam import methods
        with getattr(methods, kind)(model, layers, **kw) as extract:
            scores = model(x)
            return torch.stack([torch.nn.functional.interpolate(m[:, None], size, mode="bilinear")[:, 0] for m in extract(0, scores)], 1)[:, 0]
    def grad_cam(kind, layers):
        import pytorch_grad_cam
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
        with getattr(pytorch_grad_cam, kind)(model, layers) as extract: return extract(x, [ClassifierOutputTarget(0)]*len(x))
    calls = {("last", "ours, all four"): lambda: cam.maps(model, x, FAMILY, bs=len(x)), ("last", "ours, Grad-CAM"): lambda: cam.maps(model, x, bs=len(x)),
        ("last", "captum Grad-CAM"): lambda: LayerAttribution.interpolate(LayerGradCam(model, last).attribute(x, 0), size, "bilinear")[:, 0],
        ("stages", "ours, three methods"): lambda: cam.maps(model, x, FAMILY[1:], layers=stages, bs=len(x)), ("stages", "ours, Grad-CAM"): lambda: cam.maps(model, x, layers=stages, bs=len(x)),
        ("stages", "captum Grad-CAM"): lambda: [LayerGradCam(model, m).attribute(x, 0) for m in modules],
        ("guided", "ours, guided Grad-CAM"): lambda: cam.guided_gradcam(model, x, bs=len(x)), ("guided", "captum guided Grad-CAM"): lambda: GuidedGradCam(model, last).attribute(x, 0, interpolate_mode="bilinear")}
    if have("torchcam"):
        calls |= {("last", f"torchcam {k}"): lambda k=k: torch_cam(k, last) for k in ("GradCAM", "GradCAMpp", "LayerCAM")}
        calls["stages", "torchcam GradCAM"] = lambda: torch_cam("GradCAM", modules)
    if have("pytorch_grad_cam"):
        calls |= {("last", f"pytorch-grad-cam {k}"): lambda k=k: grad_cam(k, [last]) for k in ("GradCAM", "GradCAMPlusPlus", "LayerCAM")}
        calls["stages", "pytorch-grad-cam GradCAM"] = lambda: grad_cam("GradCAM", modules)
    return calls


def agreement(model, x, calls):
    "Largest difference of each last-layer peer to ours, each map scaled to 0..1; and relative ones of captum."
    ours, with_eps = cam.maps(model, x, FAMILY), {e: cam.maps(model, x, "gradcam++", eps=e)["gradcam++"] for e in (1e-6, 1e-8)}
    raw = cam.maps(model, x, relu=False)["gradcam"]
    rows = {("last", "captum Grad-CAM"): (calls["last", "captum Grad-CAM"](), raw)}
    guided = calls["guided", "captum guided Grad-CAM"]()
    rows["guided", "captum guided Grad-CAM"] = guided, cam.guided_gradcam(model, x)
    relative = {k: float((a - b).abs().max()/b.abs().max()) for k, (a, b) in rows.items()}
    pairs = {"torchcam GradCAM": ours["gradcam"], "torchcam LayerCAM": ours["layercam"], "torchcam GradCAMpp": with_eps[1e-8],
        "pytorch-grad-cam GradCAM": ours["gradcam"], "pytorch-grad-cam LayerCAM": ours["layercam"], "pytorch-grad-cam GradCAMPlusPlus": with_eps[1e-6]}
    for name, mine in pairs.items():
        if ("last", name) in calls: relative["last", name] = float((scaled(calls["last", name]()) - scaled(mine)).abs().max())
    exact = {e: float((scaled(m) - scaled(ours["gradcam++"])).abs().max()) for e, m in with_eps.items()}
    return relative, exact


def seconds(call):
    start = time.process_time(); call()
    return time.process_time() - start


def ratios(model, x, calls, repeats):
    "{name: (median ratio to bare, smallest, largest)} and the median of bare."
    def bare():
        with torch.no_grad(): model(x)
    work = {"bare": bare, **calls}
    for call in work.values(): call()
    times = {k: [] for k in work}
    for _ in range(repeats):
        for k, call in work.items(): times[k].append(seconds(call))
    each = {k: [a/b for a, b in zip(times[k], times["bare"])] for k in calls}
    return {k: (statistics.median(v), min(v), max(v)) for k, v in each.items()}, statistics.median(times["bare"])


def _peak(call, pipe):  # highest resident size above the start, MiB
    value = lambda key: int(next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith(key)).split()[1])/1024
    Path("/proc/self/clear_refs").write_text("5")
    start = value("VmRSS"); call(); pipe.send(value("VmHWM") - start)


def peak(call):
    here, there = multiprocessing.Pipe()
    p = multiprocessing.get_context("fork").Process(target=_peak, args=(call, there))
    p.start(); p.join()
    return here.recv() if here.poll() else float("nan")


def memory(model, x, stages, portions):
    "MiB for all images of x, by images in work at a time."
    def bare(bs):
        with torch.no_grad(): return torch.cat([model(p) for p in x.split(bs)])
    rows = [dict(bs=bs, bare=peak(lambda: bare(bs)), last_layer=peak(lambda: cam.maps(model, x, FAMILY, size=None, bs=bs)), four_stages=peak(lambda: cam.maps(model, x, layers=stages, size=28, bs=bs))) for bs in portions]
    return pd.DataFrame(rows).set_index("bs")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--backbone", default="resnet50", help="timm model with ReLUs and four stages layer1 to layer4")
    p.add_argument("--img-size", type=int, default=224, help="side in pixels")
    p.add_argument("--bs", type=int, default=8, help="images per batch")
    p.add_argument("--repeats", type=int, default=5, help="interleaved repeats")
    p.add_argument("--images", type=int, default=32, help="images of the memory measurement")
    p.add_argument("--out", help="write the lines as a CSV as well")
    a = p.parse_args()
    if min(a.bs, a.repeats, a.images) < 1: p.error("--bs, --repeats and --images from 1")
    warnings.filterwarnings("ignore")
    stages = ["layer1", "layer2", "layer3", "layer4"]
    model = shaken(a.backbone, a.img_size)
    x = torch.randn(a.images, 3, a.img_size, a.img_size, generator=torch.Generator().manual_seed(1))
    threads = torch.get_num_threads(); torch.set_num_threads(1) # forked processes and OpenMP threads do not go together
    used = memory(model, x, stages, sorted({1, min(4, a.images), min(16, a.images), a.images}))
    torch.set_num_threads(threads)
    x = x[:a.bs] if a.bs <= a.images else torch.randn(a.bs, 3, a.img_size, a.img_size)
    calls = contestants(model, x, stages)
    relative, exact = agreement(model, x, calls)
    found, bare = ratios(model, x, calls, a.repeats)
    print(f"{a.backbone}, {a.img_size} px, batch {a.bs}, {threads} threads; bare forward {bare:.3f} CPU seconds; median ratio to it [smallest, largest] of {a.repeats} interleaved repeats")
    for (what, name), (ratio, low, high) in found.items():
        said = f"   differs from ours by {relative[what, name]:.0e}" if (what, name) in relative else ""
        over = f"   above {WANTED[what]}" if name.startswith("ours") and ratio > WANTED.get(what, np.inf) else ""
        print(f"{what:8s}{name:36s}{ratio:6.2f} [{low:.2f}, {high:.2f}]{said}{over}")
    print("Grad-CAM++ of torchcam is compared with eps=1e-8, that of pytorch-grad-cam with eps=1e-6, which is what they add; against the formula itself "
          + ", ".join(f"eps={e:g} moves the scaled map by {v:.4f}" for e, v in exact.items()) + ".")
    print(f"Peak memory in MiB above the loaded network for {a.images} images, by images in work at a time (one thread):\n{used.round().astype(int).to_string()}")
    if missing := [n for n in ("torchcam", "pytorch_grad_cam") if not have(n)]: print(f"not here, so left out: {', '.join(missing)}")
    if a.out: pd.DataFrame([dict(what=w, name=n, ratio=r, low=lo, high=hi, difference=relative.get((w, n))) for (w, n), (r, lo, hi) in found.items()]).to_csv(a.out, index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__": main()
