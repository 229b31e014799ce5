#!/bin/sh
# Runs a command as if on a plain processor: OMP_NUM_THREADS=3 sh tests/plain.sh nbdev_test nbs/16_tone.ipynb
# Each library is told to use its baseline only. NumPy and OpenCV are asked which features they found, so that none is
# named that this machine lacks; a variable that does not apply (no MKL, another C library, ARM) is ignored.
export ATEN_CPU_CAPABILITY=default # torch: its own kernels; bfloat16 units count as absent (nets.cpu_dtype)
export ONEDNN_MAX_CPU_ISA=SSE41 # torch: convolutions
export MKL_CBWR=COMPATIBLE # torch: matrix products
export OPENBLAS_CORETYPE=Nehalem # NumPy and SciPy: matrix products
export OPENCV_IPP=sse42 # OpenCV: Intel's kernels
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4 # exp, log, pow, sin of the C library
if [ -z "$OPENCV_CPU_DISABLE" ]; then
    found=$(python - <<'PY'
import cv2
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
numpy = " ".join(f for f in __cpu_dispatch__ if __cpu_features__[f])
opencv = ",".join(f.strip("*") for f in cv2.getCPUFeaturesLine().split() if f.startswith("*") and not f.endswith("?"))
print(f"export NPY_DISABLE_CPU_FEATURES='{numpy}' OPENCV_CPU_DISABLE='{opencv}'")
PY
    ) || exit 1
    eval "$found"
fi
exec "$@"
