/**
 * K-means of few rows in the space of their inner products: all tries share one float32 product of the rows with themselves,
 * and an iteration costs n·k numbers whatever the embedding size. What it finds is where the exact iterations of k-means.ts
 * begin, or their end already where the gaps are larger than what float32 can be off; nothing here is the last word on that.
 */
import type { Rng } from '../random';
import { allRows } from './products';
import { spreadSeeds, type RowProducts } from './seeds';

const MAX_ITERATIONS = 100;

const { POSITIVE_INFINITY } = Number;

export interface GramClustering {
  /** int32 [n], no cluster empty. */
  readonly assignments: Int32Array;
  /** Σ‖r − μ(r)‖² to float32. */
  readonly inertia: number;
  /** float64 [n]: the squared distance to the nearest mean of another cluster less that to the row's own, to float32. */
  readonly gaps: Float64Array;
}

/** Lloyd's iterations from spread seeds, until no row moves. */
export function clusterByGram(gram: RowProducts, k: number, rng: Rng): GramClustering {
  const { assignments } = spreadSeeds(gram, k, rng);
  const clusters = new GramClusters(gram, k, assignments);
  for (let iteration = 0; iteration < MAX_ITERATIONS && clusters.move() > 0; iteration++);
  return { assignments, inertia: clusters.inertia(), gaps: clusters.gaps() };
}

/** ‖r_i − μ_c‖² = G_ii − 2 S_ic / n_c + Q_c / n_c², with S_ic = Σ_{j ∈ c} G_ij and Q_c = Σ_{i ∈ c} S_ic. */
class GramClusters {
  private readonly rows: readonly Float32Array[];
  private readonly sizes: Int32Array;
  /** S, cluster by cluster: float64 [k, n]. */
  private readonly sums: Float64Array;
  private readonly distances: Float64Array;

  constructor(
    private readonly gram: RowProducts,
    private readonly k: number,
    private readonly assignments: Int32Array,
  ) {
    this.rows = gram.of(allRows(gram.size));
    this.sizes = new Int32Array(k);
    this.sums = new Float64Array(k * gram.size);
    this.distances = new Float64Array(gram.size);
    for (let j = 0; j < gram.size; j++) this.count(j, assignments[j], 1);
  }

  /** One iteration: every row to its nearest mean, but the last of a cluster stays. @returns rows that moved */
  move(): number {
    const { sizes, assignments } = this;
    const nearest = this.nearest();
    let moved = 0;
    for (let row = 0; row < nearest.length; row++) {
      const from = assignments[row];
      if (nearest[row] === from || sizes[from] === 1) continue;
      this.count(row, from, -1);
      this.count(row, nearest[row], 1);
      assignments[row] = nearest[row];
      moved++;
    }
    return moved;
  }

  inertia(): number {
    const { sizes } = this;
    let sum = 0;
    for (const square of this.gram.squares) sum += square;
    sizes.forEach((size, cluster) => (sum -= this.square(cluster) * size));
    return sum;
  }

  gaps(): Float64Array {
    const { k, assignments } = this;
    const own = new Float64Array(assignments.length);
    const other = new Float64Array(assignments.length).fill(POSITIVE_INFINITY);
    for (let cluster = 0; cluster < k; cluster++) {
      const distances = this.distancesTo(cluster);
      for (let i = 0; i < distances.length; i++) {
        if (assignments[i] === cluster) own[i] = distances[i];
        else if (distances[i] < other[i]) other[i] = distances[i];
      }
    }
    for (let i = 0; i < own.length; i++) other[i] -= own[i];
    return other;
  }

  /** int32 [n]; ties to the first */
  private nearest(): Int32Array {
    const { size } = this.gram;
    const nearest = new Int32Array(size);
    const least = new Float64Array(size).fill(POSITIVE_INFINITY);
    for (let cluster = 0; cluster < this.k; cluster++) {
      const distances = this.distancesTo(cluster);
      for (let i = 0; i < size; i++) {
        if (!(distances[i] < least[i])) continue;
        least[i] = distances[i];
        nearest[i] = cluster;
      }
    }
    return nearest;
  }

  /** float64 [n]: squared distances less ‖r‖², overwritten by the next call. */
  private distancesTo(cluster: number): Float64Array {
    const { sums, sizes, distances } = this;
    const { size } = this.gram;
    const square = this.square(cluster);
    const factor = -2 / sizes[cluster];
    for (let i = 0, at = cluster * size; i < size; i++, at++) distances[i] = square + factor * sums[at];
    return distances;
  }

  /** Q_c / n_c², the squared length of a mean. */
  private square(cluster: number): number {
    const { sums, sizes, assignments } = this;
    const from = cluster * assignments.length;
    let square = 0;
    for (let i = 0; i < assignments.length; i++) if (assignments[i] === cluster) square += sums[from + i];
    return square / sizes[cluster] ** 2;
  }

  private count(row: number, cluster: number, sign: 1 | -1): void {
    const { sums } = this;
    const products = this.rows[row];
    this.sizes[cluster] += sign;
    for (let i = 0, to = cluster * products.length; i < products.length; i++, to++) sums[to] += sign * products[i];
  }
}
