"""Pictures per second of `skinnb.phantoms.draw`: python bench/bench_phantoms.py [--n 256] [--sizes 64 128 256] [--workers 1 2]"""
import argparse, time

from skinnb.phantoms import cohort, draw


def rate(frame, img_size, workers, repeats=3):
    "Best of some repeats, in images per second."
    draw(frame.head(16), img_size, workers=workers)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        draw(frame, img_size, workers=workers)
        best = min(best, time.perf_counter() - start)
    return len(frame)/best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=256, help="images to draw")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256], help="sides in pixels")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="threads")
    args = parser.parse_args()
    frame = cohort(args.n).head(args.n)
    print(f"{'img_size':>8} {'workers':>8} {'images/s':>9} {'ms/image':>9}")
    for size in args.sizes:
        for workers in args.workers:
            r = rate(frame, size, workers)
            print(f"{size:>8} {workers:>8} {r:>9.0f} {1000/r:>9.2f}")
