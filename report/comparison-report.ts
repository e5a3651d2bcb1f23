/**
 * The page of a comparison: the objectives side by side, from one warm start and on one data set.
 */
import { type Evaluation, type Readout } from '../config/artifacts';
import { objectiveNames } from '../config/objective';
import { dataName, html, nothing, type Html } from './html';
import { type ComparedRun, type ComparisonInput } from './inputs';
import { renderPage } from './page';
import { commandPart, digestsPart, recipePart, reproducibilityPart } from './parts/configuration';
import { curveCharts } from './parts/curves';
import { dataSetPart } from './parts/data-set';
import { meanings } from './parts/results-table';
import { imagesSeen } from './parts/budget';
import { warningsPart } from './parts/warnings';
import { count, counted, objectiveTitles, percent, percentOrDash, readoutTitles, settingText } from './wording';

export function renderComparison(input: ComparisonInput): string {
  const { name, objectives, dataSet, recipe, command, version } = input;
  const warnings = objectives.flatMap(({ evaluation, objective }) =>
    evaluation.warnings.map((warning) => `${objectiveTitles[objective]}: ${warning}`),
  );
  const readouts = objectives.flatMap(({ evaluation }) => evaluation.readouts);
  return renderPage({
    title: name,
    kind: 'Comparison of objectives',
    headline: headline(objectives),
    version,
    sections: [
      {
        id: 'results',
        title: 'Results',
        body: html`${warningsPart(warnings)} ${readoutTable(objectives)} ${retrievalTable(objectives)}
        ${meanings(readouts)}`,
      },
      {
        id: 'training',
        title: 'Training',
        body: html`<p>
            Each objective has a loss in a unit of its own, so compare the shapes of the losses, not their heights. The
            validation error means the same for all.
          </p>
          ${curveCharts(objectives, { refreshes: [], resumes: [] })}`,
      },
      { id: 'shared', title: 'What they share', body: sharedPart(input) },
      { id: 'data', title: 'Data set', body: dataSetPart(dataSet, objectives[0]?.evaluation.counts ?? null) },
      {
        id: 'reproduce',
        title: 'Reproduce',
        body: html`${commandPart(command, 'this comparison')}
          <p>Seed ${recipe.seed}; splits drawn with seed ${recipe.data.splitSeed}.</p>
          ${recipePart(recipe)}
          ${objectives.map(
            ({ objective, result }) =>
              html`<h3>${objectiveTitles[objective]}</h3>
                ${reproducibilityPart(result)} ${digestsPart(result)}`,
          )}`,
      },
    ],
  });
}

/** The best error of the finest labels there are, and what the others reach. */
function headline(objectives: readonly ComparedRun[]): Html {
  const figures = objectives
    .map(({ objective, evaluation: { headline: chosen, labels } }) => ({
      objective,
      error: (chosen.fine ?? chosen.trained).error1,
      column: (chosen.fine === null ? null : labels.fine) ?? labels.trained,
      fine: chosen.fine !== null,
    }))
    .sort((a, b) => a.error - b.error);
  if (figures.length === 0) return html`No objective has a result.`;
  const [best, ...others] = figures;
  const rest = others.map(
    ({ objective, error }, i) =>
      html`${i === 0 ? '' : i === others.length - 1 ? ' and ' : ', '}${objectiveTitles[objective]} ${percent(error)}`,
  );
  const task = best.fine
    ? html`On ${dataName(best.column)}, which none of them was trained on,`
    : html`On ${dataName(best.column)}`;
  return html`${task} ${objectiveTitles[best.objective]} errs least: <strong>${percent(best.error)}</strong>${
      others.length === 0 ? nothing : html`, against ${rest}`
    }.`;
}

function readoutTable(objectives: readonly ComparedRun[]): Html {
  return html`<div class="scroll" role="region" aria-label="Errors of all objectives" tabindex="0">
    <table>
      <caption>
        Share of images that get the wrong label: lower is better. @1 counts the first answer, @5 the best five; ▲ marks
        the least of a row.
      </caption>
      <thead>
        <tr>
          <td></td>
          ${objectives.map(({ objective }) => html`<th scope="colgroup" colspan="2" class="number">${objectiveTitles[objective]}</th>`)}
        </tr>
        <tr>
          <th scope="col">Read-out</th>
          ${objectives.map(
            () =>
              html`<th scope="col" class="number">error@1</th>
                <th scope="col" class="number">error@5</th>`,
          )}
        </tr>
      </thead>
      ${labelsGroup(objectives, 'trained')} ${labelsGroup(objectives, 'fine')}
    </table>
  </div>`;
}

function labelsGroup(objectives: readonly ComparedRun[], kind: Readout['labels']): Html {
  const of = ({ evaluation }: ComparedRun): readonly Readout[] =>
    evaluation.readouts.filter(({ labels }) => labels === kind);
  const names = [...new Set(objectives.flatMap((run) => of(run).map(({ name }) => name)))];
  if (names.length === 0) return nothing;
  const { labels, baselines, counts } = objectives[0].evaluation;
  const classes = (kind === 'trained' ? counts.classes : counts.fineClasses) ?? 0;
  const title = kind === 'trained' ? 'As trained' : 'Finer, never trained on';
  return html`<tbody class="group">
    <tr>
      <th scope="rowgroup" colspan="${1 + 2 * objectives.length}">
        ${title}: ${dataName(labels[kind] ?? '')}, ${counted(classes, 'class', 'classes')}
      </th>
    </tr>
    ${names.map((name) => {
      const found = objectives.map((run) => of(run).find((readout) => readout.name === name) ?? null);
      return html`<tr>
        <th scope="row">${readoutTitles[name]}</th>
        ${found.map((readout) => figureCells(readout, found))}
      </tr>`;
    })}
    ${baselineRow('Raw pixels, 1-NN', baselines.rawPixels[kind], objectives.length)}
    ${baselineRow('Chance', baselines.chance[kind], objectives.length)}
  </tbody>`;
}

