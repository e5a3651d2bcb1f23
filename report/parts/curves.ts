/** Loss, error and validation error of one or more runs as charts under one legend. */
import { type CurveRow } from '../../config/artifacts';
import { type ObjectiveName } from '../../config/objective';
import { html, nothing, type Html } from '../html';
import { type CurvePoint } from '../inputs';
import { count, figure, objectiveTitles, percent, percentTick } from '../wording';
import { dashes, lineChart, noMarks, type ChartMarks, type Series } from './line-chart';
import { smoothed, type Points } from './thinning';

export interface CurveOfRun {
  readonly objective: ObjectiveName;
  readonly curve: readonly CurvePoint[];
  readonly validationErrors: readonly (number | null)[];
}

/** The warm start is drawn once, from the first run: it is the same for all. Marks count steps of the train phase. */
export function curveCharts(runs: readonly CurveOfRun[], steps: Pick<ChartMarks, 'refreshes' | 'resumes'>): Html {
  const warmSteps = lastStep(runs[0]?.curve ?? [], 'warm-start');
  const marks: ChartMarks = {
    refreshes: steps.refreshes.map((step) => step + warmSteps),
    resumes: steps.resumes.map((step) => step + warmSteps),
    boundary: warmSteps > 0 ? warmSteps : null,
  };
  const perStep = (
    title: string,
    value: (row: CurveRow) => number,
    format: (value: number) => string,
    tick = format,
  ): Html =>
    lineChart({
      title,
      note: 'per iteration; faint: each batch, strong: moving average',
      summary: `${title} per iteration. ${runs.map((run) => courseOf(run, value, format)).join(' ')}`,
      xLabel: 'iteration',
      format: tick,
      series: seriesOf(runs, warmSteps, value),
      marks,
    });
  const charts = [
    perStep('Loss', (row) => row.loss, figure),
    perStep('Batch error', (row) => row.error, percent, percentTick),
    validationChart(runs),
  ];
  return html`<div class="charts">${charts}</div>
    ${legend(runs, marks)}`;
}

function seriesOf(runs: readonly CurveOfRun[], warmSteps: number, value: (row: CurveRow) => number): Series[] {
  const pointsOf = (curve: readonly CurvePoint[], phase: CurvePoint['phase'], offset: number): Points =>
    curve.filter((row) => row.phase === phase).map((row) => [row.step + offset, value(row)]);
  const pair = (colour: Series['colour'], points: Points): Series[] =>
    points.length === 0
      ? []
      : [
          { colour, points, look: 'raw' },
          { colour, points: smoothed(points), look: 'line' },
        ];
  return [
    ...pair('warm', pointsOf(runs[0]?.curve ?? [], 'warm-start', 0)),
    ...runs.flatMap(({ objective, curve }) => pair(objective, pointsOf(curve, 'train', warmSteps))),
  ];
}

function validationChart(runs: readonly CurveOfRun[]): Html {
  const series = runs.flatMap(({ objective, validationErrors }): Series[] => {
    const points = validationErrors.flatMap((error, i): Points => (error === null ? [] : [[i, error]]));
    return points.length === 0 ? [] : [{ colour: objective, points, look: 'dots' }];
  });
  if (series.length === 0) {
    return html`<p class="soft">There were no validation records, so there is no validation error per epoch.</p>`;
  }
  const ends = series.map(
    ({ colour, points }) =>
      `${runs.length > 1 ? `${colour}: ` : ''}${percent(points[0][1])} after epoch ${points[0][0]}, ` +
      `${percent(points[points.length - 1][1])} after epoch ${points[points.length - 1][0]}.`,
  );
  return lineChart({
    title: 'Validation error',
    note: 'labels as trained, after each epoch; 0 is the warm start',
    summary: `Validation error per epoch. ${ends.join(' ')}`,
    xLabel: 'epoch',
    format: percentTick,
    series,
    marks: noMarks,
  });
}

function legend(runs: readonly CurveOfRun[], { refreshes, resumes, boundary }: ChartMarks): Html {
  const swatch = (drawing: Html): Html =>
    html`<svg width="28" height="14" viewBox="0 0 28 14" aria-hidden="true">${drawing}</svg>`;
  const line = (colour: Series['colour']): Html =>
    swatch(html`<path class="line s-${colour}" stroke-dasharray="${dashes[colour]}" d="M1 7H27" />`);
  return html`<ul class="legend">
    ${boundary === null ? nothing : html`<li>${line('warm')}warm start (softmax), ${count(boundary)} iterations</li>`}
    ${runs.map(({ objective }) => html`<li>${line(objective)}${objectiveTitles[objective]}</li>`)}
    ${
      refreshes.length === 0
        ? nothing
        : html`<li>
            ${swatch(html`<path class="refresh" d="M14 3V12" />`)}index refreshed (${count(refreshes.length)})
          </li>`
    }
    ${
      resumes.length === 0
        ? nothing
        : html`<li>
            ${swatch(html`<path class="resume-head" d="M9 0h10l-5 7z" /><path class="resume" d="M14 5V14" />`)}resumed
            after an interruption (${count(resumes.length)})
          </li>`
    }
  </ul>`;
}

function lastStep(curve: readonly CurvePoint[], phase: CurvePoint['phase']): number {
  return curve.reduce((last, row) => (row.phase === phase ? Math.max(last, row.step) : last), 0);
}

function courseOf(
  { objective, curve }: CurveOfRun,
  value: (row: CurveRow) => number,
  format: (value: number) => string,
): string {
  const trained = smoothed(curve.filter(({ phase }) => phase === 'train').map((row) => [row.step, value(row)]));
  if (trained.length === 0) return `${objectiveTitles[objective]}: no iterations.`;
  const first = format(trained[0][1]);
  const last = format(trained[trained.length - 1][1]);
  return `${objectiveTitles[objective]}: from ${first} to ${last} over ${count(trained.length)} iterations.`;
}
