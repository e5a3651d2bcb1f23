/** Parsing at the edges: zod in, one LodestoneError out that names each field, its value, the rule and the way out. */
import type { z } from 'zod';
import { LodestoneError, type FailureKind } from '../errors';
import { didYouMean } from './did-you-mean';

/**
 * @param what   the thing parsed, as the user knows it: "recipe quick.yaml", "workflow input"
 * @param kind   the failure where it does not fit
 */
export function parseAtEdge<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
  kind: FailureKind = 'InvalidConfig',
): z.output<S> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const complaints = parsed.error.issues.flatMap((issue) => explain(issue, schema));
  const shown = complaints.slice(0, 6).join('\n  ');
  const more = complaints.length > 6 ? `\n  and ${complaints.length - 6} more` : '';
  throw new LodestoneError(kind, `${what}:\n  ${shown}${more}`, { cause: parsed.error });
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType): string[] {
  const field = issue.path.join('.') || '(top)';
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const path = [...issue.path, key].join('.');
      return `${path}: there is no such key. ${didYouMean(key, known)}.`;
    });
  }
  const got = issue.input === undefined ? 'nothing' : shorten(JSON.stringify(issue.input));
  return [`${field}: got ${got}; ${issue.message}`];
}

/** The keys that an object schema allows at a path. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = unwrap(schema);
  for (const step of path) at = unwrap((at as { shape?: Record<string, unknown> }).shape?.[String(step)]);
  const shape = (at as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape ? Object.keys(shape) : [];
}

/** The schema below defaults, prefaults, nullables and optionals. */
function unwrap(schema: unknown): unknown {
  let at = schema as { def?: { innerType?: unknown } } | undefined;
  while (at?.def?.innerType !== undefined) at = at.def.innerType as typeof at;
  return at;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
