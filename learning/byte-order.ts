/** The order in which names are numbered and records stand. */

/** Order of the UTF-8 bytes, the same in every locale. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
