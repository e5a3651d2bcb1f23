/**
 * One text and one digest for one value, whatever the order in which it was built: what manifests are written as and
 * named by. Not for workflow code, which has no node:crypto.
 */
import { createHash } from 'node:crypto';
import { LodestoneError } from '../errors';

/** Keys sorted at every depth, no white space. Throws on NaN and infinities, which JSON would turn into null. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (typeof inner === 'number' && !Number.isFinite(inner)) {
      throw new LodestoneError(
        'NumericalDivergence',
        `${key || '(top)'}: got ${inner}, must be finite to be stored. Something that computed it diverged.`,
      );
    }
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The digest of a value's canonical JSON: names configurations, and the inputs that a result came from (S5). */
export function digestOf(value: unknown): string {
  return sha256Hex(Buffer.from(canonicalJson(value)));
}
