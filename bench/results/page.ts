/** docs/results.json, what was measured, and docs/results.md, the page made of it. Does not know how it was measured. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processors } from '../support/machine';
import { root } from './product';

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a group of trials gave. */
export interface Measured {
  readonly tables: readonly Table[];
  /** Sentences under the tables. */
  readonly findings: readonly string[];
  readonly commands: readonly string[];
}

interface Section extends Measured {
  readonly title: string;
  readonly date: string;
  readonly machine: string;
}

const jsonPath = join(root, 'docs/results.json');

/** Puts a group's section into the page in place of its last one; the others stay. */
export function keep(group: string, title: string, measured: Measured, order: readonly string[]): void {
  const kept = (existsSync(jsonPath) ? JSON.parse(readFileSync(jsonPath, 'utf8')) : {}) as Record<string, Section>;
  kept[group] = { title, date: new Date().toISOString().slice(0, 10), machine: machine(), ...measured };
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(jsonPath, `${JSON.stringify(kept, null, 2)}\n`);
  writeFileSync(join(root, 'docs/results.md'), page(order.flatMap((name) => (name in kept ? [kept[name]] : []))));
}

function page(sections: readonly Section[]): string {
  return [
    '# Results',
    '',
    'Made by `npm run results` through the product itself: every figure is from the JSON that the commands below it',
    'print. Test error in percent unless said, mean ± sample standard deviation.',
    '',
    ...sections.flatMap(({ title, date, machine, tables, findings, commands }) => [
      `## ${title}`,
      '',
      `${date}, ${machine}.`,
      '',
      ...tables.flatMap(({ caption, head, rows }) => [
        caption,
        '',
        tableRow(head),
        tableRow(head.map(() => '---')),
        ...rows.map(tableRow),
        '',
      ]),
      ...(findings.length > 0 ? [...findings.map((finding) => `- ${finding}`), ''] : []),
      '```sh',
      ...new Set(commands),
      '```',
      '',
    ]),
  ].join('\n');
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function machine(): string {
  return `${processors()}, Node ${process.versions.node}`;
}
