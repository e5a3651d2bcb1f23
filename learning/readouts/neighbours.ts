/**
 * Exact nearest references of each query by squared Euclidean distance: the one search under every read-out and metric.
 * Differences are squared and summed in float64, so that a common offset of all embeddings costs no digits. Does not know
 * classes.
 */
import { squaredDistance } from '../index/distance';
import { CandidateSearch } from './candidates';

export interface Neighbours {
  readonly queries: number;
  /** Columns: how many were asked for, or as many as there are. */
  readonly count: number;
  /** int32 [queries, count], nearest first; ties by reference. */
  readonly references: Int32Array;
  /** float64 [queries, count], squared distances. */
  readonly distances: Float64Array;
}

export interface NeighbourRequest {
  /** float32 [Q, E] */
  readonly queries: Float32Array;
  /** float32 [R, E] */
  readonly references: Float32Array;
  readonly embeddingSize: number;
  readonly count: number;
  /** The queries are the references: no row is its own neighbour. */
  readonly excludeSelf?: boolean;
}

const { min } = Math;

export function nearestNeighbours(request: NeighbourRequest): Neighbours {
  const found = emptyNeighbours(request);
  const search = new CandidateSearch(request.references, request.embeddingSize);
  try {
    for (let begin = 0; begin < found.queries; begin += search.block)
      searchRows(request, search, begin, min(begin + search.block, found.queries), found);
  } finally {
    search.dispose();
  }
  return found;
}

/** @param onBlock awaited with the number of queries done since the last call */
export async function searchNeighbours(
  request: NeighbourRequest,
  onBlock: (queries: number) => Promise<void>,
): Promise<Neighbours> {
  const found = emptyNeighbours(request);
  const search = new CandidateSearch(request.references, request.embeddingSize);
  try {
    for (let begin = 0; begin < found.queries; begin += search.block) {
      const end = min(begin + search.block, found.queries);
      searchRows(request, search, begin, end, found);
      await onBlock(end - begin);
    }
  } finally {
    search.dispose();
  }
  return found;
}

/** The first `count` columns. */
export function firstColumns(neighbours: Neighbours, count: number): Neighbours {
  if (count >= neighbours.count) return neighbours;
  const { queries } = neighbours;
  const references = new Int32Array(queries * count);
  const distances = new Float64Array(queries * count);
  for (let query = 0; query < queries; query++) {
    const from = query * neighbours.count;
    references.set(neighbours.references.subarray(from, from + count), query * count);
    distances.set(neighbours.distances.subarray(from, from + count), query * count);
  }
  return { queries, count, references, distances };
}

/** Some consecutive queries; views, not copies. */
export function queriesBetween({ count, references, distances }: Neighbours, begin: number, end: number): Neighbours {
  return {
    queries: end - begin,
    count,
    references: references.subarray(begin * count, end * count),
    distances: distances.subarray(begin * count, end * count),
  };
}

/** Each row divided by its length; a row of zeros stays. */
export function unitRows(embeddings: Float32Array, embeddingSize: number): Float32Array {
  const units = new Float32Array(embeddings.length);
  for (let from = 0; from < embeddings.length; from += embeddingSize) {
    let square = 0;
    for (let e = from; e < from + embeddingSize; e++) square += embeddings[e] * embeddings[e];
    const scale = square === 0 ? 0 : 1 / Math.sqrt(square);
    for (let e = from; e < from + embeddingSize; e++) units[e] = embeddings[e] * scale;
  }
  return units;
}

function emptyNeighbours({ queries, references, embeddingSize, count, excludeSelf }: NeighbourRequest): Neighbours {
  const rows = queries.length / embeddingSize;
  const columns = min(count, references.length / embeddingSize - (excludeSelf ? 1 : 0));
  return {
    queries: rows,
    count: columns,
    references: new Int32Array(rows * columns),
    distances: new Float64Array(rows * columns),
  };
}

function searchRows(
  request: NeighbourRequest,
  search: CandidateSearch,
  begin: number,
  end: number,
  found: Neighbours,
): void {
  const { queries, references, embeddingSize, excludeSelf } = request;
  const { count } = found;
  if (count === 0) return;
  const block = queries.slice(begin * embeddingSize, end * embeddingSize);
  const candidates = search.candidates(block, count, (query) => (excludeSelf ? begin + query : -1));
  candidates.forEach((rows, i) => {
    const row = begin + i;
    const distances = Float64Array.from(rows, (reference) =>
      squaredDistance(queries, row, references, reference, embeddingSize, Number.POSITIVE_INFINITY),
    );
    selectNearest(
      rows,
      distances,
      found.references.subarray(row * count, row * count + count),
      found.distances.subarray(row * count, row * count + count),
    );
  });
}

/** The nearest into `chosen` and `least`, sorted; a heap whose root is the farthest kept, farther meaning larger or later. */
function selectNearest(rows: Int32Array, distances: Float64Array, chosen: Int32Array, least: Float64Array): void {
  const count = chosen.length;
  let size = 0;
  for (let i = 0; i < rows.length; i++) {
    if (size < count) {
      siftUp(chosen, least, size++, rows[i], distances[i]);
    } else if (distances[i] < least[0]) {
      siftDown(chosen, least, size, rows[i], distances[i]);
    }
  }
  for (let last = size - 1; last > 0; last--) {
    const row = chosen[0];
    const distance = least[0];
    siftDown(chosen, least, last, chosen[last], least[last]);
    chosen[last] = row;
    least[last] = distance;
  }
}

function siftUp(rows: Int32Array, keys: Float64Array, hole: number, row: number, key: number): void {
  while (hole > 0) {
    const parent = (hole - 1) >> 1;
    if (keys[parent] > key || (keys[parent] === key && rows[parent] > row)) break;
    rows[hole] = rows[parent];
    keys[hole] = keys[parent];
    hole = parent;
  }
  rows[hole] = row;
  keys[hole] = key;
}

function siftDown(rows: Int32Array, keys: Float64Array, size: number, row: number, key: number): void {
  let hole = 0;
  for (let child = 1; child < size; child = 2 * hole + 1) {
    const right = child + 1;
    if (right < size && (keys[right] > keys[child] || (keys[right] === keys[child] && rows[right] > rows[child]))) {
      child = right;
    }
    if (keys[child] < key || (keys[child] === key && rows[child] < row)) break;
    rows[hole] = rows[child];
    keys[hole] = keys[child];
    hole = child;
  }
  rows[hole] = row;
  keys[hole] = key;
}
