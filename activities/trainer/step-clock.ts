/** Where the time of training steps goes, part by part: one reading of the clock as each part begins. */
import { stepParts, type StepPart } from '../../config/speed';

export class StepClock {
  private readonly spent = Object.fromEntries(stepParts.map((part) => [part, 0])) as Record<StepPart, number>;
  private part: StepPart = 'messages';
  private since: number;

  /** @param seconds a monotonic clock */
  constructor(private readonly seconds: () => number) {
    this.since = seconds();
  }

  enter(part: StepPart): void {
    const now = this.seconds();
    this.spent[this.part] += now - this.since;
    this.part = part;
    this.since = now;
  }

  /** Seconds by part, up to now. */
  totals(): Record<StepPart, number> {
    this.enter(this.part);
    return { ...this.spent };
  }
}
