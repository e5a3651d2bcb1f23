"""The peers of the benches of K-means, neighbours and retrieval: scikit-learn, faiss and pytorch-metric-learning, on the
rows that the bench wrote.

    python search_worker.py TASK(JSON) sklearn|faiss|pml      speaks the protocol of bench/support/interleave.ts
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
    return lambda: {"note": f"inertia {sum(one(points) for points in classes):.5g}"}


def neighbours(task, variant):
    queries, references = rows(task["queries"], task["embeddingSize"]), rows(task["rows"], task["embeddingSize"])

    def search():
        index = faiss.IndexFlatL2(references.shape[1])
        index.add(references)
        found = index.search(queries, task["count"])[1]
        all_places, nearest = (int(places.astype(np.int64).sum()) for places in (found, found[:, 0]))
        return {"note": f"sum of the places of all neighbours {all_places}, of the nearest {nearest}"}

    return search


def retrieval(task, variant):
    """Its fast setting: as many neighbours as the largest class has rows. Only the metrics that ours have too."""
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    torch.set_num_threads(THREADS)
    embeddings = torch.from_numpy(rows(task["rows"], task["embeddingSize"]))
    labels = torch.arange(len(embeddings)) % task["classes"]
    names = {"precision_at_1": "precision@1", "mean_average_precision_at_r": "MAP@R"}
    calculator = AccuracyCalculator(include=tuple(names), k="max_bin_count", device=torch.device("cpu"))

    def measure():
        found = calculator.get_accuracy(embeddings, labels)
        return {"note": 'k = "max_bin_count"', "values": {names[name]: float(found[name]) for name in names}}

    return measure


def version_of(variant):
    if variant == "pml":
        import pytorch_metric_learning
        import torch

        return f"pytorch-metric-learning {pytorch_metric_learning.__version__}, torch {torch.__version__}, faiss {faiss.__version__}"
    return {"sklearn": f"scikit-learn {sklearn.__version__}", "faiss": f"faiss {faiss.__version__}"}[variant]


def main():
    task, variant = json.loads(sys.argv[1]), sys.argv[2]
    faiss.omp_set_num_threads(THREADS)
    work = {"clusters": clusters, "neighbours": neighbours, "retrieval": retrieval}[task["type"]](task, variant)
    said = work()
    say({**said, "baseBytes": BASE_BYTES, "note": f"{version_of(variant)}, {THREADS} threads; {said['note']}"})
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        say({"milliseconds": (time.perf_counter() - start) * 1e3, "peakBytes": peak_bytes()})


main()