/** Both figures of one objective; the least of the row is marked where there is something to compare. */
function figureCells(readout: Readout | null, row: readonly (Readout | null)[]): Html {
  const cell = (of: (one: Readout) => number | null): Html => {
    const value = readout === null ? null : of(readout);
    const others = row.flatMap((one) => (one === null ? [] : [of(one)])).filter((other) => other !== null);
    const best = value !== null && others.length > 1 && value === Math.min(...others);
    return html`<td class="number${best ? ' best' : ''}">
      ${best ? html`<span aria-hidden="true">▲ </span><span class="hidden">best: </span>` : nothing}${percentOrDash(value)}
    </td>`;
  };
  return html`${cell(({ error1 }) => error1)} ${cell(({ error5 }) => error5)}`;
}

function baselineRow(title: string, error1: number | null, objectives: number): Html {
  if (error1 === null) return nothing;
  return html`<tr class="baseline">
    <th scope="row">${title}</th>
    <td colspan="${2 * objectives}">${percent(error1)}, whatever the objective</td>
  </tr>`;
}

function retrievalTable(objectives: readonly ComparedRun[]): Html {
  const row = (run: ComparedRun, kind: Readout['labels']): Html => {
    const { retrieval, labels }: Evaluation = run.evaluation;
    const values = retrieval[kind];
    if (values === null) return nothing;
    return html`<tr>
      <th scope="row">${objectiveTitles[run.objective]}</th>
      <td>${dataName(labels[kind] ?? '')}</td>
      <td class="number">${percent(values.mapAtR)}</td>
      <td class="number">${percent(values.precision1)}</td>
    </tr>`;
  };
  return html`<h3>Retrieval</h3>
    <div class="scroll" role="region" aria-label="Retrieval figures" tabindex="0">
      <table>
        <caption>
          How well an image’s neighbours in embedding space share its label: higher is better.
        </caption>
        <thead>
          <tr>
            <th scope="col">Objective</th>
            <th scope="col">Labels</th>
            <th scope="col" class="number">MAP@R</th>
            <th scope="col" class="number">precision@1</th>
          </tr>
        </thead>
        <tbody>
          ${objectives.map((run) => row(run, 'trained'))} ${objectives.map((run) => row(run, 'fine'))}
        </tbody>
      </table>
    </div>`;
}

function sharedPart({ objectives, warmStart, recipe }: ComparisonInput): Html {
  const missing = objectiveNames.filter((name) => !objectives.some(({ objective }) => objective === name));
  return html`<p>
      All of them use the network ${recipe.network.name} with embeddings of ${recipe.network.embeddingSize} numbers,
      start from one warm start of ${counted(recipe.warmStart.epochs, 'softmax epoch')}.
    </p>
    ${sameBudget(objectives, recipe)}
    <div class="scroll" role="region" aria-label="Budget of each objective" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Objective</th>
            <th scope="col" class="number">Epochs</th>
            <th scope="col" class="number">Iterations</th>
            <th scope="col" class="number">Images seen</th>
            <th scope="col">Headline read-out</th>
            <th scope="col">Setting chosen</th>
            <th scope="col">Run</th>
          </tr>
        </thead>
        <tbody>
          ${objectives.map(({ objective, run, result, evaluation, curve }) => {
            const chosen = evaluation.headline.fine ?? evaluation.headline.trained;
            const steps = curve.filter(({ phase }) => phase === 'train').length;
            return html`<tr>
              <th scope="row">${objectiveTitles[objective]}</th>
              <td class="number">${count(result.epochs)}${result.status === 'stopped' ? ' (stopped)' : ''}</td>
              <td class="number">${count(steps)}</td>
              <td class="number">${count(imagesSeen(recipe, objective, steps))}</td>
              <td>${readoutTitles[chosen.name]}</td>
              <td>${settingText(chosen)}</td>
              <td>${dataName(run)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <p>Warm start, by the digest of its checkpoint: <span class="digest">${warmStart}</span></p>
    ${missing.length === 0 ? nothing : html`<p class="soft">Not compared: ${missing.map((name) => objectiveTitles[name]).join(', ')}.</p>`}`;
}

/** Fairness is computed from the runs, not claimed: an objective that was stopped or trained on other data is named. */
function sameBudget(objectives: readonly ComparedRun[], recipe: ComparisonInput['recipe']): Html {
  const facts = objectives.map(({ objective, result, curve }) => ({
    'data set': result.dataSet.sha256,
    'number of images seen': imagesSeen(recipe, objective, curve.filter(({ phase }) => phase === 'train').length),
  }));
  const differing = (['data set', 'number of images seen'] as const).filter(
    (fact) => new Set(facts.map((one) => one[fact])).size > 1,
  );
  return differing.length === 0
    ? html`<p>✓ The data set and the number of images seen are the same for all.</p>`
    : html`<p class="note">Not the same for all: ${differing.join(' and ')}. Read the figures with that in mind.</p>`;
}
