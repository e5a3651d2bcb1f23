/**
 * Memory that is lent and lent again. Files are megabytes and come by the hundred a second: dropped each time, they would have V8
 * look through its whole heap again and again for what else is free.
 */
import { setFlagsFromString } from 'node:v8';

/** In percent of what is live; V8 chooses about 100 for a heap as small as a worker's. */
const GARBAGE = 200;

/**
 * For a process that decodes. What sharp returns cannot be lent, a quarter of a megabyte a photo, and V8 marks its whole heap as soon
 * as about as much garbage has gathered as is live: every 90 photos, which took 5 % of the processor. Holds for the process.
 */
export function letGarbageGather(): void {
  setFlagsFromString(`--heap-growing-percent=${GARBAGE}`);
}

/** How long memory is kept at least that nobody borrows: longer than between two files or shards of a work that goes on. */
const KEPT_MS = 1000;

export class LentMemory {
  private idle: { readonly memory: Buffer; readonly sinceMs: number }[] = [];
  private timer: NodeJS.Timeout | null = null;

  /** @returns memory of at least that size that nobody else has; what is in it is not defined */
  borrow(bytes: number): Buffer {
    // Of equal pieces the last that was given back: what is beyond need then comes of age.
    this.idle.sort((a, b) => a.memory.length - b.memory.length || b.sinceMs - a.sinceMs);
    const place = this.idle.findIndex(({ memory }) => memory.length >= bytes);
    if (place >= 0) return this.idle.splice(place, 1)[0].memory;
    this.idle.shift(); // the smallest: there are never more pieces than borrowers at once
    return Buffer.allocUnsafeSlow(roundedUp(bytes));
  }

  /** What is never given back is collected like anything else. */
  giveBack(memory: Buffer): void {
    if (this.idle.some((idle) => idle.memory === memory))
      throw new Error('lent memory: given back twice. This is a fault in lodestone.');
    this.idle.push({ memory, sinceMs: performance.now() });
    this.letGoLater();
  }

  private letGoLater(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      const now = performance.now();
      this.idle = this.idle.filter(({ sinceMs }) => now - sinceMs < KEPT_MS);
      if (this.idle.length > 0) this.letGoLater();
    }, KEPT_MS).unref();
  }
}

const SMALLEST = 64 * 1024;

/** By at most a quarter, so that the next one, which is a little larger, fits too. */
function roundedUp(bytes: number): number {
  const step = 2 ** Math.floor(Math.log2(Math.max(SMALLEST, bytes))) / 4;
  return Math.max(SMALLEST, Math.ceil(bytes / step) * step);
}
