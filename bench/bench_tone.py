"""Skin tone per image of skinnb.tone beside the per-image scikit-image route, in one process.

python bench/bench_tone.py [--n 200] [--size 256] [--repeat 3] [--real] [--workers 2] [--out PATH]

Pictures are phantoms, or HAM10000 with its masks (--real, needs SKINNB_DATA). Three tasks: the angle outside the lesion
mask, the whole robust estimate, and a tone transform (add to L* and b* outside the mask, back to bytes). The peer does
for each picture what one writes with scikit-image and numpy: rgb2lab, a mask, a mean (or lab2rgb). CPU seconds, best of
some repeats, one thread on both sides; wall seconds with --workers threads beside it. Results are compared before they
are timed. Then the limits, and peak memory for n and 4 n pictures.
"""
import argparse, gc, os, time, tracemalloc
import cv2, numpy as np, pandas as pd
from skimage.color import lab2rgb, rgb2lab
from skinnb import cohorts, normalise, phantoms, tone


def best(f, repeat, clock=time.process_time):  # best of some repeats, seconds
    least = np.inf
    for _ in range(repeat):
        start = clock(); f(); least = min(least, clock() - start)
    return least


def pictures(a):  # images, masks, and how long decoding took per image (NaN for phantoms)
    if not a.real: return *((lambda d: (d[0], d[1]["lesion"]))(phantoms.draw(phantoms.cohort(a.n).head(a.n), a.size, masks=True))), np.nan
    frame = cohorts.load("ham10000").iloc[:: max(1, 10015 // a.n)].head(a.n)
    start = time.process_time()
    for p in frame.path.head(50): cohorts.read_image(p)
    decode = (time.process_time() - start) / 50
    return np.array(cohorts.images(frame, a.size)), np.array(cohorts.masks(frame, a.size)), decode


def peer_ita(images, lesion):
    colour = [rgb2lab(i)[~m].mean(0) if not m.all() else np.full(3, np.nan) for i, m in zip(images, lesion)]
    return np.array([np.degrees(np.arctan((c[0] - 50) / c[2])) for c in colour])


def peer_shift(images, lesion, dL, db):
    out = []
    for i, m in zip(images, lesion):
        c = rgb2lab(i)
        c[~m] += [dL, 0, db]
        out.append(np.rint(255 * lab2rgb(c)).astype(np.uint8))
    return np.stack(out)


def our_shift(images, lesion, dL, db):
    n = len(images)
    return normalise.shift(images, lesion, np.full(n, dL), np.full(n, db))[0]


def peak(images, lesion, n):  # MiB allocated while n pictures are measured
    many, masks = np.broadcast_to(images[:1], (n, *images.shape[1:])), np.broadcast_to(lesion[:1], (n, *lesion.shape[1:]))
    gc.collect(); tracemalloc.start()
    tone.measure(many, masks, "outside", "printed", workers=1)
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top / 2**20


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [("n", 200), ("size", 256), ("repeat", 3), ("workers", 2)]: p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--real", action="store_true", help="HAM10000 instead of phantoms")
    p.add_argument("--out", help="write the lines as a tidy CSV as well")
    a = p.parse_args()
    if min(a.n, a.repeat, a.workers) < 1 or a.size < 16: p.error("--n, --repeat and --workers from 1, --size from 16")
    images, lesion, decode = pictures(a)
    n, rows = len(images), []
    cv2.setNumThreads(1)
    ours = tone.measure(images, lesion, "outside", "printed", flags=False)
    theirs = peer_ita(images, lesion)
    apart = float(np.nanquantile(np.abs((ours.ita - theirs + 90) % 180 - 90), 1))
    same = float(np.abs(our_shift(images[:20], lesion[:20], -5, 3).astype(int) - peer_shift(images[:20], lesion[:20], -5, 3)).max())
    cases = [("angle outside the mask", lambda w: tone.measure(images, lesion, "outside", "printed", flags=False, workers=w), lambda: peer_ita(images, lesion), apart),
             ("robust, interval, flags", lambda w: tone.measure(images, lesion, workers=w), lambda: peer_ita(images, lesion), np.nan),
             ("tone transform", lambda w: our_shift(images, lesion, -5, 3), lambda: peer_shift(images, lesion, -5, 3), same)]
    print(f"{n} {'HAM10000 pictures' if a.real else 'phantoms'} of {a.size} px with masks; best of {a.repeat}; {os.cpu_count()} cores")
    for name, mine, peer, difference in cases:
        cpu, theirs_s = best(lambda: mine(1), a.repeat), best(peer, a.repeat)
        wall = best(lambda: mine(a.workers), a.repeat, time.perf_counter)
        rows.append(dict(case=name, n=n, size=a.size, ours_ms=1e3 * cpu / n, peer_ms=1e3 * theirs_s / n, ratio=theirs_s / cpu, wall_ms=1e3 * wall / n, workers=a.workers, max_difference=difference))
        print(f"{name:26s} ours {1e3 * cpu / n:6.2f} ms CPU ({1e3 * wall / n:6.2f} ms wall with {a.workers} threads)   scikit-image {1e3 * theirs_s / n:6.2f} ms   ratio {theirs_s / cpu:5.1f} CPU, {theirs_s / wall:5.1f} wall   largest difference {difference:.2g}", flush=True)
    light = np.ascontiguousarray(images[0])
    linear = cv2.LUT(light, tone._linear3)
    ratio = cv2.transform(linear, tone._to_ratio)
    many = lambda f: best(lambda: [f() for _ in range(50)], a.repeat) / 50 * 1e3
    colour, parts = many(lambda: tone._lab_of_bytes(light)), dict(table=many(lambda: cv2.LUT(light, tone._linear3)), matrices=2 * many(lambda: cv2.transform(linear, tone._to_ratio)), cube_root=many(lambda: cv2.pow(ratio, 1 / 3)))
    copy = many(lambda: linear.copy())
    print(f"limit, colour transform {colour:.2f} ms of {rows[0]['ours_ms']:.2f} ms: " + ", ".join(f"{k.replace('_', ' ')} {v:.2f}" for k, v in parts.items()) + f"; one pass over the float picture in memory {copy:.2f} ms" + (f"; decoding the JPEG {1e3 * decode:.2f} ms, done once and kept" if a.real else ""))
    few, more = peak(images, lesion, 256), peak(images, lesion, 1024)
    print(f"peak memory above the pictures: {few:.1f} MiB for 256, {more:.1f} MiB for 1024")
    rows.append(dict(case="peak memory, MiB", n=256, ours_ms=few)), rows.append(dict(case="peak memory, MiB", n=1024, ours_ms=more))
    if a.out: pd.DataFrame(rows).to_csv(a.out, index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__": main()
