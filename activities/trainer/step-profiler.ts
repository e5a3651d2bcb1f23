/**
 * Traces a few of an epoch's steps: those after the first, which find cold caches, and few enough not to matter. Knows the
 * parts of a step; does not know how times are had (engine/profile/).
 */
import type { NodeTime } from '../../config/profile';
import type { StepPart } from '../../config/speed';
import type { StepTracer } from '../../engine/profile/tracer';

const SKIPPED = 3;
const TRACED = 5;

export interface TracedSteps {
  readonly traced: number;
  /** Of the step whose kernels took the median time; null: none was traced. */
  readonly nodes: NodeTime[] | null;
}

export class StepProfiler {
  private readonly taken: (() => NodeTime[])[] = [];
  private steps = 0;
  private isTracing = false;

  constructor(private readonly tracer: StepTracer) {}

  /** Told of each part of a step as it begins. */
  enter(part: StepPart): void {
    if (this.isTracing) this.taken.push(this.tracer.take());
    this.isTracing = false;
    if (part !== 'step' || ++this.steps <= SKIPPED || this.taken.length === TRACED) return;
    this.isTracing = true;
    this.tracer.arm();
  }

  result(): TracedSteps {
    const steps = this.taken.map((read) => read()).filter((nodes) => nodes.length > 0);
    const total = (nodes: readonly NodeTime[]): number => nodes.reduce((sum, { micros }) => sum + micros, 0);
    steps.sort((a, b) => total(a) - total(b));
    return { traced: steps.length, nodes: steps.at(Math.floor(steps.length / 2)) ?? null };
  }
}
