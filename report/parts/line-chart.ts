/**
 * A line chart as inline SVG: axes, grid, lines, marks on the step axis. Colours come from the style sheet by class, so
 * that they follow light and dark; every colour has a dash pattern of its own as well, so that nothing depends on colour.
 */
import { type ObjectiveName } from '../../config/objective';
import { html, nothing, type Html } from '../html';
import { count } from '../wording';
import { thinned, type Points } from './thinning';

export interface Series {
  readonly colour: ObjectiveName | 'warm';
  readonly points: Points;
  /** raw: faint, behind the others; dots: a line with a dot at each point. */
  readonly look: 'raw' | 'line' | 'dots';
}

/** Places on the x axis. */
export interface ChartMarks {
  readonly refreshes: readonly number[];
  readonly resumes: readonly number[];
  /** Where the warm start ends; null: nowhere in this chart. */
  readonly boundary: number | null;
}

export const noMarks: ChartMarks = { refreshes: [], resumes: [], boundary: null };

export interface LineChart {
  readonly title: string;
  readonly note: string;
  /** What the chart shows, for those who do not see it. */
  readonly summary: string;
  readonly xLabel: string;
  readonly format: (value: number) => string;
  readonly series: readonly Series[];
  readonly marks: ChartMarks;
}

export const dashes: Readonly<Record<Series['colour'], string>> = {
  magnet: 'none',
  triplet: '7 3.5',
  softmax: '2 3.5',
  warm: '9 3 2 3',
};

const width = 400;
const height = 240;
const plot = { left: 48, right: 392, top: 10, bottom: 196 };
/** Two points and the ends of each: at most 600 points a line. */
const buckets = 299;

export function lineChart({ title, note, summary, xLabel, format, series, marks }: LineChart): Html {
  const drawn = series.map((one) => ({ ...one, points: thinned(one.points.filter(isFinitePoint), buckets) }));
  const all = drawn.flatMap(({ points }) => points);
  const caption = html`<figcaption>${title}<span>${note}</span></figcaption>`;
  if (all.length === 0) {
    return html`<figure class="chart">
      ${caption}
      <p class="soft">Nothing was recorded.</p>
    </figure>`;
  }
  const xAxis = stepAxis(all.map(([x]) => x));
  const yAxis = valueAxis(all.map(([, y]) => y));
  const x = (value: number): number => place(value, xAxis, plot.left, plot.right);
  const y = (value: number): number => place(value, yAxis, plot.bottom, plot.top);
  const pathOf = (points: Points): string =>
    points.map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${x(px)} ${y(py)}`).join('');
  const lineOf = ({ colour, points, look }: Series): Html =>
    html`<path
        class="${look === 'raw' ? 'raw' : 'line'} s-${colour}"
        stroke-dasharray="${look === 'raw' ? 'none' : dashes[colour]}"
        d="${pathOf(points)}"
      />${
        look === 'dots'
          ? points.map(([px, py]) => html`<circle class="f-${colour}" cx="${x(px)}" cy="${y(py)}" r="2.8" />`)
          : nothing
      }`;
  const backToFront = [...drawn.filter(({ look }) => look === 'raw'), ...drawn.filter(({ look }) => look !== 'raw')];

  return html`<figure class="chart">
    ${caption}
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${summary}">
      ${yAxis.ticks.map(
        (tick) =>
          html`<path class="grid" d="M${plot.left} ${y(tick)}H${plot.right}" />
            <text x="${plot.left - 7}" y="${y(tick) + 4}" text-anchor="end">${format(tick)}</text>`,
      )}
      ${xAxis.ticks.map((tick) => html`<text x="${x(tick)}" y="${plot.bottom + 18}" text-anchor="middle">${count(tick)}</text>`)}
      <path class="axis" d="M${plot.left} ${plot.bottom}H${plot.right}" />
      <text x="${(plot.left + plot.right) / 2}" y="${height - 5}" text-anchor="middle">${xLabel}</text>
      ${backToFront.map(lineOf)} ${drawMarks(marks, x)}
    </svg>
  </figure>`;
}

/** A refresh is a tick at the axis, as there is one each epoch; a resume crosses the plot under an arrow head. */
function drawMarks({ refreshes, resumes, boundary }: ChartMarks, x: (value: number) => number): Html {
  return html`${boundary === null ? nothing : html`<path class="axis" d="M${x(boundary)} ${plot.top}V${plot.bottom}" />`}
  ${refreshes.map((step) => html`<path class="refresh" d="M${x(step)} ${plot.bottom - 9}V${plot.bottom}" />`)}
  ${resumes.map(
    (step) =>
      html`<path class="resume" d="M${x(step)} ${plot.top + 7}V${plot.bottom}" />
        <path class="resume-head" d="M${x(step) - 5} ${plot.top}h10l-5 8z" />`,
  )}`;
}

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}

/** From the first step to the last, ticks at whole round numbers. */
function stepAxis(values: readonly number[]): Axis {
  const [from, last] = extent(values);
  const to = Math.max(last, from + 1);
  return { from, to, ticks: multiples(Math.max(1, roundStep(to - from)), from, to) };
}

/** From 0, or lower where a value is, to the first round number above all. */
function valueAxis(values: readonly number[]): Axis {
  const [low, high] = extent([0, ...values]);
  const step = roundStep(high > low ? high - low : 1);
  const from = Math.floor(low / step) * step;
  const to = Math.max(Math.ceil(high / step - 1e-9) * step, from + step);
  return { from, to, ticks: multiples(step, from, to) };
}

/** 1, 2 or 5 times a power of ten, at most six times in the span. */
function roundStep(span: number): number {
  const power = 10 ** Math.floor(Math.log10(span / 6));
  return ([1, 2, 5].find((factor) => factor * power * 6 >= span) ?? 10) * power;
}

function multiples(step: number, from: number, to: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function place(value: number, { from, to }: Axis, start: number, end: number): number {
  return Math.round((start + ((value - from) / (to - from)) * (end - start)) * 10) / 10;
}

/** By a loop: a curve may have more points than a call may have arguments. */
function extent(values: readonly number[]): readonly [low: number, high: number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

function isFinitePoint([x, y]: readonly [number, number]): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}
