/**
 * The page of one run. Values in, HTML out: the same input gives the same bytes.
 */
import { type Readout } from '../config/artifacts';
import { dataName, html, nothing, type Html } from './html';
import { type RunReportInput } from './inputs';
import { renderPage } from './page';
import { commandPart, digestsPart, recipePart, reproducibilityPart } from './parts/configuration';
import { curveCharts } from './parts/curves';
import { dataSetPart } from './parts/data-set';
import { gallery } from './parts/gallery';
import { confusionTable, neighbourExamples } from './parts/neighbours';
import { resultsTable } from './parts/results-table';
import { speedPart } from './parts/speed';
import { warningsPart } from './parts/warnings';
import { count, counted, objectiveTitles, percent, readoutTitles } from './wording';

export function renderRunReport(input: RunReportInput): string {
  const { run, result, evaluation, recipe, curve, refreshes, resumes, validationErrors, images } = input;
  const { objective } = result;
  const figures = html`${keyFacts(input)} ${warningsPart(evaluation.warnings)} ${resultsTable(evaluation)}`;
  const reproduction = html`${commandPart(input.command, 'this run')} ${reproducibilityPart(result)}
    <p>Seed ${recipe.seed}; splits drawn with seed ${recipe.data.splitSeed}.</p>
    ${recipePart(recipe)} ${digestsPart(result)}`;
  return renderPage({
    title: run,
    kind: `Run with the ${objectiveTitles[objective]} objective`,
    headline: headline(input),
    version: input.version,
    sections: [
      { id: 'results', title: 'Results', body: figures },
      {
        id: 'training',
        title: 'Training',
        body: curveCharts([{ objective, curve, validationErrors }], { refreshes, resumes }),
      },
      { id: 'clusters', title: 'Clusters inside each class', body: gallery(evaluation, images) },
      { id: 'neighbours', title: 'Nearest neighbours', body: neighbourExamples(evaluation, images) },
      { id: 'confusions', title: 'Most confused classes', body: confusionTable(evaluation) },
      { id: 'data', title: 'Data set', body: dataSetPart(input.dataSet, evaluation.counts) },
      { id: 'speed', title: 'Speed and memory', body: speedPart(input.speed) },
      { id: 'reproduce', title: 'Reproduce', body: reproduction },
    ],
  });
}

function headline({ result, evaluation }: RunReportInput): Html {
  const { counts, labels, headline: chosen, baselines } = evaluation;
  const stopped =
    result.status === 'stopped'
      ? html`Stopped after ${counted(result.epochs, 'epoch')}: these are the figures of that moment. `
      : nothing;
  const trained = html`Trained on ${counted(counts.train, 'image')} of ${counted(counts.classes, 'class', 'classes')}
    (${dataName(labels.trained)}), it errs on <strong>${percent(chosen.trained.error1)}</strong> of
    ${testName(chosen.trained)}${against(baselines.rawPixels.trained, baselines.chance.trained)}.`;
  if (chosen.fine === null || labels.fine === null || counts.fineClasses === null) return html`${stopped}${trained}`;
  return html`${stopped}${trained} The ${counted(counts.fineClasses, 'finer class', 'finer classes')} of
    ${dataName(labels.fine)}, never trained on, come back from the embeddings with an error of
    <strong>${percent(chosen.fine.error1)}</strong>${against(baselines.rawPixels.fine, baselines.chance.fine)}.`;
}

function testName({ split }: Readout): string {
  return split === 'test' ? 'new images' : 'validation images';
}

function against(rawPixels: number | null, chance: number | null): Html {
  const others = [
    ...(rawPixels === null ? [] : [`${percent(rawPixels)} from raw pixels`]),
    ...(chance === null ? [] : [`${percent(chance)} by chance`]),
  ];
  return others.length === 0 ? nothing : html` (${others.join(', ')})`;
}

function keyFacts({ result, evaluation, curve }: RunReportInput): Html {
  const { headline: chosen, counts, variance } = evaluation;
  const fact = (name: string, value: Html | string, note: string): Html =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}<small>${note}</small></dd>
    </div>`;
  const steps = curve.filter(({ phase }) => phase === 'train').length;
  return html`<dl class="facts">
    ${fact('Error, labels as trained', percent(chosen.trained.error1), readoutTitles[chosen.trained.name])}
    ${
      chosen.fine === null
        ? nothing
        : fact('Error, finer labels', percent(chosen.fine.error1), readoutTitles[chosen.fine.name])
    }
    ${fact('Images', count(counts.train + counts.validation + counts.test), `${count(counts.test)} of them for the test`)}
    ${fact('Epochs', count(result.epochs), `${counted(steps, 'iteration')} after the warm start`)}
    ${fact('Spread within classes', percent(variance.withinClassShare), 'of all variance of the embeddings')}
  </dl>`;
}
