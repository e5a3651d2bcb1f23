import { gradients } from '../../engine/gradients';
import { tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';

function twoWeights(): VariableSet {
  const specs = [
    { name: 'a', shape: [2], role: 'trained' as const },
    { name: 'b', shape: [2], role: 'trained' as const },
    { name: 'mean', shape: [2], role: 'statistic' as const },
  ];
  return VariableSet.create(specs, ({ name }) => (name === 'a' ? Float32Array.of(2, 3) : Float32Array.of(5, 7)));
}

let variables: VariableSet;
beforeEach(() => (variables = twoWeights()));
afterEach(() => {
  variables.dispose();
  expect(tf.memory().numTensors).toBe(0);
});

test('the gradients are those of the trained variables, in the order of the specs; outputs and loss come with them', () => {
  const result = gradients(variables, () => {
    const product = variables.get('a').square().mul(variables.get('b')); // a²b: 2ab by a, a² by b
    return { loss: product.sum<tf.Scalar>(), outputs: { product } };
  });
  expect([...result.gradients.keys()]).toEqual(['a', 'b']);
  expect([...(result.gradients.get('a')?.dataSync() ?? [])]).toEqual([20, 42]);
  expect([...(result.gradients.get('b')?.dataSync() ?? [])]).toEqual([4, 9]);
  expect([...result.outputs.product.dataSync()]).toEqual([20, 63]);
  expect(result.loss.dataSync()[0]).toBe(83);
  tf.dispose([result.loss, ...Object.values(result.outputs), ...result.gradients.values()]);
});

test('outputs that the caller of a tidy does not return are tidied like any other tensor', () => {
  tf.tidy(() => {
    gradients(variables, () => {
      const product = variables.get('a').mul(variables.get('b'));
      return { loss: product.sum<tf.Scalar>(), outputs: { product, again: product } };
    });
  });
  variables.forgetReads();
  expect(tf.memory().numTensors).toBe(3); // the handles of the variables
});

test('a statistic may be written in the forward pass', () => {
  tf.tidy(() => {
    const { gradients: found } = gradients(variables, () => {
      variables.assign('mean', variables.get('mean').mul(2));
      return {
        loss: variables.get('a').mul(variables.get('b')).mul(variables.get('mean')).sum<tf.Scalar>(),
        outputs: {},
      };
    });
    expect([...(found.get('a')?.dataSync() ?? [])]).toEqual([50, 98]);
  });
});

test('a trained variable that the loss does not depend on is an error that names it', () => {
  const forward = (): tf.Tensor =>
    tf.tidy(() => gradients(variables, () => ({ loss: variables.get('a').sum<tf.Scalar>(), outputs: {} })).loss);
  expect(forward).toThrow(/loss does not depend on the trained variables b;/);
});
