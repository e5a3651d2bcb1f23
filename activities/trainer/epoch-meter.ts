/**
 * What an epoch costs while it is trained: seconds by part, steps, images, memory; and the profile, where one is asked for.
 * Measures; changes nothing of what is computed, and none of it enters a digest.
 */
import { join } from 'node:path';
import type { StepProfile } from '../../config/profile';
import { stepParts, type EpochSpeed, type StepPart } from '../../config/speed';
import { fingerprint } from '../../engine/fingerprint';
import { memoryReport } from '../../engine/memory';
import { compiledTracer, eagerTracer } from '../../engine/profile/tracer';
import type { HeartbeatDetails } from '../requests';
import { writeWhole } from './files';
import type { TrainWork } from './protocol';
import { StepClock } from './step-clock';
import { StepProfiler } from './step-profiler';

export class EpochMeter {
  private readonly clock: StepClock;
  private readonly profiler: StepProfiler | null;
  private steps = 0;
  private firstRuns = 0;
  private told = { seconds: 0, wait: 0, steps: 0 };

  /** @param images of a step; @param seconds a monotonic clock */
  constructor(
    private readonly work: TrainWork,
    private readonly images: number,
    seconds: () => number,
  ) {
    const { compile } = work.load.recipe.engine;
    this.clock = new StepClock(seconds);
    this.profiler = work.profile ? new StepProfiler(compile ? compiledTracer() : eagerTracer()) : null;
  }

  /** Told of each part of a step as it begins. */
  enter(part: StepPart): void {
    this.clock.enter(part); // before a trace is taken: that is no part of the step
    this.profiler?.enter(part);
    if (part === 'warm-up') this.firstRuns += 1;
  }

  stepped(): void {
    this.steps += 1;
  }

  /** Since it was last asked; nothing where that is no time ago. */
  pace(): Pick<HeartbeatDetails, 'imagesPerSecond' | 'pace'> {
    const totals = this.clock.totals();
    const now = { seconds: sumOf(totals), wait: totals.wait, steps: this.steps };
    const [seconds, steps] = [now.seconds - this.told.seconds, now.steps - this.told.steps];
    const wait = now.wait - this.told.wait;
    this.told = now;
    if (seconds <= 0) return { imagesPerSecond: null };
    const stepsPerSecond = steps / seconds;
    const pace = { stepsPerSecond, waitShare: wait / seconds, ...memory() };
    return { imagesPerSecond: stepsPerSecond * this.images, pace };
  }

  /** null: no step was made. */
  speed(): EpochSpeed | null {
    if (this.steps === 0) return null;
    return {
      steps: this.steps,
      firstRuns: this.firstRuns,
      images: this.steps * this.images,
      seconds: this.clock.totals(),
      ...memory(),
    };
  }

  /** Writes the profile; null where none was asked for or no step was made. */
  async writeProfile(speed: EpochSpeed | null): Promise<string | null> {
    if (this.profiler === null || speed === null) return null;
    const { phase, epoch, scratch, load } = this.work;
    const { network, objective, engine } = load.recipe;
    const profile: StepProfile = {
      version: 1,
      phase,
      epoch,
      network: `${network.name}, ${network.inputSize} px`,
      objective: phase === 'warm-start' ? 'softmax' : objective,
      images: this.images,
      compiled: engine.compile,
      precision: engine.precision,
      environment: fingerprint(),
      speed,
      ...this.profiler.result(),
    };
    const path = join(scratch, 'profile.json');
    await writeWhole(path, Buffer.from(JSON.stringify(profile)));
    return path;
  }
}

function memory(): Pick<EpochSpeed, 'residentBytes' | 'peakBytes' | 'tensors'> {
  const { nativeTensors: tensors, residentBytes, peakBytes } = memoryReport();
  return { residentBytes, peakBytes, tensors };
}

function sumOf(seconds: Readonly<Record<StepPart, number>>): number {
  return stepParts.reduce((sum, part) => sum + seconds[part], 0);
}
