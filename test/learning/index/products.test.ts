/**
 * The proven bounds on products of a GPU, whose operands are TF32: played, with operands cut off to 10 bits and sums in float32,
 * since no test machine has one.
 */
import { productError, valueError } from '../../../learning/index/products';
import { rngFor } from '../../../learning/random';

const played = { operand: 2 ** -10, sum: 2 ** -23 };
jest.mock('../../../engine/precision', () => ({ matMulRoundoff: () => played }));

/** float32 without its last 13 bits, towards 0. */
function tf32(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] &= 0xffff_e000;
  return new Float32Array(bits.buffer)[0];
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let e = 0; e < a.length; e++) sum = Math.fround(sum + Math.fround(tf32(a[e]) * tf32(b[e])));
  return sum;
}

const exact = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, e) => sum + value * b[e], 0);

test.each([16, 128, 1024, 4096])('hold and are of use, at an embedding of %d', (embeddingSize) => {
  const rng = rngFor(embeddingSize, 'products');
  let largest = 0;
  for (let pair = 0; pair < 200; pair++) {
    const [a, b] = [0, 1].map(() => Float32Array.from({ length: embeddingSize }, () => Math.abs(rng.normal())));
    const [length, other] = [Math.sqrt(exact(a, a)), Math.sqrt(exact(b, b))];
    const error = Math.abs(2 * (product(a, b) - exact(a, b)));
    expect(error).toBeLessThanOrEqual(productError(length, other, embeddingSize));
    expect(error).toBeLessThanOrEqual(valueError(length, other, embeddingSize));
    largest = Math.max(largest, error / productError(length, other, embeddingSize));
  }
  expect(largest).toBeGreaterThan(0.1); // no bound that anything would fit under
  expect(productError(1, 1, embeddingSize)).toBeLessThan(0.01); // of squared distances up to 4
});
