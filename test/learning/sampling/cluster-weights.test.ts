/** Weights of clusters: what they are, and that neither the way the losses came nor a restart changes a bit of a draw. */
import type { ClusterIndex } from '../../../learning/index/run-index';
import { rngFor } from '../../../learning/random';
import { ClusterWeights } from '../../../learning/sampling/cluster-weights';
import type { LossState } from '../../../learning/sampling/sampler';

/** Clusters of the given sizes, their members mixed. */
function indexOf(sizes: readonly number[]): Pick<ClusterIndex, 'clusterClass' | 'assignments'> {
  const assignments = sizes.flatMap((size, cluster) => Array<number>(size).fill(cluster));
  return {
    clusterClass: Int32Array.from(sizes, (_, cluster) => cluster % 2),
    assignments: Int32Array.from(rngFor(1, 'mix').shuffle(assignments)),
  };
}

/** Restored from the state: sums over all members, one after the other. */
function plainWeights(
  { clusterClass, assignments }: ReturnType<typeof indexOf>,
  { losses, seen }: LossState,
): number[] {
  const known = losses.filter((_, row) => seen[row] === 1);
  const unseen = known.length === 0 ? 0 : known.reduce((sum, loss) => sum + loss, 0) / known.length;
  return Array.from(clusterClass, (_, cluster) => {
    const own = [...assignments.keys()].filter((row) => assignments[row] === cluster);
    return own.reduce((sum, row) => sum + (seen[row] === 1 ? losses[row] : unseen), 0) / own.length;
  });
}

const shapes = [
  [3, 1, 4, 1, 5, 9, 2, 6],
  [7, 7, 7],
  [2, 30],
];

test.each(shapes.map((sizes) => ({ sizes })))(
  'mean losses of clusters of $sizes, unseen at the mean of the seen',
  ({ sizes }) => {
    const index = indexOf(sizes);
    const count = index.assignments.length;
    const weights = new ClusterWeights(index);
    const rng = rngFor(2, 'losses');
    const shown = (): number[] => sizes.map((_, cluster) => weights.of(cluster));
    expect(shown()).toEqual(sizes.map(() => 0));
    for (let step = 0; step < 40; step++) {
      const rows = Array.from({ length: 4 }, () => rng.nextInt(count));
      weights.record(
        rows,
        Float32Array.from(rows, () => (rng.nextInt(3) === 0 ? 0 : 5 * rng.next())),
      );
      const plain = plainWeights(index, weights.state());
      // Sums of some thirty float64 numbers in two orders.
      shown().forEach((weight, cluster) => expect(weight).toBeCloseTo(plain[cluster], 12));
    }
  },
);

test('C1: losses that came in another order, or out of a checkpoint, give the same bits and draws', () => {
  const index = indexOf([50, 20, 80, 10, 40]);
  const rows = [...index.assignments.keys()].slice(0, 150);
  const lossOf = (row: number): number => Math.fround(rngFor(3, 'loss', row).next());
  const straight = new ClusterWeights(index);
  straight.record(rows, Float32Array.from(rows, lossOf));
  const winding = new ClusterWeights(index);
  for (const row of [...rows].reverse()) winding.record([row], Float32Array.of(9));
  for (const row of rngFor(4, 'order').shuffle([...rows])) winding.record([row], Float32Array.of(lossOf(row)));
  const restored = new ClusterWeights(index);
  restored.restore(straight.state());

  const seen = (weights: ClusterWeights): number[][] => [
    [0, 1, 2, 3, 4].map((cluster) => weights.of(cluster)),
    Array.from({ length: 500 }, (_, i) => weights.draw(rngFor(5, 'draw', i))),
  ];
  expect(seen(winding)).toEqual(seen(straight));
  expect(seen(restored)).toEqual(seen(straight));
  expect(winding.state()).toEqual(straight.state());
});

test('C2: a cluster of weight 0 is never drawn', () => {
  const index = indexOf([2, 2, 2, 2, 2]);
  const weights = new ClusterWeights(index);
  const rows = [...index.assignments.keys()];
  weights.record(
    rows,
    Float32Array.from(rows, (row) => (index.assignments[row] === 3 ? 1e-30 : 0)),
  );
  for (let i = 0; i < 300; i++) expect(weights.draw(rngFor(6, 'draw', i))).toBe(3);
});

test('of an example twice in a batch the later loss counts; the state is a copy', () => {
  const weights = new ClusterWeights(indexOf([4, 4]));
  weights.record([0, 1, 0], Float32Array.of(9, 4, 2));
  const state = weights.state();
  expect([state.losses[0], state.losses[1], [...state.seen]]).toEqual([2, 4, [1, 1, 0, 0, 0, 0, 0, 0]]);
  weights.record([2], Float32Array.of(100));
  expect(state.losses[2]).toBe(0);
});
