/**
 * What set-up prints: a line when a step begins, when it has something to say and when it is done, with seconds since
 * the start. On a terminal one line at the bottom shows what is under way; elsewhere a sign of life every 20 s.
 */
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** The steps of one set-up. */
export class Progress {
  #out;
  #isTerminal;
  #start = performance.now();
  #underWay = new Map(); // title → what it last said
  #timer;
  #frame = 0;

  constructor(out = process.stderr) {
    this.#out = out;
    this.#isTerminal = out.isTTY === true;
  }

  /**
   * Runs one step. `work` gets `say(text, how)`; `how` = 'often' marks a text that only the bottom line shows.
   * A step that takes under half a second and says nothing prints nothing: a second set-up is quiet.
   */
  async step(title, work) {
    const begun = performance.now();
    let announced = false;
    const say = (text, how) => {
      announced = true;
      this.#underWay.set(title, text);
      if (how !== 'often') this.#line(`  ${title}: ${text}`);
    };
    this.#underWay.set(title, '');
    this.#timer ??= setInterval(() => this.#tick(), this.#isTerminal ? 100 : 20_000).unref();
    try {
      const result = await work(say);
      const seconds = (performance.now() - begun) / 1000;
      if (announced || seconds > 0.5) this.#line(`✓ ${title} (${seconds.toFixed(1)} s)`);
      return result;
    } catch (error) {
      this.#line(`✗ ${title}`);
      throw error;
    } finally {
      this.#underWay.delete(title);
      if (this.#underWay.size === 0) this.#stop();
    }
  }

  /** A line that belongs to no step. */
  note(text) {
    this.#line(text);
  }

  #line(text) {
    this.#clear();
    this.#out.write(`[${this.#elapsed()}] ${text}\n`);
  }

  #tick() {
    const status = [...this.#underWay].map(([title, said]) => (said === '' ? title : `${title}: ${said}`)).join(' · ');
    if (!this.#isTerminal) return this.#out.write(`[${this.#elapsed()}]   … ${status}\n`);
    this.#clear();
    this.#frame = (this.#frame + 1) % frames.length;
    this.#out.write(`${frames[this.#frame]} [${this.#elapsed()}] ${status}`.slice(0, (this.#out.columns ?? 80) - 1));
  }

  #clear() {
    if (this.#isTerminal) this.#out.write('\r\u001b[K');
  }

  #elapsed() {
    return `${((performance.now() - this.#start) / 1000).toFixed(1).padStart(5)} s`;
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clear();
  }
}
