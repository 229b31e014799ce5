"""Images per second of the melanoma_ddpm training recipe beside torchvision's Compose and DataLoader,
and the share of a training step that the input takes. Same images, same operations, one run.

    python bench/bench_pipeline.py [--sizes 128 224] [--seconds 4] [--csv FILE]

Variants take turns, round after round, so that a busy machine slows all of them; medians are reported.
Without a training step every process keeps to one thread. On a machine that others use as well, set
OMP_WAIT_POLICY=passive: otherwise OpenMP's threads wait for each other in a busy loop and the steps collapse.
`images_per_cpu_s` counts this process's own CPU time and is the number to trust on a busy machine.
"""
import argparse, contextlib, statistics, time

import cv2, numpy as np, pandas as pd, timm, torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from skinnb.imaging import ahead, imagenet_mean, imagenet_std, recipe
from skinnb.phantoms import cohort, draw


class Clahe(torch.nn.Module):
    def forward(self, x):
        lab = cv2.cvtColor(np.ascontiguousarray(x.permute(1, 2, 0).numpy()), cv2.COLOR_RGB2LAB)
        lab[..., 0] = cv2.createCLAHE(float(torch.empty(()).uniform_(1, 4)), (8, 8)).apply(lab[..., 0])
        return torch.from_numpy(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)).permute(2, 0, 1)


class HueSaturationValue(torch.nn.Module):
    def forward(self, x):
        h, s, v = (torch.empty(3).uniform_(-1, 1)*torch.tensor([10, 20, 10])).round().int().tolist()
        hsv = cv2.cvtColor(np.ascontiguousarray(x.permute(1, 2, 0).numpy()), cv2.COLOR_RGB2HSV).astype(np.int16) + np.array([h, s, v], np.int16)
        hsv[..., 0] %= 180
        return torch.from_numpy(cv2.cvtColor(hsv.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)).permute(2, 0, 1)


def compose(img_size):
    "The recipe in torchvision's transforms, on bytes and one image at a time; OpenCV where torchvision has nothing."
    some = lambda p, t: v2.RandomApply([t], p)
    return v2.Compose([
        some(.2, v2.Lambda(transposed)), v2.RandomVerticalFlip(), v2.RandomHorizontalFlip(),
        some(.5, v2.ColorJitter(.2, .2, .2, .2)), some(.7, Clahe()), some(.5, HueSaturationValue()),
        some(.85, v2.RandomAffine(15, (.1, .1), (.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR)),
        v2.Resize((img_size, img_size), antialias=True), v2.ToDtype(torch.float32, scale=True), v2.Normalize(imagenet_mean, imagenet_std)])


def transposed(x): return x.transpose(1, 2)


class Images(Dataset):
    def __init__(self, images, transform): self.images, self.transform = images, transform
    def __len__(self): return len(self.images)
    def __getitem__(self, i): return self.transform(torch.from_numpy(self.images[i]).permute(2, 0, 1))


def ours(images, img_size, batch_size, n):
    "Endless batches from the recipe, `n` of them made ahead in a thread."
    train, rng = recipe("melanoma_ddpm", "train", img_size), np.random.default_rng(0)
    def batches():
        while True:
            order = rng.permutation(len(images))
            for i in range(0, len(order) - batch_size + 1, batch_size): yield train(images[order[i:i + batch_size]], rng)
    return ahead(batches(), n)


def torchvision_loader(images, img_size, batch_size, workers):
    "Endless batches from a DataLoader."
    loader = DataLoader(Images(images, compose(img_size)), batch_size, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0)
    while True: yield from loader


def measure(batches, seconds, step=None):
    "Images per second, and per second of this process's CPU time, of a source of batches; with a training step on each batch where given."
    n, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        x = next(batches)
        if step: step(x)
        n += len(x)
    return n/(time.perf_counter() - start), n/(time.process_time() - cpu)


def training_step(bf16):
    "One optimiser step of ResNet-18, channels last."
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = timm.create_model("resnet18", num_classes=1).to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters(), 1e-4)
    cast = torch.autocast(device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()
    def step(x):
        x = x.to(device, memory_format=torch.channels_last)
        with cast: loss = model(x).float().square().mean()
        loss.backward(); optimiser.step(); optimiser.zero_grad()
        return float(loss.detach())
    return step


def rounds(variants, seconds, n_rounds, img_size):
    "Median images per second of every variant, which take turns; the ratio to the first is taken within each round."
    rows = {name: [] for name in variants}
    for _ in range(n_rounds):
        for name, (make, step, threads) in variants.items():
            torch.set_num_threads(threads)
            source = make(); x = next(source)
            if step: step(x)
            rows[name].append(measure(source, seconds, step))
            source.close() if hasattr(source, "close") else None
    first = next(iter(rows))
    wall, cpu = ({k: [r[i] for r in v] for k, v in rows.items()} for i in (0, 1))
    return [dict(img_size=img_size, variant=k, images_per_s=statistics.median(v), low=min(v), high=max(v),
                 ratio_to_first=statistics.median(a/b for a, b in zip(v, wall[first])),
                 images_per_cpu_s=float("nan") if "2 workers" in k else statistics.median(cpu[k])) for k, v in wall.items()]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--sizes", type=int, nargs="+", default=[128, 224])
    p.add_argument("--seconds", type=float, default=4, help="per variant and round")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--batch_size", type=int, default=32)
    p.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of PyTorch in the main process")
    p.add_argument("--csv", help="where to write the table")
    a = p.parse_args()
    cv2.setNumThreads(a.threads)
    made, frame = [], cohort(64, seed=42).head(96)
    for size in a.sizes:
        images = draw(frame, img_size=size)
        source = lambda n: lambda: ours(images, size, a.batch_size, n)
        loader = lambda w: lambda: torchvision_loader(images, size, a.batch_size, w)
        made += rounds({"torchvision Compose, DataLoader, 0 workers": (loader(0), None, 1), "skinnb recipe": (source(0), None, 1),
                        "torchvision Compose, DataLoader, 2 workers": (loader(2), None, 1), "skinnb recipe ahead in a thread": (source(2), None, 1)},
                       a.seconds, a.rounds, size)
        fixed = torch.randn(a.batch_size, 3, size, size)
        def still():
            while True: yield fixed
        kind = {"bf16": training_step(True), "fp32": training_step(False)}
        speed = {}
        for k, s in kind.items(): s(fixed); speed[k] = measure(still(), a.seconds/2, s)[0]
        best = max(speed, key=speed.get)
        made += rounds({f"ResNet-18 step alone ({best})": (still, kind[best], a.threads), "step + skinnb recipe": (source(0), kind[best], a.threads),
                        "step + skinnb recipe ahead in a thread": (source(2), kind[best], a.threads),
                        "step + torchvision, 0 workers": (loader(0), kind[best], a.threads), "step + torchvision, 2 workers": (loader(2), kind[best], a.threads)},
                       a.seconds, a.rounds, size)
        table = pd.DataFrame(made)
        print(table[table.img_size == size].to_string(index=False, float_format=lambda v: f"{v:.2f}"), flush=True)
    if a.csv: table.to_csv(a.csv, index=False)


if __name__ == "__main__": main()
