/**
 * How likely each cluster is to be the seed of a batch: the mean cached loss of its members, where an example never seen
 * counts with the mean of the seen ones. Holds the latest loss of each training example; a step of the training changes a
 * few of them, and that costs the logarithm of how many examples and clusters there are.
 *
 * Invariants:
 *   C1  Weights and draws depend on the present losses alone, not on how they came: the sums are trees (sum-tree.ts).
 *   C2  A cluster of weight 0 is never drawn, unless all are.
 */
import type { ClusterIndex } from '../index/run-index';
import type { Rng } from '../random';
import type { LossState } from './sampler';
import { SumTree } from './sum-tree';

export class ClusterWeights {
  /** By training example. */
  private readonly losses: Float32Array;
  private readonly seen: Uint8Array;
  /** Where each training example stands, cluster by cluster. */
  private readonly places: Int32Array;
  /** Where each cluster begins among the places; the last entry is their number. */
  private readonly begins: Int32Array;
  /** Losses by place, 0 where there is none yet. */
  private readonly known: SumTree;
  private readonly unseen: Int32Array;
  private seenCount = 0;
  /** Of each cluster's weight, what is known and, in means of the seen losses, what is not. */
  private readonly knownShare: SumTree;
  private readonly unseenShare: SumTree;

  constructor(private readonly index: Pick<ClusterIndex, 'clusterClass' | 'assignments'>) {
    const { clusterClass, assignments } = index;
    const clusters = clusterClass.length;
    this.losses = new Float32Array(assignments.length);
    this.seen = new Uint8Array(assignments.length);
    this.begins = new Int32Array(clusters + 1);
    for (const cluster of assignments) this.begins[cluster + 1]++;
    for (let cluster = 0; cluster < clusters; cluster++) this.begins[cluster + 1] += this.begins[cluster];
    const next = this.begins.slice();
    this.places = assignments.map((cluster) => next[cluster]++);
    this.known = new SumTree(assignments.length);
    this.unseen = new Int32Array(clusters);
    this.knownShare = new SumTree(clusters);
    this.unseenShare = new SumTree(clusters);
    this.sumUp();
  }

  /** Of an example that stands twice among the rows, the later loss counts. */
  record(rows: readonly number[], losses: Float32Array): void {
    const changed = new Set<number>();
    rows.forEach((row, i) => {
      const cluster = this.index.assignments[row];
      changed.add(cluster);
      this.losses[row] = losses[i];
      this.known.set(this.places[row], this.losses[row]);
      if (this.seen[row] === 1) return;
      this.seen[row] = 1;
      this.seenCount++;
      this.unseen[cluster]--;
    });
    for (const cluster of changed) {
      this.knownShare.set(cluster, this.knownShareOf(cluster));
      this.unseenShare.set(cluster, this.unseenShareOf(cluster));
    }
  }

  /** Mean cached loss of the members. */
  of(cluster: number): number {
    return this.knownShare.at(cluster) + this.meanSeen() * this.unseenShare.at(cluster);
  }

  /** A cluster, with probability proportional to its weight; uniform where all weights are 0. */
  draw(rng: Rng): number {
    const { knownShare, unseenShare } = this;
    const mean = this.meanSeen();
    if (knownShare.total + mean * unseenShare.total === 0) return rng.nextInt(knownShare.size);
    return SumTree.find(knownShare, unseenShare, mean, rng.next());
  }

  state(): LossState {
    return { losses: this.losses.slice(), seen: this.seen.slice() };
  }

  restore({ losses, seen }: LossState): void {
    this.losses.set(losses);
    this.seen.set(seen);
    this.sumUp();
  }

  private meanSeen(): number {
    return this.seenCount === 0 ? 0 : this.known.total / this.seenCount;
  }

  private knownShareOf(cluster: number): number {
    const { begins } = this;
    return this.known.sum(begins[cluster], begins[cluster + 1]) / this.sizeOf(cluster);
  }

  private unseenShareOf(cluster: number): number {
    return this.unseen[cluster] / this.sizeOf(cluster);
  }

  private sizeOf(cluster: number): number {
    return this.begins[cluster + 1] - this.begins[cluster];
  }

  /** All sums from the losses. */
  private sumUp(): void {
    const { losses, seen, places, known } = this;
    const byPlace = new Float32Array(losses.length);
    this.seenCount = 0;
    this.unseen.fill(0);
    this.index.assignments.forEach((cluster, row) => {
      if (seen[row] === 1) byPlace[places[row]] = losses[row];
      this.seenCount += seen[row];
      this.unseen[cluster] += 1 - seen[row];
    });
    known.fill((place) => byPlace[place]);
    this.knownShare.fill((cluster) => this.knownShareOf(cluster));
    this.unseenShare.fill((cluster) => this.unseenShareOf(cluster));
  }
}
