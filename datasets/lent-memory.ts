/**
 * Memory that is lent and lent again. Files are megabytes and come by the hundred a second: dropped each time, they would have V8
 * look through its whole heap again and again for what else is free.
 */
export class LentMemory {
  private readonly idle: Buffer[] = [];

  /** @param mostBytes of one piece that is kept for the next borrower */
  constructor(private readonly mostBytes: number) {}

  /** @returns memory of at least that size that nobody else has; what is in it is not defined */
  borrow(bytes: number): Buffer {
    const place = this.idle.findIndex(({ length }) => length >= bytes);
    if (place >= 0) return this.idle.splice(place, 1)[0];
    this.idle.pop(); // too small: let go, so that there are never more pieces than borrowers at once
    return Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(Math.max(SMALLEST, bytes))));
  }

  /** What is never given back is collected like anything else. */
  giveBack(memory: Buffer): void {
    if (memory.length <= this.mostBytes) this.idle.push(memory);
  }
}

const SMALLEST = 64 * 1024;
