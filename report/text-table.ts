/**
 * Results on a terminal: plain text in columns, aligned by how wide characters are shown, safe to print.
 */
import { type Readout, type RunResult } from '../config/artifacts';
import { comparisonRows, type ComparisonCell, type ComparisonRow } from './comparison-rows';
import { type RecoveryFigures } from './inputs';
import { counted, meanAndSpread, objectiveTitles, percent, percentOrDash, readoutTitles, settingText } from './wording';

/** Objectives side by side: error@1 / error@5 of every read-out, the best of a row marked. */
export function comparisonTable(results: readonly RunResult[]): string {
  const rows = comparisonRows(results);
  const body = (['trained', 'fine'] as const).flatMap((group) => {
    const own = rows.filter((row) => row.group === group);
    if (own.length === 0) return [];
    return [[groupTitles[group]], ...own.map(comparisonLine), ...baselineLines(results, group)];
  });
  const table = textTable([['error@1 / @5', ...results.map(({ objective }) => objectiveTitles[objective])], ...body]);
  return results.length > 1 ? `${table}\n* best of its row` : table;
}

/** Mean ± standard deviation over pairings. */
export function recoveryTable(summary: readonly RecoveryFigures[]): string {
  return textTable([
    ['fine classes', 'pairings', 'error@1', 'error@5'],
    ...summary.map(({ objective, pairings, error1, error5 }) => [
      objectiveTitles[objective],
      String(pairings),
      pairings === 0 ? '–' : meanAndSpread(error1),
      pairings === 0 || error5 === null ? '–' : meanAndSpread(error5),
    ]),
  ]);
}

/** One run: its read-outs, retrieval and baselines. */
export function resultSummary({ run, objective, status, epochs, metrics, reproducibility }: RunResult): string {
  const lines = (['trained', 'fine'] as const).flatMap((group) => {
    const own = metrics.readouts.filter(({ labels }) => labels === group);
    const chosen = metrics[group];
    const baseline = (title: string, value: number | null): string[][] =>
      value === null ? [] : [[`  ${title}`, percent(value)]];
    if (own.length === 0) return [];
    return [
      [groupTitles[group]],
      ...own.map((readout) => readoutLine(readout, chosen)),
      ...baseline('raw pixels, 1-NN', metrics.baselines.rawPixels[group]),
      ...baseline('chance', metrics.baselines.chance[group]),
    ];
  });
  const table = textTable([['', 'error@1', 'error@5', 'setting chosen'], ...lines]);
  return `${printable(run)}: ${objectiveTitles[objective]}, ${status} after ${counted(epochs, 'epoch')}, ${reproducibility}\n${table}\n* headline`;
}

/** Columns padded to their widest cell, two spaces between them; a row of one cell is a heading and sets no width. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const safe = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of safe) {
    if (row.length > 1) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell))));
  }
  const padded = (cell: string, i: number) => cell + ' '.repeat(Math.max(0, widths[i] - displayWidth(cell)));
  return safe.map((row) => (row.length === 1 ? row[0] : row.map(padded).join('  ')).trimEnd()).join('\n');
}

/** Columns that a terminal gives a text: two for East Asian wide characters and emoji, none for marks and joiners. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Bopomofo}\u3000-\u303E\uFF01-\uFF60\uFFE0-\uFFE6]/u;

function graphemeWidth(grapheme: string): number {
  if (/^[\p{M}\p{Cf}]+$/u.test(grapheme)) return 0;
  return /\p{Emoji_Presentation}|\uFE0F/u.test(grapheme) || wide.test(grapheme) ? 2 : 1;
}

/** Without what could move the cursor, colour the terminal or turn the line round. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD').replaceAll(/[\u00A0\u202F]/g, ' ');
}

const groupTitles = { trained: 'labels as trained', fine: 'finer labels, never trained on' } as const;

function comparisonLine({ title, cells }: ComparisonRow): string[] {
  return [`  ${title}`, ...cells.map(cellText)];
}

function cellText(cell: ComparisonCell | null): string {
  if (cell === null) return '–';
  const five = cell.at5 === null ? '' : ` / ${percent(cell.at5)}`;
  return `${percent(cell.at1)}${five}${cell.best ? ' *' : ''}`;
}

function baselineLines(results: readonly RunResult[], group: 'trained' | 'fine'): string[][] {
  const line = (title: string, of: 'rawPixels' | 'chance'): string[] => [
    `  ${title}`,
    ...results.map(({ metrics }) => percentOrDash(metrics.baselines[of][group])),
  ];
  return [line('raw pixels, 1-NN', 'rawPixels'), line('chance', 'chance')];
}

function readoutLine(readout: Readout, chosen: Readout | null): string[] {
  const { name, split, error1, error5 } = readout;
  const headline = chosen !== null && chosen.name === name && chosen.split === split ? ' *' : '';
  const where = split === 'validation' ? ' (validation)' : '';
  return [
    `  ${readoutTitles[name]}${where}`,
    `${percent(error1)}${headline}`,
    percentOrDash(error5),
    settingText(readout),
  ];
}
