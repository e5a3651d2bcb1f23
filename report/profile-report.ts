/**
 * The page of a profile: where the time of training steps goes, part by part and op by op. Values in, HTML out.
 */
import { type NodeTime, type StepProfile } from '../config/profile';
import { speedFigures } from '../config/speed';
import { dataName, html, nothing, type Html } from './html';
import { renderPage } from './page';
import { gauge } from './parts/results-table';
import { environmentText, factsOf, timeTable } from './parts/speed';
import { timeline } from './parts/timeline';
import { bytesText, count, counted, figure, objectiveTitles, percent, secondsText } from './wording';

export interface ProfileInput {
  readonly run: string;
  readonly profile: StepProfile;
  readonly version: string;
}

const SLOWEST = 40;

export function renderProfile({ run, profile, version }: ProfileInput): string {
  const { nodes, speed } = profile;
  const figures = speedFigures([speed]);
  const traced = nodes === null ? [] : opSections(profile, nodes);
  return renderPage({
    title: run,
    kind: `Profile of training steps, ${phaseText(profile)}`,
    headline: headline(profile),
    version,
    sections: [
      {
        id: 'parts',
        title: 'Parts of a step',
        body: html`${figures === null ? nothing : factsOf(figures)} ${timeTable([speed])}
          <p class="soft small">
            ${objectiveTitles[profile.objective]}, ${profile.network}, ${count(profile.images)} images a step, in
            ${profile.precision}, ${profile.compiled ? 'compiled' : 'op by op'}. ${environmentText(profile.environment)}
          </p>`,
      },
      ...traced,
    ],
  });
}

function phaseText({ phase, epoch }: StepProfile): string {
  return `${phase === 'warm-start' ? 'warm start, ' : ''}epoch ${epoch}`;
}

function headline({ nodes, traced, speed }: StepProfile): Html {
  if (nodes === null)
    return html`The epoch had too few steps to trace one: the first of an attempt are left out, for they find cold
    caches.`;
  const kernels = sumOf(nodes);
  const [slowest] = opTable(nodes);
  const step = speed.seconds.step / Math.max(1, speed.steps - speed.firstRuns);
  return html`A step takes <strong>${secondsText(step)}</strong> of computing; the kernels of the one shown, the median
    of ${counted(traced, 'traced step')}, sum up to ${secondsText(kernels / 1e6)} in ${counted(nodes.length, 'op')}. The
    largest part, ${percent(slowest.micros / Math.max(1e-9, kernels))}, is ${slowest.op}.`;
}

function opSections(profile: StepProfile, nodes: readonly NodeTime[]): { id: string; title: string; body: Html }[] {
  const how = profile.compiled
    ? 'Times are TensorFlow’s own, of the compiled graph as its optimizer left it: some ops have been fused into others.'
    : 'Times are those of each call; a compiled step fuses ops and runs independent ones side by side.';
  const onGpu = nodes.some(({ device }) => /gpu/i.test(device));
  return [
    {
      id: 'ops',
      title: 'Ops',
      body: html`<p>
          ${how} Kernels of different threads overlap, so sums may exceed the time of the step.
          ${onGpu ? 'On a GPU a kernel appears more than once: where it is queued, and where it runs.' : ''}
        </p>
        ${opsPart(nodes)}`,
    },
    { id: 'slowest', title: `The ${count(Math.min(SLOWEST, nodes.length))} longest`, body: slowestPart(nodes) },
    { id: 'timeline', title: 'Timeline of one step', body: timeline(nodes) },
  ];
}

interface OpRow {
  readonly op: string;
  readonly device: string;
  readonly calls: number;
  readonly micros: number;
  readonly bytes: number;
}

/** By op and device, the longest first. */
function opTable(nodes: readonly NodeTime[]): OpRow[] {
  const rows = new Map<string, OpRow>();
  for (const { op, device, micros, bytes } of nodes) {
    const key = `${op} ${device}`;
    const row = rows.get(key) ?? { op, device, calls: 0, micros: 0, bytes: 0 };
    rows.set(key, { ...row, calls: row.calls + 1, micros: row.micros + micros, bytes: row.bytes + bytes });
  }
  return [...rows.values()].sort((a, b) => b.micros - a.micros || (a.op < b.op ? -1 : 1));
}

function opsPart(nodes: readonly NodeTime[]): Html {
  const total = Math.max(1e-9, sumOf(nodes));
  return table(
    'Kernel time by op',
    ['Op', 'Device'],
    ['Calls', 'Time', 'Share', 'Output'],
    [
      ...opTable(nodes).map(({ op, device, calls, micros, bytes }) => ({
        name: op,
        words: [device],
        figures: [count(calls), microsText(micros), percent(micros / total), bytesText(bytes)],
        share: micros / total,
      })),
    ],
  );
}

function slowestPart(nodes: readonly NodeTime[]): Html {
  const total = Math.max(1e-9, sumOf(nodes));
  const slowest = [...nodes].sort((a, b) => b.micros - a.micros).slice(0, SLOWEST);
  return table(
    'Single ops by kernel time',
    ['Node', 'Op', 'Shape of its output'],
    ['Time', 'Share'],
    [
      ...slowest.map(({ node, op, shape, micros }) => ({
        name: node,
        words: [op, shape === null ? '–' : `[${shape.join(', ')}]`],
        figures: [microsText(micros), percent(micros / total)],
        share: micros / total,
      })),
    ],
  );
}

interface Row {
  readonly name: string;
  readonly words: readonly string[];
  readonly figures: readonly string[];
  readonly share: number;
}

function table(caption: string, words: readonly string[], figures: readonly string[], rows: readonly Row[]): Html {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${words.map((title) => html`<th scope="col">${title}</th>`)}
          ${figures.map((title) => html`<th scope="col" class="number">${title}</th>`)}
          <th scope="col" class="wide"><span class="hidden">Share as a bar</span></th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${dataName(row.name)}</th>
              ${row.words.map((word) => html`<td>${dataName(word)}</td>`)}
              ${row.figures.map((value) => html`<td class="number">${value}</td>`)}
              <td class="scale wide">${gauge(row.share)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function microsText(micros: number): string {
  return micros < 1000 ? `${figure(Number(micros.toPrecision(3)))}\u00A0µs` : secondsText(micros / 1e6);
}

function sumOf(nodes: readonly NodeTime[]): number {
  return nodes.reduce((sum, { micros }) => sum + micros, 0);
}
