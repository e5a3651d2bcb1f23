/** Our side of the benches of K-means and of neighbours: the task in one process, turn by turn. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { kMeans } from '../../learning/index/k-means';
import { rngFor } from '../../learning/random';
import { nearestNeighbours } from '../../learning/readouts/neighbours';
import { serveTurns } from './interleave';
import type { SearchTask } from './search-bench';

const task = JSON.parse(process.argv[2] ?? '') as SearchTask;

serveTurns(() => {
  const work = task.type === 'clusters' ? clusters(task) : neighbours(task);
  const note = work();
  return {
    note,
    turn: () => {
      const start = performance.now();
      work();
      return Promise.resolve(performance.now() - start);
    },
  };
});

/** As a refresh does it: four tries of K-means++ each, the best kept. */
function clusters({ rows, embeddingSize, classes, clusters: k }: SearchTask & { type: 'clusters' }): () => string {
  const embeddings = floats(rows);
  const size = embeddings.length / embeddingSize / classes;
  const points = Array.from({ length: classes }, (_, classId) => ({
    embeddings,
    embeddingSize,
    rows: Int32Array.from({ length: size }, (_unused, i) => classId * size + i),
  }));
  return () => {
    const inertia = points.reduce((sum, own, classId) => {
      const streams = [0, 1, 2, 3].map((restart) => rngFor(1, 'bench', classId, restart));
      return sum + kMeans(own, k, streams).inertia;
    }, 0);
    return `four tries, the best kept; inertia ${inertia.toPrecision(5)}`;
  };
}

function neighbours({ rows, queries, embeddingSize, count }: SearchTask & { type: 'neighbours' }): () => string {
  const request = { queries: floats(queries), references: floats(rows), embeddingSize, count };
  return () => {
    const { references } = nearestNeighbours(request);
    const all = references.reduce((sum, place) => sum + place, 0);
    const nearest = references.reduce((sum, place, i) => (i % count === 0 ? sum + place : sum), 0);
    return `exact to float64; sum of the places of all neighbours ${all}, of the nearest ${nearest}`;
  };
}

function floats(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
