/**
 * Checkpoints beside training: the product's trainer and its host, with commits into the bench's own store, watched step by
 * step. What a checkpoint takes is from the step that it holds to its commit; of that, training is blocked for as long as
 * the next step comes later than steps do otherwise.
 */
import { mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TrainerHost } from '../../activities/trainer/host';
import type { LoadSpec, StateFiles, TrainWork } from '../../activities/trainer/protocol';
import { CheckpointStore } from '../../storage/checkpoints';
import { median } from './interleave';
import type { OwnStack } from './own-stack';

export interface Checkpoint {
  readonly wholeMs: number;
  readonly blockedMs: number;
  /** Applied while it was on its way. */
  readonly steps: number;
  readonly bytes: number;
}

export interface Overlap {
  readonly stepMs: number;
  readonly checkpoints: readonly Checkpoint[];
}

/** Warm-start epochs, as many as asked for, with a checkpoint every so many seconds. */
export async function watchCheckpoints(
  { store, folder }: OwnStack,
  load: LoadSpec,
  {
    run,
    epochs,
    checkpointSeconds,
  }: { readonly run: string; readonly epochs: number; readonly checkpointSeconds: number },
): Promise<Overlap> {
  const { recipe } = load;
  const settings = { ...recipe.engine, threads: recipe.engine.threads ?? 1, deterministic: true, trace: false };
  const committing = new CheckpointStore(store, run);
  const host = new TrainerHost();
  const scratch = mkdtempSync(join(folder, 'scratch-'));
  /** When each global step was applied. */
  const applied: number[] = [];
  const commits: Commit[] = [];
  const states: StateFiles[] = [];
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const from = states.at(-1) ?? null;
      const work: TrainWork = {
        type: 'train',
        id: `${run}-${epoch}`,
        load,
        from,
        scratch,
        phase: 'warm-start',
        epoch,
        index: null,
        checkpointSeconds,
        profile: false,
      };
      await host.perform(work, settings, {
        onStep: (globalStep) => (applied[globalStep] = performance.now()),
        onProgress: () => undefined,
        fetch: () => Promise.resolve(null),
        isFilling: () => false,
        findPart: () => Promise.resolve({ isThere: false, tensors: null }),
        keepPart: () => Promise.reject(new Error('bench: an epoch keeps no parts')),
        commit: async ({ position, tensors, curve }, fingerprint) => {
          const parent = from?.digest ?? null;
          const known = { version: 1, position, parent, index: null, seed: recipe.seed } as const;
          const manifest = { ...known, fingerprint: { ...fingerprint } };
          const ref = await committing.commit({ manifest, tensorsFile: tensors, curveFile: curve });
          commits.push({
            epoch,
            globalStep: position.globalStep,
            atMs: performance.now(),
            bytes: statSync(tensors).size,
          });
          states.push({ digest: ref.digest, position, tensors, curve });
          return ref;
        },
      });
    }
  } finally {
    host.kill();
  }
  return overlapOf(applied, commits);
}

interface Commit {
  readonly epoch: number;
  readonly globalStep: number;
  readonly atMs: number;
  readonly bytes: number;
}

/** @param applied when each global step was applied; @param commits epoch by epoch, the last of each at its end */
export function overlapOf(applied: readonly number[], commits: readonly Commit[]): Overlap {
  const saved = new Set(commits.map(({ globalStep }) => globalStep));
  const gaps = applied.flatMap((at, step) => (step > 1 && !saved.has(step - 1) ? [at - applied[step - 1]] : []));
  const stepMs = median(gaps);
  const checkpoints = commits
    .filter(({ epoch }, i) => commits[i + 1]?.epoch === epoch) // nothing is left to train beside the one that ends an epoch
    .map(({ globalStep, atMs, bytes }): Checkpoint => ({
      wholeMs: atMs - applied[globalStep],
      blockedMs: Math.max(0, applied[globalStep + 1] - applied[globalStep] - stepMs),
      steps: applied.filter((at, step) => step > globalStep && at < atMs).length,
      bytes,
    }));
  return { stepMs, checkpoints };
}
