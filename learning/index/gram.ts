/**
 * K-means of few rows in the space of their inner products: all tries share one float32 product of the rows with themselves,
 * and an iteration costs n·k numbers whatever the embedding size. What it finds is where the exact iterations of k-means.ts
 * begin; nothing here is the last word.
 */
import type { Rng } from '../random';
import type { CentredPoints } from './centred-points';

export interface Gram {
  /** n */
  readonly size: number;
  /** float32 [n, n], of rows relative to their mean. */
  readonly products: Float32Array;
}

const MAX_ITERATIONS = 100;

const { POSITIVE_INFINITY } = Number;
const { max } = Math;

export function gramOf(centred: CentredPoints): Gram {
  return { size: centred.points.rows.length, products: centred.gram() };
}

/**
 * Lloyd's iterations from centroids spread by K-means++ (Arthur and Vassilvitskii 2007), until no row moves.
 * @returns a cluster for each row, none of them empty, and Σ‖r − μ(r)‖² to float32
 */
export function clusterByGram(gram: Gram, k: number, rng: Rng): { assignments: Int32Array; inertia: number } {
  const assignments = nearestSeeds(gram, k, rng);
  const clusters = new GramClusters(gram, k, assignments);
  for (let iteration = 0; iteration < MAX_ITERATIONS && clusters.move() > 0; iteration++);
  return { assignments, inertia: clusters.inertia() };
}

/** Each next seed is a row drawn in proportion to its squared distance to the seeds before it. */
function nearestSeeds({ size, products }: Gram, k: number, rng: Rng): Int32Array {
  const nearest = new Float64Array(size).fill(POSITIVE_INFINITY);
  const assignments = new Int32Array(size);
  const isSeed = new Uint8Array(size);
  let seed = rng.nextInt(size);
  for (let cluster = 0; cluster < k; cluster++) {
    if (cluster > 0) seed = drawRow(nearest, isSeed, rng);
    isSeed[seed] = 1;
    const length = products[seed * size + seed];
    for (let i = 0; i < size; i++) {
      const distance = max(0, products[i * size + i] + length - 2 * products[seed * size + i]);
      if (distance >= nearest[i]) continue;
      nearest[i] = distance;
      assignments[i] = cluster;
    }
    nearest[seed] = 0;
    assignments[seed] = cluster; // no cluster begins empty, not even among equal rows
  }
  return assignments;
}

/** A row that is no seed yet, of which there is one. */
function drawRow(weights: Float64Array, isSeed: Uint8Array, rng: Rng): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) {
    const rest = [...isSeed.keys()].filter((row) => isSeed[row] === 0); // fewer different rows than clusters
    return rest[rng.nextInt(rest.length)];
  }
  let left = rng.next() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.findLastIndex((weight) => weight > 0);
}

/** ‖r_i − μ_c‖² = G_ii − 2 S_ic / n_c + Q_c / n_c², with S_ic = Σ_{j ∈ c} G_ij and Q_c = Σ_{i ∈ c} S_ic. */
class GramClusters {
  private readonly sizes: Int32Array;
  /** S, cluster by cluster: float64 [k, n]. */
  private readonly sums: Float64Array;

  constructor(
    private readonly gram: Gram,
    private readonly k: number,
    private readonly assignments: Int32Array,
  ) {
    this.sizes = new Int32Array(k);
    this.sums = new Float64Array(k * gram.size);
    for (let j = 0; j < gram.size; j++) this.count(j, assignments[j], 1);
  }

  /** One iteration: every row to its nearest mean, but the last of a cluster stays. @returns rows that moved */
  move(): number {
    const { k, sums, sizes, assignments } = this;
    const { size } = this.gram;
    const squares = this.squares();
    const counts = Int32Array.from(sizes);
    const moves: [row: number, cluster: number][] = [];
    for (let i = 0; i < size; i++) {
      let nearest = assignments[i];
      let least = POSITIVE_INFINITY;
      for (let cluster = 0; cluster < k; cluster++) {
        const distance = squares[cluster] - (2 * sums[cluster * size + i]) / counts[cluster];
        if (distance < least) {
          least = distance;
          nearest = cluster;
        }
      }
      if (nearest !== assignments[i]) moves.push([i, nearest]);
    }
    let moved = 0;
    for (const [row, cluster] of moves) {
      const from = assignments[row];
      if (sizes[from] === 1) continue;
      this.count(row, from, -1);
      this.count(row, cluster, 1);
      assignments[row] = cluster;
      moved++;
    }
    return moved;
  }

  inertia(): number {
    const { sizes } = this;
    const { size, products } = this.gram;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += products[i * size + i];
    return this.squares().reduce((left, square, cluster) => left - square * sizes[cluster], sum);
  }

  /** Q_c / n_c², the squared length of each mean. */
  private squares(): Float64Array {
    const { k, sums, sizes, assignments } = this;
    const { size } = this.gram;
    const squares = new Float64Array(k);
    for (let i = 0; i < size; i++) squares[assignments[i]] += sums[assignments[i] * size + i];
    return squares.map((square, cluster) => square / sizes[cluster] ** 2);
  }

  private count(row: number, cluster: number, sign: 1 | -1): void {
    const { sums } = this;
    const { size, products } = this.gram;
    this.sizes[cluster] += sign;
    for (let i = 0, to = cluster * size, from = row * size; i < size; i++, to++, from++)
      sums[to] += sign * products[from];
  }
}
