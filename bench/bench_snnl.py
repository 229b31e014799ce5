"""SNNL of all channels and attributes beside a plain loop and cleverhans' formula, in one process.

python bench/bench_snnl.py [--channels 2048] [--n 256] [--attributes 3] [--side 7] [--threads 2] [--repeat 3]

The loop forms one matrix for one channel and attribute, as a reader would write it (Frosst et al. 2019); it is timed on
`--peer-channels` channels and scaled to all. Scalar means, and maps that are compared by their cosine; for maps the
share of the matrix rate is what their products alone take (2 n n h w c operations) of the whole time. Agreement is checked.
"""
import argparse, time
import numpy as np, torch
import torch.nn.functional as F
from skinnb.tone_prune.snnl import snnl, standardised


def seconds(f, repeat):  # best wall time
    best = np.inf
    for _ in range(repeat):
        start = time.perf_counter(); f(); best = min(best, time.perf_counter() - start)
    return best


def plain(f, groups, eps=1e-9):  # (n, channels) and (n, attributes): one matrix for each
    found = np.empty((groups.shape[1], f.shape[1]))
    itself = 1 - np.eye(len(f), dtype=np.float32)
    for c in range(f.shape[1]):
        near = np.exp(-(f[:, None, c] - f[:, c])**2) * itself
        for a in range(groups.shape[1]):
            same = groups[:, None, a] == groups[:, a]
            found[a, c] = -np.log((near * same).sum(1) / near.sum(1) + eps).mean()
    return found


def main():
    p = argparse.ArgumentParser()
    for name, value in dict(channels=2048, n=256, attributes=3, side=7, threads=2, repeat=3, peer_channels=64).items():
        p.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    draw = torch.Generator().manual_seed(0)
    f = standardised(torch.randn(a.n, a.channels, generator=draw))
    groups = torch.randint(0, 3, (a.n, a.attributes), generator=draw)
    ours = seconds(lambda: snnl(f, groups), a.repeat)
    few = f[:, :a.peer_channels].numpy()
    loop = seconds(lambda: plain(few, groups.numpy()), 1) * a.channels / a.peer_channels
    np.testing.assert_allclose(snnl(f, groups)[:, :a.peer_channels], plain(few, groups.numpy()), rtol=1e-3)
    print(f"means: {a.channels} channels x {a.n} images x {a.attributes} attributes, {a.threads} threads: "
          f"ours {ours:.2f} s, plain loop {loop:.2f} s, {loop/ours:.1f} times")
    maps = torch.randn(a.n, a.channels, a.side, a.side, generator=draw)
    whole = seconds(lambda: snnl(maps, groups), a.repeat)
    unit = F.normalize(maps.flatten(2).transpose(0, 1), dim=2)
    products = seconds(lambda: [m @ m.transpose(1, 2) for m in unit.split(64)], a.repeat)
    print(f"maps of {a.side} x {a.side}: {whole:.2f} s, of which {products/whole:.0%} is what their products take")


if __name__ == "__main__": main()
