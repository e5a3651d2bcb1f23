/** Steps in two halves: the rows of the whole, whatever their number and type. */
import { inHalves } from '../../engine/halves';
import { binding, nativeType, uploadBytes, valuesOf, withBinding } from '../../engine/native';
import { runEagerStep, type Step } from '../../engine/step';
import { dataOf, tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';

const variables = VariableSet.create([{ name: 'w', shape: [3], role: 'trained' }], () => Float32Array.of(1, 10, 100));
afterAll(() => variables.dispose());

/** The number of rows of each call; what comes out is a weighted sum of each row. */
function counting(): { step: Step; calls: number[] } {
  const calls: number[] = [];
  const step: Step = (set, { x }) => {
    calls.push(x.shape[0]);
    return { sums: x.mul(set.get('w')).sum(1) };
  };
  return { step, calls };
}

function sums(step: Step, rows: number): number[] {
  return tf.tidy(() => {
    const x = tf.tensor2d(
      Float32Array.from({ length: rows * 3 }, (_, i) => i),
      [rows, 3],
    );
    return [...dataOf(() => runEagerStep(inHalves(step), variables, { x }).sums)];
  });
}

test.each([
  [1, [1]],
  [2, [1, 1]],
  [5, [3, 2]],
  [8, [4, 4]],
])('%i rows go through as %j and come out in their order', (rows, expected) => {
  const { step, calls } = counting();
  expect(sums(step, rows)).toEqual(
    Array.from({ length: rows }, (_, i) => 3 * i + 10 * (3 * i + 1) + 100 * (3 * i + 2)),
  );
  expect(calls).toEqual(expected);
});

test('bytes are parted as bytes', () => {
  const bytes = Uint8Array.from({ length: 15 }, (_, i) => 17 * i);
  const parts: { readonly isBytes: boolean; readonly values: readonly number[] }[] = [];
  const step: Step = (_, { images }) => {
    const isBytes = nativeType(images) === binding().TF_UINT8;
    parts.push({ isBytes, values: [...(valuesOf(images) as Uint8Array)] });
    return { rows: tf.zeros([images.shape[0]]) };
  };
  tf.tidy(() => runEagerStep(inHalves(step), variables, { images: uploadBytes(bytes, [5, 3]) }));
  expect(parts).toEqual([
    { isBytes: true, values: [...bytes.subarray(0, 9)] },
    { isBytes: true, values: [...bytes.subarray(9)] },
  ]);
});

test('on a GPU the batch stays whole', () => {
  const { step, calls } = counting();
  withBinding({ isUsingGpuDevice: () => true }, () => sums(step, 6));
  expect(calls).toEqual([6]);
});
