/** lodestone reference: writes docs/reference, or says which pages are not what the schemas say. For whoever changes a schema. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Context } from '../context';
import { referencePages } from '../reference';
import { projectRoot } from '../settings';

export function reference(
  context: Context,
  program: Command,
  { write }: { readonly write?: boolean | undefined },
): Promise<number> {
  const folder = join(projectRoot, 'docs/reference');
  const stale = stalePages(program, folder);
  if (write) {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of stale) writeFileSync(join(folder, name), text);
  }
  for (const [name] of stale)
    context.print(`${name}: ${write ? 'written' : 'is not current. Run: npx lodestone reference --write'}`);
  return Promise.resolve(write || stale.length === 0 ? 0 : 1);
}

export function stalePages(program: Command, folder: string): [name: string, text: string][] {
  return Object.entries(referencePages(program)).filter(([name, text]) => {
    const file = join(folder, name);
    return !existsSync(file) || readFileSync(file, 'utf8') !== text;
  });
}
