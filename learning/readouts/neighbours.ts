/**
 * Exact nearest references of each query by squared Euclidean distance: the one search under every read-out and metric.
 * Differences are squared and summed in float64, so that a common offset of all embeddings costs no digits. Does not know
 * classes.
 */
import { squaredDistance } from '../index/distance';
import { CandidateSearch, type Candidates } from './candidates';

export interface Neighbours {
  readonly queries: number;
  /** Columns: how many were asked for, or as many as there are. */
  readonly count: number;
  /** int32 [queries, count], nearest first; ties by reference. */
  readonly references: Int32Array;
  /** float64 [queries, count], squared distances; empty where only the order was asked for. */
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
  /** Only which are nearest, in their exact order: most distances need not be computed for that. */
  readonly orderOnly?: boolean;
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

function emptyNeighbours(request: NeighbourRequest): Neighbours {
  const { queries, references, embeddingSize, count, excludeSelf, orderOnly } = request;
  const rows = queries.length / embeddingSize;
  const columns = min(count, references.length / embeddingSize - (excludeSelf ? 1 : 0));
  return {
    queries: rows,
    count: columns,
    references: new Int32Array(rows * columns),
    distances: new Float64Array(orderOnly ? 0 : rows * columns),
  };
}

function searchRows(
  request: NeighbourRequest,
  search: CandidateSearch,
  begin: number,
  end: number,
  found: Neighbours,
): void {
  const { queries, embeddingSize, excludeSelf } = request;
  if (found.count === 0) return;
  const block = queries.slice(begin * embeddingSize, end * embeddingSize);
  search
    .candidates(block, found.count, (query) => (excludeSelf ? begin + query : -1))
    .forEach((candidates, i) => chooseNearest(request, begin + i, candidates, found));
}

/** Candidates whose values are too close to tell are put in order by exact distances, equal ones by row. */
function chooseNearest(
  { queries, references, embeddingSize, orderOnly }: NeighbourRequest,
  query: number,
  { rows, values, slack }: Candidates,
  found: Neighbours,
): void {
  const { count } = found;
  const exact = (row: number): number =>
    squaredDistance(queries, query, references, row, embeddingSize, Number.POSITIVE_INFINITY);
  const put = (place: number, row: number, distance: number): void => {
    if (place >= count) return;
    found.references[query * count + place] = row;
    if (!orderOnly) found.distances[query * count + place] = distance;
  };
  for (let begin = 0; begin < count;) {
    let end = begin + 1;
    while (end < rows.length && !(values[end] - values[end - 1] > slack)) end++;
    if (end - begin === 1) {
      put(begin, rows[begin], orderOnly ? NaN : exact(rows[begin]));
    } else {
      Array.from(rows.subarray(begin, end), (row) => ({ row, distance: exact(row) }))
        .sort((a, b) => a.distance - b.distance || a.row - b.row)
        .forEach(({ row, distance }, i) => put(begin + i, row, distance));
    }
    begin = end;
  }
}
