/**
 * Sums of many numbers that change a few at a time: a change, a sum and a draw cost the logarithm of how many there are.
 * Each inner node is the sum of its two halves, so that every sum depends on the present numbers alone: a total carried from
 * step to step would depend on the order of the changes, and have other bits after a restart.
 */

export class SumTree {
  /** A power of two. */
  private readonly leaves: number;
  /** Node i has the halves 2i and 2i + 1; the root is 1, the numbers begin at `leaves`. */
  private readonly sums: Float64Array;

  constructor(readonly size: number) {
    this.leaves = 2 ** Math.ceil(Math.log2(Math.max(1, size)));
    this.sums = new Float64Array(2 * this.leaves);
  }

  get total(): number {
    return this.sums[1];
  }

  at(place: number): number {
    return this.sums[this.leaves + place];
  }

  set(place: number, value: number): void {
    const { sums } = this;
    let node = this.leaves + place;
    sums[node] = value;
    for (node >>= 1; node >= 1; node >>= 1) sums[node] = sums[2 * node] + sums[2 * node + 1];
  }

  /** Sets every number. */
  fill(valueOf: (place: number) => number): void {
    const { sums, leaves, size } = this;
    for (let place = 0; place < size; place++) sums[leaves + place] = valueOf(place);
    for (let node = leaves - 1; node >= 1; node--) sums[node] = sums[2 * node] + sums[2 * node + 1];
  }

  /** Of the numbers from `begin` to before `end`, by the fewest nodes that cover them. */
  sum(begin: number, end: number): number {
    let left = 0;
    let right = 0;
    for (let low = this.leaves + begin, high = this.leaves + end; low < high; low >>= 1, high >>= 1) {
      if (low & 1) left += this.sums[low++];
      if (high & 1) right = this.sums[--high] + right;
    }
    return left + right;
  }

  /**
   * The place where the running sum of `a + scale · b` first passes `share` of its total; never one of weight 0. Both trees
   * have one size, all numbers and the scale are 0 or more, and the total is above 0.
   * @param share in [0, 1)
   */
  static find(a: SumTree, b: SumTree, scale: number, share: number): number {
    const weight = (node: number): number => a.sums[node] + scale * b.sums[node];
    let left = share * weight(1);
    let node = 1;
    while (node < a.leaves) {
      node *= 2;
      const first = weight(node);
      const goesOn = left >= first && weight(node + 1) > 0; // rounding may leave more than there is
      if (!goesOn && first > 0) continue;
      left -= first;
      node += 1;
    }
    return node - a.leaves;
  }
}
