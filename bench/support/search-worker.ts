/** Our side of the benches of K-means, neighbours and retrieval: the task in one process, turn by turn. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { EvaluationOptions } from '../../config/recipe';
import { RESTARTS } from '../../learning/index/cluster';
import { kMeans } from '../../learning/index/k-means';
import { retrievalDepth, retrievalOf } from '../../learning/metrics/retrieval';
import { rngFor } from '../../learning/random';
import { nearestNeighbours } from '../../learning/readouts/neighbours';
import { serveTurns, type Ready } from './interleave';
import type { SearchTask } from './search-bench';

const { productMiB } = EvaluationOptions.parse({});
const task = JSON.parse(process.argv[2] ?? '') as SearchTask;

serveTurns(() => {
  const work = workOf(task);
  return {
    ...work(),
    turn: () => {
      const start = performance.now();
      work();
      return Promise.resolve(performance.now() - start);
    },
  };
});

type Said = Omit<Ready, 'baseBytes'>;

function workOf(asked: SearchTask): () => Said {
  switch (asked.type) {
    case 'clusters':
      return clusters(asked);
    case 'neighbours':
      return neighbours(asked);
    case 'retrieval':
      return retrieval(asked);
  }
}

/** As a refresh does it. */
function clusters({ rows, embeddingSize, classes, clusters: k }: SearchTask & { type: 'clusters' }): () => Said {
  const embeddings = floats(rows);
  const size = embeddings.length / embeddingSize / classes;
  const points = Array.from({ length: classes }, (_, classId) => ({
    embeddings,
    embeddingSize,
    rows: Int32Array.from({ length: size }, (_unused, i) => classId * size + i),
  }));
  return () => {
    const inertia = points.reduce((sum, own, classId) => {
      const streams = Array.from({ length: RESTARTS }, (_, restart) => rngFor(1, 'bench', classId, restart));
      return sum + kMeans(own, k, streams).inertia;
    }, 0);
    return { note: `inertia ${inertia.toPrecision(5)}` };
  };
}

function neighbours({ rows, queries, embeddingSize, count }: SearchTask & { type: 'neighbours' }): () => Said {
  const request = { queries: floats(queries), references: floats(rows), embeddingSize, count, productMiB };
  return () => {
    const { references } = nearestNeighbours(request);
    const all = references.reduce((sum, place) => sum + place, 0);
    const nearest = references.reduce((sum, place, i) => (i % count === 0 ? sum + place : sum), 0);
    return { note: `exact to float64; sum of the places of all neighbours ${all}, of the nearest ${nearest}` };
  };
}

/** As an evaluation does it: neighbours of the set within itself, then the metrics. */
function retrieval({ rows, embeddingSize, classes }: SearchTask & { type: 'retrieval' }): () => Said {
  const set = floats(rows);
  const ids = Int32Array.from({ length: set.length / embeddingSize }, (_, row) => row % classes);
  const count = retrievalDepth(ids);
  const request = {
    queries: set,
    references: set,
    embeddingSize,
    count,
    excludeSelf: true,
    orderOnly: true,
    productMiB,
  };
  return () => {
    const { precision1, recall, mapAtR } = retrievalOf(nearestNeighbours(request), ids);
    const others = Object.entries(recall).map(([k, share]) => `${k} ${share.toFixed(4)}`);
    return {
      note: `exact neighbours, ${count} of each row; recall@ ${others.join(', ')}`,
      values: { 'precision@1': precision1, 'MAP@R': mapAtR },
    };
  };
}

function floats(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
