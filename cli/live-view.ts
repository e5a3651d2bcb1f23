/**
 * Progress for a person: from what is known of a run to lines of text, and lines onto a terminal (one block that is drawn
 * anew) or into a log (a plain line now and then). Text and streams only.
 */
import type { SpeedFigures } from '../config/speed';
import type { RunProgress } from '../config/workflow-input';
import { bytesText, secondsText } from '../report/wording';
import type { Beat, RunView } from './run-client';
import type { OutputStream } from './settings';

const PLAIN_EVERY_MS = 5000;
const BAR = 24;

export interface Seen {
  readonly view: RunView;
  readonly progress: RunProgress | null;
  readonly children: readonly RunView[];
}

const stageTitles: Record<RunProgress['stage'], string> = {
  binding: 'starting',
  preprocess: 'reading images',
  'warm-start': 'warm start (softmax)',
  train: 'training',
  refresh: 'refreshing the index',
  evaluate: 'evaluating',
  report: 'writing the report',
  done: 'done',
};

/** Lines that say where a run stands; the first is the run itself. */
export function progressLines({ view, progress, children }: Seen, eta: number | null): string[] {
  const stage = progress === null ? 'waiting for a worker' : stageTitles[progress.stage];
  const isParent = (progress?.children.length ?? 0) > 0;
  const errors = (progress?.validationErrors ?? []).filter((error): error is number => error !== null);
  const last = errors.at(-1);
  const counted =
    progress === null || (progress.epoch === 0 && !isParent)
      ? ''
      : isParent
        ? ` · ${progress.epoch} of ${progress.epochs} done`
        : ` · epoch ${progress.epoch} of ${progress.epochs} done`;
  const lines = [
    `${view.run}: ${stage}${counted}` +
      (last === undefined ? '' : ` · validation error ${percent(last)}`) +
      (progress?.stopRequested ? ' · stopping at a checkpoint' : ''),
  ];
  if (view.beat) lines.push(`  ${beatLine(view.beat, eta)}`);
  for (const child of children.filter(({ status }) => status === 'open'))
    lines.push(
      `  ${child.run}: ${child.beat ? beatLine(child.beat, children.length > 1 ? null : eta) : 'between two steps'}`,
    );
  for (const one of [view, ...children]) {
    if (one.status === 'open' && one.beat?.holdUp)
      lines.push(`  ${one.run}: held up, tried again: ${one.beat.holdUp.split('\n')[0]}`);
    if (one.retry)
      lines.push(
        `  ${one.run}: ${one.retry.activity}, attempt ${one.retry.attempt} after: ${one.retry.failure.split('\n')[0]}`,
      );
    if (one.workerFault)
      lines.push(`  ${one.run}: the worker fails on the workflow itself; see \`lodestone dev logs worker\``);
  }
  return lines;
}

export function beatLine(
  { phase, epoch, epochs, step, steps, imagesPerSecond, loss, pace }: Beat,
  eta: number | null,
): string {
  const filled = steps > 0 ? Math.round((BAR * Math.min(step, steps)) / steps) : 0;
  return [
    `${phase} ${epochs > 0 ? `epoch ${epoch}/${epochs}` : ''} [${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${step}/${steps}`,
    pace === null ? '' : `${rate(pace.stepsPerSecond)} steps/s`,
    imagesPerSecond === null ? '' : `${Math.round(imagesPerSecond)} img/s`,
    loss === null ? '' : `loss ${loss.toFixed(3)}`,
    eta === null ? '' : `about ${duration(eta)} left`,
    pace === null ? '' : `waiting ${percent(pace.waitShare)}`,
    pace === null ? '' : `memory ${bytesText(pace.residentBytes)} (peak ${bytesText(pace.peakBytes)})`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

/** What an epoch cost, or a run. */
export function speedLine({
  stepsPerSecond,
  imagesPerSecond,
  waitShare,
  peakMemoryBytes,
  tensors,
  compileSeconds,
  warmUpSeconds,
}: SpeedFigures): string {
  return [
    stepsPerSecond === null ? '' : `${rate(stepsPerSecond)} steps/s`,
    imagesPerSecond === null ? '' : `${Math.round(imagesPerSecond)} img/s`,
    waitShare === null ? '' : `waiting ${percent(waitShare)}`,
    `peak memory ${bytesText(peakMemoryBytes)}`,
    `${tensors} tensors`,
    `compiling ${secondsText(compileSeconds)}`,
    `first runs ${secondsText(warmUpSeconds)}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

/** Estimates the time left from how the share of steps grows, phase by phase. */
export class Eta {
  private phase = '';
  private firstShare = 0;
  private firstMs = 0;

  /** @returns seconds left of the phase under way; null while too little is known */
  seen(beat: Beat | null, nowMs: number): number | null {
    if (beat === null || beat.steps <= 0) return null;
    const whole = Math.max(1, beat.epochs);
    const share = (Math.max(0, beat.epoch - 1) + Math.min(1, beat.step / beat.steps)) / whole;
    if (beat.phase !== this.phase || share < this.firstShare) {
      this.phase = beat.phase;
      this.firstShare = share;
      this.firstMs = nowMs;
      return null;
    }
    const grown = share - this.firstShare;
    const seconds = (nowMs - this.firstMs) / 1000;
    return grown <= 0.002 || seconds < 3 ? null : (seconds / grown) * Math.max(0, 1 - share);
  }
}

/** Draws a block in place on a terminal; elsewhere the first line changes make a line, at most every few seconds. */
export class LiveView {
  private drawn = 0;
  private lastText = '';
  private lastMs = -Infinity;

  constructor(private readonly stream: OutputStream) {}

  show(lines: readonly string[], nowMs: number): void {
    if (this.stream.isTTY) {
      const width = this.stream.columns ?? 100;
      this.clear();
      this.stream.write(lines.map((line) => `${line.slice(0, width - 1)}\n`).join(''));
      this.drawn = lines.length;
      return;
    }
    const text = lines.map((line) => line.trim()).join(' | ');
    if (text === this.lastText || nowMs - this.lastMs < PLAIN_EVERY_MS) return;
    this.lastText = text;
    this.lastMs = nowMs;
    this.stream.write(`${text}\n`);
  }

  /** Takes the block away, so that other text can be written. */
  clear(): void {
    if (this.drawn > 0) this.stream.write(`\u001b[${this.drawn}A\u001b[0J`);
    this.drawn = 0;
  }
}

function rate(stepsPerSecond: number): string {
  return String(Number(stepsPerSecond.toPrecision(3)));
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
