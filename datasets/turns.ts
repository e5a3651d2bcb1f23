/** Work that may run beside other work, or alone. Who asks to be alone waits for what is under way; who asks later waits for that. */
export class Turns {
  private underWay = 0;
  private taken: Promise<void> | null = null;
  private onIdle = (): void => undefined;

  async beside<R>(work: () => Promise<R>): Promise<R> {
    while (this.taken !== null) await this.taken;
    this.underWay += 1;
    try {
      return await work();
    } finally {
      this.underWay -= 1;
      if (this.underWay === 0) this.onIdle();
    }
  }

  async alone<R>(work: () => Promise<R>): Promise<R> {
    while (this.taken !== null) await this.taken;
    let end = (): void => undefined;
    this.taken = new Promise((resolve) => (end = resolve));
    try {
      if (this.underWay > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
      return await work();
    } finally {
      this.taken = null;
      end();
    }
  }
}
