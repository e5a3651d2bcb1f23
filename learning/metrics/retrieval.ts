/**
 * Retrieval within one set: each example asks for the others of its class among all others, nearest first.
 *   precision@1, recall@k   share of queries with one of their class among the first 1, or k
 *   MAP@R (Musgrave et al. 2020, "A metric learning reality check")
 *                           R = others of the class; (1/R) Σ_{i≤R} precision@i where the i-th is of the class, else 0
 * A query that is alone in its class cannot be answered and is left out.
 */
import type { Neighbours } from '../readouts/neighbours';

export interface Retrieval {
  readonly precision1: number;
  /** By k as decimal text. */
  readonly recall: Readonly<Record<string, number>>;
  readonly mapAtR: number;
}

export const recallRanks = [1, 2, 4, 8, 16] as const;

/** Neighbours that each query needs. */
export function retrievalDepth(classes: Int32Array): number {
  return Math.max(recallRanks[recallRanks.length - 1], ...sizesOf(classes).map((size) => size - 1));
}

/** @param neighbours of the set within itself, `retrievalDepth` of them or all; @param classes int32 of the queries */
export function retrievalOf(neighbours: Neighbours, classes: Int32Array): Retrieval {
  const tally = new RetrievalTally(classes);
  tally.add(neighbours, 0);
  return tally.result();
}

/** The same from the neighbours of some queries after the other. */
export class RetrievalTally {
  private readonly sizes: readonly number[];
  private readonly found = recallRanks.map(() => 0);
  private asked = 0;
  private averages = 0;

  /** @param classes int32 of all queries */
  constructor(private readonly classes: Int32Array) {
    this.sizes = sizesOf(classes);
  }

  /** @param begin the first of the queries whose neighbours these are */
  add({ queries, count, references }: Neighbours, begin: number): void {
    const { classes, sizes } = this;
    for (let query = begin, at = 0; query < begin + queries; query++, at += count) {
      const others = sizes[classes[query]] - 1;
      if (others === 0) continue;
      this.asked++;
      let first = 0; // its rank, from 1; 0: there is none
      let hits = 0;
      let precisions = 0;
      for (let rank = 1; rank <= count; rank++) {
        if (classes[references[at + rank - 1]] !== classes[query]) continue;
        if (hits++ === 0) first = rank;
        if (rank <= others) precisions += hits / rank;
      }
      recallRanks.forEach((k, i) => {
        if (first > 0 && first <= k) this.found[i]++;
      });
      this.averages += precisions / others;
    }
  }

  /** Zeros where no query has another of its class. */
  result(): Retrieval {
    const share = (sum: number): number => (this.asked === 0 ? 0 : sum / this.asked);
    const recall = Object.fromEntries(recallRanks.map((k, i) => [String(k), share(this.found[i])]));
    return { precision1: recall['1'], recall, mapAtR: share(this.averages) };
  }
}

function sizesOf(classes: Int32Array): number[] {
  const sizes: number[] = [];
  for (const id of classes) {
    while (sizes.length <= id) sizes.push(0);
    sizes[id]++;
  }
  return sizes;
}
