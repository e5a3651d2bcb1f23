/**
 * What a process that died said of it on stderr. A native check that fails writes its reason first and then a stack of
 * addresses; a script writes its reason last. Knows text only.
 */

const KEPT = 4000;
/** A failed check of TensorFlow (F1126 … Check failed), an uncaught exception of C++, a reason of the loader or of V8. */
const REASON = /^F\d{4} |Check failed|^terminate called|what\(\)|^FATAL ERROR|cannot allocate|std::bad_alloc/i;

/** What TensorFlow logs in passing: a note on the log itself, information (I0000 …) and warnings (W0000 …). */
const PASSING = /^(WARNING: All log messages before absl|[IW]\d{4} )/;

export class LastWords {
  private reason = '';
  private end = '';

  add(text: string): void {
    this.end = (this.end + text).slice(-KEPT);
    const whole = this.end.slice(0, this.end.lastIndexOf('\n') + 1); // the rest of a line may be on its way
    if (this.reason === '') this.reason = linesOf(whole).find((line) => REASON.test(line)) ?? '';
  }

  /** One line; empty where nothing was said. */
  get line(): string {
    return this.reason || (linesOf(this.end).findLast((line) => !PASSING.test(line)) ?? '');
  }

  /** The last lines, all of them. */
  get text(): string {
    return this.end.trim();
  }
}

function linesOf(text: string): string[] {
  return text.trim().split('\n');
}
