/**
 * A step whose batch goes through in two halves side by side. On a CPU the threads of an op wait for the slowest part of
 * it: the other half's ops fill these waits, and half the activations are nearer to the caches. On a GPU, where each op is
 * a launch of its own, the step stays whole. Only for steps that treat every row for itself.
 */
import { attribute, binding, nativeType, runOneOutput } from './native';
import type { Step } from './step';
import { tf } from './tf';

/** @param step gives rows for rows, first dimensions alike, none of them depending on another */
export function inHalves(step: Step): Step {
  return (variables, batch) => {
    const rows = Object.values(batch)[0].shape[0];
    if (rows < 2 || binding().isUsingGpuDevice()) return step(variables, batch);
    const middle = Math.ceil(rows / 2);
    const part = (begin: number, end: number): ReturnType<Step> =>
      step(variables, Object.fromEntries(Object.entries(batch).map(([name, x]) => [name, rowsOf(x, begin, end)])));
    const [a, b] = [part(0, middle), part(middle, rows)];
    return Object.fromEntries(Object.keys(a).map((name) => [name, tf.concat([a[name], b[name]])]));
  };
}

/** Of any type, bytes too, which tfjs' own slice knows nothing of. */
function rowsOf(x: tf.Tensor, begin: number, end: number): tf.Tensor {
  return tf.tidy(() => {
    const from = tf.tensor1d([begin, ...x.shape.slice(1).map(() => 0)], 'int32');
    const size = tf.tensor1d([end - begin, ...x.shape.slice(1)], 'int32');
    const types = [attribute.type('T', nativeType(x)), attribute.type('Index', binding().TF_INT32)];
    return runOneOutput('Slice', types, [x, from, size]);
  });
}
