/**
 * The products of some queries with one part of the references, of which little is looked at: the least of each block of
 * columns says which blocks are worth opening. Knows values and limits; does not know neighbours.
 */
import { blocksOf, coarseMinima, productsOf, type Operand } from '../../engine/ops/products';
import type { tf } from '../../engine/tf';
import type { Part } from './references';

export interface BlockSizes {
  /** Columns of a block. */
  readonly width: number;
  /** Blocks of which one coarse minimum is kept. */
  readonly step: number;
}

/** The blocks of one query are `blocks[first[query]]` to `blocks[first[query + 1] − 1]`. */
export interface OpenedBlocks {
  readonly part: Part;
  readonly width: number;
  readonly first: Int32Array;
  /** Which of the part's, ascending. */
  readonly blocks: Int32Array;
  /** float32 [blocks, width] */
  readonly values: Float32Array;
}

/** A life cycle: holds the products until its blocks are opened. */
export class BlockTable {
  /** Blocks of one query, `step` to each coarse minimum. */
  readonly coarseBlocks: number;
  private readonly table: tf.Tensor2D;
  /** float32 [Q, coarseBlocks · step] */
  private readonly minima: Float32Array;
  /** float32 [Q, coarseBlocks] */
  private readonly coarse: Float32Array;

  constructor(
    queries: Operand,
    private readonly part: Part,
    private readonly sizes: BlockSizes,
  ) {
    const { width, step } = sizes;
    this.table = productsOf(queries, part.operand);
    const { minima, coarse } = coarseMinima(this.table, width, step);
    this.minima = minima;
    this.coarse = coarse;
    this.coarseBlocks = this.table.shape[1] / (width * step);
  }

  /** The coarse minima of one query. */
  coarseMinima(query: number): Float32Array {
    return this.coarse.subarray(query * this.coarseBlocks, (query + 1) * this.coarseBlocks);
  }

  /** @returns of each query all blocks that hold values up to its limit */
  open(limits: Float64Array): OpenedBlocks {
    const { minima, coarse, coarseBlocks, part } = this;
    const { width, step } = this.sizes;
    const first = new Int32Array(limits.length + 1);
    const { places, blocks } = scratchFor(minima.length);
    let size = 0;
    for (let query = 0, place = 0; query < limits.length; query++) {
      const limit = limits[query];
      const start = place * step;
      for (const end = place + coarseBlocks; place < end; place++) {
        if (coarse[place] > limit) continue;
        for (let fine = place * step; fine < (place + 1) * step; fine++) {
          if (minima[fine] > limit) continue;
          places[size] = fine;
          blocks[size++] = fine - start;
        }
      }
      first[query + 1] = size;
    }
    const values = blocksOf(this.table, width, places.subarray(0, size));
    this.table.dispose();
    return { part, width, first, blocks: blocks.slice(0, size), values };
  }
}

let scratch = { places: new Int32Array(0), blocks: new Int32Array(0) };

/** Memory that one table uses after the other: new megabytes for each would keep the garbage collector busy. */
function scratchFor(size: number): typeof scratch {
  if (scratch.places.length < size) scratch = { places: new Int32Array(size), blocks: new Int32Array(size) };
  return scratch;
}
