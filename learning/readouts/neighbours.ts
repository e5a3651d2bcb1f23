/**
 * Exact nearest references of each query by squared Euclidean distance: the one search under every read-out and metric.
 * Differences are squared and summed in float64, so that a common offset of all embeddings costs no digits. Does not know
 * classes.
 */
import { squaredDistancesTo } from '../index/distance';
import { CandidateSearch } from './candidates';
import type { Candidates } from './nearest';
import { sortRun } from './selection';

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
  /** The most memory of products held at once, in MiB; the references as tensors come on top. */
  readonly productMiB: number;
}

const { min } = Math;

export function nearestNeighbours(request: NeighbourRequest): Neighbours {
  const found = emptyNeighbours(request);
  const search = searchAmong(request, found.count);
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
  await searchInBlocks(request, async (block, begin) => {
    found.references.set(block.references, begin * found.count);
    if (!request.orderOnly) found.distances.set(block.distances, begin * found.count);
    await onBlock(block.queries);
  });
  return found;
}

/**
 * The same without holding what was found: as large as queries × count, which may be the square of a data set.
 * @param onBlock awaited with the neighbours of some consecutive queries and the first of these
 */
export async function searchInBlocks(
  request: NeighbourRequest,
  onBlock: (found: Neighbours, begin: number) => Promise<void>,
): Promise<void> {
  const { embeddingSize } = request;
  const rows = request.queries.length / embeddingSize;
  const search = searchAmong(request, columnsOf(request));
  try {
    for (let begin = 0; begin < rows; begin += search.block) {
      const end = min(begin + search.block, rows);
      const found = emptyNeighbours(request, end - begin);
      searchRows(request, search, begin, end, found, 0);
      await onBlock(found, begin);
    }
  } finally {
    search.dispose();
  }
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

function columnsOf({ references, embeddingSize, count, excludeSelf }: NeighbourRequest): number {
  return min(count, references.length / embeddingSize - (excludeSelf ? 1 : 0));
}

function emptyNeighbours(request: NeighbourRequest, rows = request.queries.length / request.embeddingSize): Neighbours {
  const { orderOnly } = request;
  const columns = columnsOf(request);
  return {
    queries: rows,
    count: columns,
    references: new Int32Array(rows * columns),
    distances: new Float64Array(orderOnly ? 0 : rows * columns),
  };
}

function searchAmong(
  { references, embeddingSize, orderOnly, productMiB }: NeighbourRequest,
  count: number,
): CandidateSearch {
  return new CandidateSearch(references, {
    embeddingSize,
    count,
    productMiB,
    exactAnyway: !orderOnly,
  });
}

/** @param place where the first of the queries stands in what is found */
function searchRows(
  request: NeighbourRequest,
  search: CandidateSearch,
  begin: number,
  end: number,
  found: Neighbours,
  place = begin,
): void {
  const { queries, embeddingSize, excludeSelf } = request;
  if (found.count === 0) return;
  const block = queries.subarray(begin * embeddingSize, end * embeddingSize);
  search
    .candidates(block, (query) => (excludeSelf ? begin + query : -1))
    .forEach((candidates, i) => chooseNearest(request, begin + i, candidates, found, place + i));
}

/** Candidates whose values are too close to tell are put in order by exact distances, equal ones by row. */
function chooseNearest(
  { queries, references: matrix, embeddingSize, orderOnly }: NeighbourRequest,
  query: number,
  { rows, values, slack }: Candidates,
  { count, references, distances }: Neighbours,
  place: number,
): void {
  const { x, exact } = scratchFor(embeddingSize, rows.length);
  x.set(queries.subarray(query * embeddingSize, (query + 1) * embeddingSize));
  // All of a query at once, where all are wanted: a call for each of many short runs takes longer.
  if (!orderOnly) squaredDistancesTo(x, matrix, { rows, begin: 0, end: rows.length }, exact);
  for (let begin = 0, end = 1; begin < count; begin = end++) {
    while (end < rows.length && !(values[end] - values[end - 1] > slack)) end++;
    if (end - begin === 1) continue;
    if (orderOnly) squaredDistancesTo(x, matrix, { rows, begin, end }, exact);
    sortRun({ rows, distances: exact, begin, end });
  }
  references.set(rows.subarray(0, count), place * count);
  if (!orderOnly) distances.set(exact.subarray(0, count), place * count);
}

let scratch = { x: new Float64Array(0), exact: new Float64Array(0) };

/** Memory that one query uses after the other: a typed array costs more than a few distances. */
function scratchFor(embeddingSize: number, rows: number): typeof scratch {
  if (scratch.x.length !== embeddingSize) scratch = { ...scratch, x: new Float64Array(embeddingSize) };
  if (scratch.exact.length < rows) scratch = { ...scratch, exact: new Float64Array(2 * rows) };
  return scratch;
}
