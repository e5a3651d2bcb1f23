/**
 * A line chart as inline SVG: axes, grid, lines with a legend, marks on the step axis. Colours come from the style sheet
 * by class; every line has a dash pattern of its own as well, so that none depends on colour.
 */
import { count } from './format';
import { html, type Html } from './html';
import { type Point } from './series';

export interface Line {
  readonly label: string;
  /** 1 to 4: colour and dash pattern. */
  readonly tone: 1 | 2 | 3 | 4;
  readonly points: readonly Point[];
  /** Drawn faint behind the line; may be empty. */
  readonly raw: readonly Point[];
  /** Each point is a measurement of its own: shown as a dot. */
  readonly dots: boolean;
}

export interface Mark {
  readonly kind: 'refresh' | 'resume';
  readonly x: number;
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly unit: 'percent' | 'number';
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
  /** One sentence below the chart. */
  readonly note: string;
}

const WIDTH = 460;
const HEIGHT = 250;
const PLOT = { left: 46, right: 450, top: 10, bottom: 212 };

export function lineChart(chart: LineChart): Html {
  const drawn = chart.lines.flatMap(({ points, raw }) => [...points, ...raw]);
  if (drawn.length === 0) {
    return html`<figure class="chart">
      <figcaption><h3>${chart.title}</h3></figcaption>
      <p class="quiet">Nothing was recorded.</p>
    </figure>`;
  }
  const percent = chart.unit === 'percent';
  const xTicks = ticks(extent(drawn.map(({ x }) => x)), true);
  const yTicks = ticks(extent([0, ...drawn.map(({ y }) => (percent ? y * 100 : y))]), false);
  const x = scale(xTicks, PLOT.left, PLOT.right);
  const yOf = scale(yTicks, PLOT.bottom, PLOT.top);
  const y = (value: number): number => yOf(percent ? value * 100 : value);
  const path = (points: readonly Point[]): string =>
    points.map((point, at) => `${at === 0 ? 'M' : 'L'}${round(x(point.x))} ${round(y(point.y))}`).join('');

  return html`<figure class="chart">
    <figcaption>
      <h3>${chart.title}</h3>
      ${legend(chart)}
    </figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${description(chart)}">
      ${yTicks.values.map(
        (value) =>
          html`<line
              class="grid"
              x1="${PLOT.left}"
              x2="${PLOT.right}"
              y1="${round(yOf(value))}"
              y2="${round(yOf(value))}"
            />
            <text class="tick" text-anchor="end" x="${PLOT.left - 6}" y="${round(yOf(value) + 4)}"
              >${tickText(value)}${percent ? ' %' : ''}</text
            >`,
      )}
      ${xTicks.values.map((value) => html`<text class="tick" text-anchor="middle" x="${round(x(value))}" y="${PLOT.bottom + 17}">${tickText(value)}</text>`)}
      <line class="axis" x1="${PLOT.left}" x2="${PLOT.right}" y1="${PLOT.bottom}" y2="${PLOT.bottom}" />
      <text class="tick" text-anchor="middle" x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 3}">
        ${chart.xLabel}
      </text>
      ${chart.lines.map((line) => (line.raw.length === 0 ? null : html`<path class="raw tone-${line.tone}" d="${path(line.raw)}" />`))}
      ${chart.lines.map(
        (line) =>
          html`<path class="trend tone-${line.tone}" d="${path(line.points)}" />
            ${line.dots ? line.points.map((point) => html`<circle class="dot tone-${line.tone}" r="2.6" cx="${round(x(point.x))}" cy="${round(y(point.y))}" />`) : null}`,
      )}
      ${chart.marks.map((mark) => drawMark(mark, x(mark.x)))}
    </svg>
    <p class="quiet">${chart.note}</p>
  </figure>`;
}

/** A refresh is a short tick on the axis, for there is one an epoch; a resume crosses the plot. */
function drawMark({ kind, x: step }: Mark, x: number): Html {
  const top = kind === 'refresh' ? PLOT.bottom - 9 : PLOT.top + 8;
  const what = kind === 'refresh' ? 'index refreshed' : 'resumed';
  return html`<g class="mark ${kind}"
    ><title>${what} at step ${count(step)}</title
    ><line x1="${round(x)}" x2="${round(x)}" y1="${top}" y2="${PLOT.bottom}" />${
      kind === 'resume' ? html`<path d="M${round(x - 5)} ${PLOT.top}h10l-5 8z" />` : null
    }</g
  >`;
}

function legend({ lines, marks }: LineChart): Html {
  const kinds = new Set(marks.map(({ kind }) => kind));
  return html`<ul class="legend">
    ${
      lines.length > 1
        ? lines.map(
            (line) =>
              html`<li>
                <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
                  <path class="trend tone-${line.tone}" d="M0 5H26" /></svg
                >${line.label}
              </li>`,
          )
        : null
    }
    ${
      kinds.has('refresh')
        ? html`<li>
            <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
              <g class="mark refresh"><line x1="13" x2="13" y1="0" y2="10" /></g></svg
            >index refresh
          </li>`
        : null
    }
    ${
      kinds.has('resume')
        ? html`<li>
            <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
              <g class="mark resume"><path d="M8 1h10l-5 8z" /></g></svg
            >resume
          </li>`
        : null
    }
  </ul>`;
}

/** For those who do not see the chart: where each line begins and ends. */
function description({ title, lines, marks, unit }: LineChart): string {
  const figure = (value: number): string =>
    unit === 'percent' ? `${(value * 100).toFixed(1)} %` : value.toPrecision(3);
  const journeys = lines
    .filter(({ points }) => points.length > 0)
    .map(({ label, points }) => `${label} from ${figure(points[0].y)} to ${figure(points[points.length - 1].y)}`);
  const resumes = marks.filter(({ kind }) => kind === 'resume').length;
  return `${title}: ${journeys.join('; ')}${resumes > 0 ? `; resumed ${resumes} times` : ''}`;
}

interface Ticks {
  readonly from: number;
  readonly to: number;
  readonly values: readonly number[];
}

/** Round numbers: 4 to 8 steps of 1, 2 or 5 times a power of ten. The y axis ends on a tick, the step axis on the last step. */
function ticks([low, high]: readonly [number, number], ownEnds: boolean): Ticks {
  const span = high > low ? high - low : 1;
  const power = 10 ** Math.floor(Math.log10(span / 5));
  const fine = [1, 2, 5, 10].map((factor) => factor * power).find((step) => span / step <= 6) ?? span;
  const step = ownEnds ? Math.max(1, fine) : fine;
  const from = ownEnds ? low : Math.floor(low / step) * step;
  const to = ownEnds ? Math.max(high, low + 1) : Math.ceil((low + span) / step) * step;
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step + 1e-9);
  return { from, to, values: Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step) };
}

function scale({ from, to }: Ticks, start: number, end: number): (value: number) => number {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

/** Without spreading: a curve has more points than a call may have arguments. */
function extent(values: readonly number[]): readonly [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

const round = (value: number): number => Math.round(value * 10) / 10;

const tickText = (value: number): string =>
  Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(3)));
