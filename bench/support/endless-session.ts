/** A training session whose epoch never ends, a step at a time: each begins when it is asked for. For workers of benches. */
import type { BatchSource } from '../../learning/batch-source';
import type { RunIndex } from '../../learning/index/run-index';
import type { TrainingData } from '../../learning/training-data';
import { TrainingSession, type EpochHooks, type SessionConfig } from '../../learning/training/session';
import { noisyBytes } from './cases';

export interface SessionParts {
  readonly config: SessionConfig;
  readonly data: TrainingData;
  readonly source: BatchSource;
  readonly index: RunIndex | null;
}

/** @returns runs one step; the first makes the session */
export function endlessSession({ config, data, source, index }: SessionParts): () => Promise<void> {
  let done: (() => void) | undefined;
  let go: (() => void) | undefined;
  const hooks: EpochHooks = {
    onStep: () => undefined,
    afterStep: async () => {
      await new Promise(setImmediate); // as the trainer does after each step
      done?.();
      await new Promise<void>((resolve) => (go = resolve));
    },
    shouldStop: () => false,
  };
  let training: Promise<unknown> | undefined;
  const begin = async (): Promise<void> => {
    const session = await TrainingSession.create(config, data, source);
    session.beginTraining();
    await session.trainEpoch(1, index, hooks);
  };
  return () =>
    new Promise((resolve, reject) => {
      done = resolve;
      if (training === undefined) (training = begin()).catch(reject);
      else go?.();
    });
}

/** Images in memory, `kept` different ones however many are asked for. */
export function noisySource(edge: number, kept: number): BatchSource {
  const bytes = edge * edge * 3;
  const images = noisyBytes(kept * bytes);
  return {
    edge,
    channels: 3,
    read: (examples) => {
      const batch = new Uint8Array(examples.length * bytes);
      examples.forEach((example, i) => {
        const from = (example % kept) * bytes;
        batch.set(images.subarray(from, from + bytes), i * bytes);
      });
      return Promise.resolve(batch);
    },
  };
}
