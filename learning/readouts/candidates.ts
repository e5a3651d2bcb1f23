/**
 * Candidates for the nearest references of queries: found by products, proven to hold the nearest ones, for the exact search
 * to have the last word on. Does not know what is done with them.
 *
 * A value by products is off by at most e: whatever is among the nearest by exact distances is within 2 e of the last of the
 * nearest by products, and two that lie more than 2 e apart are in their exact order. Of a table of products only the least
 * of each block of columns is looked at: as many blocks as neighbours are wanted hold as many values up to the largest of
 * their minima, so that a block whose least is beyond it by more than 2 e holds none of the nearest and stays closed.
 */
import { bf16SumsAreFloat32, type ProductPrecision } from '../../engine/ops/products';
import { tf } from '../../engine/tf';
import { BlockTable, type BlockSizes } from './block-table';
import { Arena, Nearest, type Candidates } from './nearest';
import { References, type Part } from './references';

export interface CandidateOptions {
  readonly embeddingSize: number;
  /** Neighbours that are wanted of each query. */
  readonly count: number;
  /** Products held at once, in MiB; the references come on top, once. */
  readonly productMiB: number;
  /** Whether exact distances of all neighbours are computed anyway, so that products need not be close. */
  readonly exactAnyway: boolean;
}

/** Queries at once, where memory allows: with fewer, calls and the waking of threads are a larger share of the work. */
const QUERIES = 1024;
/** References of which blocks are opened together, where memory allows. */
const GROUP = 65_536;
/** One exact distance in JavaScript takes as long as so many products in float32 take longer than in bfloat16. */
const PRODUCTS_PER_DISTANCE = 100;

const { floor, max, min } = Math;

/** A life cycle: holds the references as tensors until it is disposed. */
export class CandidateSearch {
  /** Queries that `candidates` takes at once. */
  readonly block: number;
  private readonly sizes: BlockSizes;
  private held: References;

  /** @param references float32 [R, E]; unchanged while this lives */
  constructor(
    private readonly references: Float32Array,
    private readonly options: CandidateOptions,
  ) {
    const { embeddingSize, count, productMiB, exactAnyway } = options;
    const rows = references.length / embeddingSize;
    this.sizes = sizesFor(rows, max(1, count));
    this.block = max(1, min(QUERIES, floor((productMiB * 2 ** 18) / max(1, min(rows, GROUP)))));
    const isWorthIt = exactAnyway && rows > (count * PRODUCTS_PER_DISTANCE) / 4 && bf16SumsAreFloat32();
    this.held = this.referencesIn(isWorthIt ? 'bf16' : 'float32');
  }

  /**
   * @param queries float32 [Q, E], Q at most `block`
   * @param self the row that is each query itself and no candidate; −1: none
   */
  candidates(queries: Float32Array, self: (query: number) => number): Candidates[] {
    const { count } = this.options;
    const { operand, errors } = this.held.queries(queries);
    const isNarrow = operand.precision === 'bf16';
    const arena = new Arena(errors.length * (count + (count >> 3)));
    const nearest = Array.from(
      errors,
      (error, query) => new Nearest({ count, error, isNarrow, self: self(query), arena }),
    );
    for (const group of this.groups()) {
      const tables = group.map((part) => new BlockTable(operand, part, this.sizes));
      const limits = Float64Array.from(nearest, (own, query) => own.limitAmong(tables, query));
      const opened = tables.map((table) => table.open(limits));
      nearest.forEach((own, query) => own.take(opened, query, limits[query]));
    }
    tf.dispose(operand.tensor);
    if (isNarrow) this.widenIfTooMany(nearest);
    return nearest;
  }

  dispose(): void {
    this.held.dispose();
  }

  /** Embeddings that lie close together, far from others, are too many that bfloat16 cannot tell apart. */
  private widenIfTooMany(nearest: readonly Candidates[]): void {
    const { embeddingSize, count } = this.options;
    const more = nearest.reduce((sum, { rows }) => sum + rows.length - count, 0) / nearest.length;
    if (more * PRODUCTS_PER_DISTANCE <= this.references.length / embeddingSize) return;
    this.held.dispose();
    this.held = this.referencesIn('float32');
  }

  private referencesIn(precision: ProductPrecision): References {
    const { width, step } = this.sizes;
    return new References(this.references, this.options.embeddingSize, width * step, precision);
  }

  private groups(): Part[][] {
    const { parts } = this.held;
    const size = max(1, floor(GROUP / max(1, parts.at(0)?.rows ?? 1)));
    return Array.from({ length: Math.ceil(parts.length / size) }, (_, i) => parts.slice(i * size, (i + 1) * size));
  }
}

/**
 * To look at R / w minima and at the w values of each of `count` blocks is least for w = √(R / count); minima of fewer than
 * 16 take TensorFlow longer. The limit is sought among fewer, coarser minima: of some times as many as are wanted it is hardly
 * larger.
 */
function sizesFor(rows: number, count: number): BlockSizes {
  const width = [16, 32].find((each) => each * each * 2 > rows / count) ?? 64;
  const step = [8, 4, 2].find((each) => rows / (width * each) >= 2.5 * count) ?? 1;
  return { width, step };
}
