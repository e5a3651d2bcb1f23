"""Golden values of eq. 5 in float64, from the formula alone: python3 magnet.py > magnet.json

Embeddings are numpy's RandomState(42).random_sample([24, 8]): MT19937 seeded as numpy does, 53-bit doubles. Six clusters
of four consecutive rows.
"""
import json
import math
import random


def random_state(seed):
    state = [seed]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, tuple(state) + (624,), None))
    return generator


def squared(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b))


def magnet(rows, classes, alpha, D):
    M = len(classes)
    means = [[sum(column) / D for column in zip(*rows[m * D:(m + 1) * D])] for m in range(M)]
    variance = sum(squared(r, means[n // D]) for n, r in enumerate(rows)) / (M * D - 1)
    losses = []
    for n, r in enumerate(rows):
        own = n // D
        scores = [-squared(r, means[m]) / (2 * variance) for m in range(M) if classes[m] != classes[own]]
        top = max(scores)
        lse = top + math.log(sum(math.exp(s - top) for s in scores))
        losses.append(max(0.0, squared(r, means[own]) / (2 * variance) + alpha + lse))
    return {'classes': classes, 'alpha': alpha, 'variance': variance, 'loss': sum(losses) / len(losses), 'losses': losses}


generator = random_state(42)
rows = [[generator.random() for _ in range(8)] for _ in range(24)]
cases = [magnet(rows, classes, alpha, 4) for classes in ([0, 1, 2, 3, 4, 5], [0, 1, 1, 3, 4, 5]) for alpha in (1, 10)]
print(json.dumps({'embeddings': rows, 'cases': cases}, indent=1))
