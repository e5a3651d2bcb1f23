"""The peers of the benches of K-means and of neighbours: scikit-learn and faiss, on the rows that the bench wrote.

    python search_worker.py TASK(JSON) sklearn|faiss      speaks the protocol of bench/support/interleave.ts
"""
import json
import os
import resource
import sys
import time

THREADS = int(os.environ["OMP_NUM_THREADS"])

import faiss
import numpy as np
import sklearn
from sklearn.cluster import KMeans


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(line):
    print(json.dumps(line), flush=True)


BASE_BYTES = peak_bytes()


def rows(path, size):
    return np.fromfile(path, dtype=np.float32).reshape(-1, size)


def clusters(task, variant):
    """Each class for itself; from K-means++ (scikit-learn) or drawn rows (faiss), 20 iterations."""
    classes = np.split(rows(task["rows"], task["embeddingSize"]), task["classes"])
    k = task["clusters"]

    def sklearn_inertia(points):
        return KMeans(k, n_init=1, max_iter=20, random_state=1).fit(points).inertia_

    def faiss_inertia(points):
        found = faiss.Kmeans(points.shape[1], k, niter=20, seed=1, min_points_per_centroid=1, max_points_per_centroid=len(points))
        found.train(points)
        return float(found.index.search(points, 1)[0].sum())

    one = {"sklearn": sklearn_inertia, "faiss": faiss_inertia}[variant]
    return lambda: f"inertia {sum(one(points) for points in classes):.5g}"


def neighbours(task, variant):
    queries, references = rows(task["queries"], task["embeddingSize"]), rows(task["rows"], task["embeddingSize"])

    def search():
        index = faiss.IndexFlatL2(references.shape[1])
        index.add(references)
        found = index.search(queries, task["count"])[1]
        return f"sum of the places of all neighbours {int(found.astype(np.int64).sum())}, of the nearest {int(found[:, 0].astype(np.int64).sum())}"

    return search


def main():
    task, variant = json.loads(sys.argv[1]), sys.argv[2]
    faiss.omp_set_num_threads(THREADS)
    work = {"clusters": clusters, "neighbours": neighbours}[task["type"]](task, variant)
    version = {"sklearn": f"scikit-learn {sklearn.__version__}", "faiss": f"faiss {faiss.__version__}"}[variant]
    say({"baseBytes": BASE_BYTES, "note": f"{version}, {THREADS} threads; {work()}"})
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        say({"milliseconds": (time.perf_counter() - start) * 1e3, "peakBytes": peak_bytes()})


main()
