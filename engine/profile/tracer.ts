/**
 * Times of the ops of a step: of a compiled one from TensorFlow's own statistics, of one op by op from its calls. Neither
 * changes what is computed. Knows how times are had; does not know which steps are worth it.
 */
import type { NodeTime } from '../../config/profile';
import { binding, overrideBinding } from '../native';
import { nodeTimes } from './step-stats';
import { nativeTracer } from './tracer-addon';

/** Armed before a step, taken after it. What `take` returns reads the times, which takes a while: ask when there is time. */
export interface StepTracer {
  arm(): void;
  take(): () => NodeTime[];
}

/** Of steps that are one session run each. Throws EngineUnavailable in a process that was not spawned to trace. */
export function compiledTracer(): StepTracer {
  const tracer = nativeTracer();
  return {
    arm: () => tracer.arm(),
    take: () => {
      const statistics = tracer.take();
      return () => nodeTimes(statistics);
    },
  };
}

/** Of steps op by op: every call of the addon, which on a GPU ends when the kernel is queued. */
export function eagerTracer(): StepTracer {
  let nodes: NodeTime[] = [];
  let restore = (): void => undefined;
  return {
    arm: () => {
      nodes = [];
      const native = binding();
      const device = native.isUsingGpuDevice() ? 'GPU:0' : 'CPU:0';
      const began = performance.now();
      restore = overrideBinding({
        executeOp: (op, attributes, inputs, outputs) => {
          const start = performance.now();
          const results = native.executeOp(op, attributes, inputs, outputs);
          const micros = (performance.now() - start) * 1000;
          const shape = results.at(0)?.shape ?? null;
          const bytes = shape === null ? 0 : 4 * shape.reduce((size, dimension) => size * dimension, 1);
          nodes.push({ node: op, op, device, thread: 0, start: (start - began) * 1000, micros, shape, bytes });
          return results;
        },
      });
    },
    take: () => {
      restore();
      restore = () => undefined;
      const taken = nodes;
      nodes = [];
      return () => taken;
    },
  };
}
