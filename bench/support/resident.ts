/** Memory of a run's processes over its steps: samples, the peak of their sum, and how fast it grows. */
import { residentBytes, sleep, type OwnStack, type RunHandle } from './own-stack';

export interface MemorySample {
  /** Global step of the train phase that was applied last; null: it was not training just then. */
  readonly step: number | null;
  readonly worker: number;
  readonly trainer: number;
}

const EVERY_MS = 250;

/** From the start of the run to its end. */
export async function sampleMemory(stack: OwnStack, run: string, handle: RunHandle): Promise<MemorySample[]> {
  let over = false;
  const ended = handle.result().finally(() => (over = true));
  ended.catch(() => undefined); // awaited below
  const samples: MemorySample[] = [];
  while (!over) {
    const bytesOf = async (which: 'worker' | 'trainer'): Promise<number> => {
      const pid = await stack.pidOf(which);
      return (pid === null ? null : residentBytes(pid)?.now) ?? 0;
    };
    const training = stack.training(run);
    samples.push({
      step: training?.phase === 'train' ? training.reached : null,
      worker: await bytesOf('worker'),
      trainer: await bytesOf('trainer'),
    });
    await Promise.race([ended.catch(() => undefined), sleep(EVERY_MS)]);
  }
  await ended;
  return samples;
}

export interface Line {
  readonly slope: number;
  /** Standard error of the slope, as of independent errors. */
  readonly error: number;
}

/** Least squares of y over x. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const n = points.length;
  const meanOf = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / n;
  const [x, y] = [meanOf(([a]) => a), meanOf(([, b]) => b)];
  const spread = points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
  const slope = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / spread;
  const rest = points.reduce((sum, [a, b]) => sum + (b - y - slope * (a - x)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (n - 2) / spread) };
}
