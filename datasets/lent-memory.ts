/**
 * Memory that is lent and lent again. Files are megabytes and come by the hundred a second: dropped each time, they would have V8
 * look through its whole heap again and again for what else is free. What nobody borrows is held weakly, so that it goes when V8
 * looks anyway.
 */
export class LentMemory {
  private idle: WeakRef<Buffer>[] = [];

  /** @returns memory of at least that size that nobody else has; what is in it is not defined */
  borrow(bytes: number): Buffer {
    const idle = this.present().sort((a, b) => a.length - b.length);
    const place = idle.findIndex(({ length }) => length >= bytes);
    const [fits] = place < 0 ? [] : idle.splice(place, 1);
    if (fits === undefined) idle.shift(); // the smallest: there are never more pieces than borrowers at once
    this.idle = idle.map((memory) => new WeakRef(memory));
    return fits ?? Buffer.allocUnsafeSlow(roundedUp(bytes));
  }

  /** What is never given back is collected like anything else. */
  giveBack(memory: Buffer): void {
    const idle = this.present();
    if (idle.includes(memory)) throw new Error('lent memory: given back twice. This is a fault in lodestone.');
    this.idle.push(new WeakRef(memory));
  }

  private present(): Buffer[] {
    return this.idle.flatMap((held) => held.deref() ?? []);
  }
}

const SMALLEST = 64 * 1024;

/** By at most a quarter, so that the next one, which is a little larger, fits too. */
function roundedUp(bytes: number): number {
  const step = 2 ** Math.floor(Math.log2(Math.max(SMALLEST, bytes))) / 4;
  return Math.max(SMALLEST, Math.ceil(bytes / step) * step);
}
