/** A small set of real photos for end-to-end tests: a few fruits of three coarse classes, copied with their table. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const fruits = resolve(__dirname, '../../../shared/datasets/fruits360_3body');
export const fruitsAreHere = existsSync(join(fruits, 'metadata.csv'));

/** Copies up to `perVariety` images of each of the first varieties of every coarse class. @returns images copied */
export async function copyFruits(target: string, varieties: number, perVariety: number): Promise<number> {
  const [header, ...lines] = (await readFile(join(fruits, 'metadata.csv'), 'utf8')).trim().split(/\r?\n/);
  const column = (name: string): number => header.split(',').indexOf(name);
  const taken = new Map<string, Map<string, string[]>>();
  for (const line of lines) {
    const cells = line.split(',');
    const ofCoarse = taken.get(cells[column('coarse')]) ?? new Map<string, string[]>();
    taken.set(cells[column('coarse')], ofCoarse);
    const variety = cells[column('fine')];
    if (!ofCoarse.has(variety) && ofCoarse.size >= varieties) continue;
    const rows = ofCoarse.get(variety) ?? [];
    ofCoarse.set(variety, rows);
    rows.push(line);
  }
  const kept: string[] = [];
  for (const ofCoarse of taken.values()) {
    for (const rows of ofCoarse.values()) {
      const every = Math.max(1, Math.floor(rows.length / perVariety)); // spread, so that every split is met
      kept.push(...rows.filter((_, i) => i % every === 0).slice(0, perVariety));
    }
  }
  for (const line of kept) {
    const path = line.split(',')[column('path')];
    await mkdir(dirname(join(target, path)), { recursive: true });
    await copyFile(join(fruits, path), join(target, path));
  }
  await writeFile(join(target, 'metadata.csv'), [header, ...kept].join('\n') + '\n');
  return kept.length;
}
