/**
 * From TensorFlow's step statistics to times of nodes. Field numbers are those of config.proto (RunMetadata) and
 * step_stats.proto. Knows the message; does not know how it was had (tracer.ts).
 */
import type { NodeTime } from '../../config/profile';
import { lastFields, textOf, wireFields } from './wire';

interface Timed extends Omit<NodeTime, 'start'> {
  readonly startNanos: bigint;
}

/** @param metadata a RunMetadata; @returns by their start, which is counted from the first one's */
export function nodeTimes(metadata: Uint8Array): NodeTime[] {
  const nodes: Timed[] = [];
  for (const stepStats of messages(metadata, 1))
    for (const device of messages(stepStats, 1)) {
      const name = lastFields(device).get(1);
      const shortName = name === undefined ? '' : textOf(name).replace(/^.*\/device:/, '');
      if (shortName.endsWith('/stream:all')) continue; // what its streams have too
      for (const node of messages(device, 2)) nodes.push(timed(node, shortName));
    }
  nodes.sort((a, b) => Number(a.startNanos - b.startNanos));
  const first = nodes.at(0)?.startNanos ?? 0n;
  return nodes.map(({ startNanos, ...node }) => ({ ...node, start: Number(startNanos - first) / 1000 }));
}

/** NodeExecStats. */
function timed(message: Uint8Array, device: string): Timed {
  const fields = lastFields(message);
  const number = (field: number): bigint => fields.get(field)?.number ?? 0n;
  const text = (field: number): string => {
    const found = fields.get(field);
    return found === undefined ? '' : textOf(found);
  };
  // When the node began, and its kernel began and ended after that. What ran on a GPU has microseconds only.
  const [start, began, ended] = fields.has(13)
    ? [number(13), number(14), number(15)]
    : [number(2), number(3), number(4)].map((micros) => 1000n * micros);
  const name = text(1);
  const output = lastOutput(message);
  return {
    node: name,
    op: opOf(name, text(8)),
    device,
    thread: Number(number(10)),
    startNanos: start + began,
    micros: Number(ended - began) / 1000,
    shape: output?.shape ?? null,
    bytes: output?.bytes ?? 0,
  };
}

/** TensorFlow labels a node `name = Op(inputs)`; kernels of a GPU are labelled otherwise and keep their names. */
function opOf(name: string, label: string): string {
  const labelled = / = ([^(]+)\(/.exec(label)?.[1];
  return labelled ?? (label === '' ? name : label).replace(/( regs)?:.*$/, '');
}

/** Shape and bytes of the first output: TensorDescription has the shape in 2, AllocationDescription in 4. */
function lastOutput(message: Uint8Array): { shape: number[]; bytes: number } | null {
  const [output] = messages(message, 7);
  const description = output && lastFields(output).get(3);
  if (!description) return null;
  const fields = lastFields(description.bytes);
  const shape = messages(fields.get(2)?.bytes ?? new Uint8Array(0), 2).map((dimension) =>
    Number(lastFields(dimension).get(1)?.number ?? 0n),
  );
  const allocation = fields.get(4);
  const bytes = allocation === undefined ? 0n : (lastFields(allocation.bytes).get(1)?.number ?? 0n);
  return { shape, bytes: Number(bytes) };
}

function messages(bytes: Uint8Array, field: number): Uint8Array[] {
  return [...wireFields(bytes)].filter((one) => one.field === field).map((one) => one.bytes);
}
