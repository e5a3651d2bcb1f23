/** The compiled distances: to the bits of the loop in JavaScript, and never outside the memory that they are given. */
import { opsModule } from '../../../engine/cpu/ops-addon';
import '../../../engine/tf'; // loads them
import { squaredDistance, squaredDistancesTo } from '../../../learning/index/distance';
import { rngFor } from '../../../learning/random';
import { hasAvx2 } from '../support/cpu';

const rng = rngFor(1, 'compiled distances');
const normals = <A extends Float32Array | Float64Array>(array: A): A => array.map(() => 100 * rng.normal()) as A;

type Module = NonNullable<ReturnType<typeof opsModule>>;

function loaded(): Module {
  const module = opsModule();
  if (module === null) throw new Error('the ops of this CPU are not compiled: `npm run setup`');
  return module;
}

const compiled: Module['squaredDistancesTo'] = (...given) => loaded().squaredDistancesTo(...given);
/** By name: the addon's errors are of Node's own realm, not of the test's. */
const named = (name: string): unknown => expect.objectContaining({ name });

(hasAvx2 ? describe : describe.skip)('distances of one row to some of a matrix', () => {
  test('rows of any length and number have the bits of one distance after the other', () => {
    for (const size of [1, 2, 3, 4, 5, 15, 16, 17, 19, 64, 130, 1024])
      for (const count of [0, 1, 2, 7, 8, 9, 31]) {
        const x = normals(new Float64Array(size));
        const matrix = normals(new Float32Array(20 * size));
        const rows = Int32Array.from({ length: count + 2 }, () => rng.nextInt(20));
        const into = new Float64Array(count + 2).fill(-1);
        compiled(x, matrix, rows, 1, count + 1, into);
        const plain = [...rows.subarray(1, count + 1)].map((row) => squaredDistance(x, 0, matrix, row, size, Infinity));
        expect([...into]).toEqual([-1, ...plain, -1]);
      }
  });

  test('they are what long work is given to', () => {
    const spy = jest.spyOn(loaded(), 'squaredDistancesTo');
    const [x, matrix, into] = [new Float64Array(128), new Float32Array(128), new Float64Array(64)];
    squaredDistancesTo(x, matrix, { rows: new Int32Array(64), begin: 0, end: 8 }, into);
    expect(spy).not.toHaveBeenCalled();
    squaredDistancesTo(x, matrix, { rows: new Int32Array(64), begin: 0, end: 64 }, into);
    expect(spy).toHaveBeenCalledTimes(1);
    spy.mockRestore();
  });

  test.each<[string, Parameters<typeof compiled>]>([
    ['a row behind the last', [new Float64Array(4), new Float32Array(8), Int32Array.of(2), 0, 1, new Float64Array(1)]],
    ['a negative row', [new Float64Array(4), new Float32Array(8), Int32Array.of(-1), 0, 1, new Float64Array(1)]],
    [
      'more than there are rows',
      [new Float64Array(4), new Float32Array(8), Int32Array.of(1), 0, 2, new Float64Array(2)],
    ],
    [
      'no place for the last',
      [new Float64Array(4), new Float32Array(8), Int32Array.of(0, 1), 0, 2, new Float64Array(1)],
    ],
    [
      'a begin behind the end',
      [new Float64Array(4), new Float32Array(8), Int32Array.of(0, 1), 2, 1, new Float64Array(2)],
    ],
    ['a negative begin', [new Float64Array(4), new Float32Array(8), Int32Array.of(0, 1), -1, 1, new Float64Array(2)]],
    ['rows of no numbers', [new Float64Array(0), new Float32Array(8), Int32Array.of(0), 0, 1, new Float64Array(1)]],
  ])('%s is a RangeError', (_, given) => {
    expect(() => compiled(...given)).toThrow(named('RangeError') as Error);
  });

  test('arrays of other numbers are a TypeError', () => {
    const asDoubles = new Float64Array(8) as unknown as Float32Array;
    expect(() => compiled(new Float64Array(4), asDoubles, Int32Array.of(0), 0, 1, new Float64Array(1))).toThrow(
      named('TypeError') as Error,
    );
  });
});
