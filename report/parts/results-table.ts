/** The figures of one run: every read-out with chance and raw pixels beside it, then retrieval. */
import { type Evaluation, type Readout } from '../../config/artifacts';
import { dataName, html, nothing, trusted, type Html } from '../html';
import { percent, percentOrDash, readoutMeanings, readoutTitles, settingText } from '../wording';

export function resultsTable(evaluation: Evaluation): Html {
  const { labels, headline } = evaluation;
  return html`<div class="scroll" role="region" aria-label="Errors by read-out" tabindex="0">
      <table>
        <caption>
          Share of images that get the wrong label: lower is better. @1 counts the first answer, @5 the best five.
        </caption>
        <thead>
          <tr>
            <th scope="col">Read-out</th>
            <th scope="col" class="number">error@1</th>
            <th scope="col" class="number">error@5</th>
            <td class="scale wide"></td>
            <th scope="col">Setting chosen</th>
            <th scope="col" class="wide">Measured on</th>
          </tr>
        </thead>
        ${group(evaluation, 'trained', labels.trained, headline.trained)}
        ${labels.fine === null ? nothing : group(evaluation, 'fine', labels.fine, headline.fine)}
      </table>
    </div>
    ${retrievalTable(evaluation)} ${meanings(evaluation.readouts)}`;
}

function group(evaluation: Evaluation, kind: Readout['labels'], column: string, chosen: Readout | null): Html {
  const { readouts, baselines, counts } = evaluation;
  const classes = kind === 'trained' ? counts.classes : counts.fineClasses;
  const what =
    kind === 'trained'
      ? html`As trained: ${dataName(column)}, ${classes ?? 0} classes`
      : html`Finer, never trained on: ${dataName(column)}, ${classes ?? 0} classes`;
  return html`<tbody class="group">
    <tr>
      <th scope="rowgroup" colspan="6">${what}</th>
    </tr>
    ${readouts.filter(({ labels }) => labels === kind).map((readout) => readoutRow(readout, chosen))}
    ${baselineRow('Raw pixels, 1-NN', baselines.rawPixels[kind])} ${baselineRow('Chance', baselines.chance[kind])}
  </tbody>`;
}

function readoutRow(readout: Readout, chosen: Readout | null): Html {
  const isChosen = chosen !== null && sameReadout(readout, chosen);
  return html`<tr class="${isChosen ? 'chosen' : 'other'}">
    <th scope="row">${readoutTitles[readout.name]}${isChosen ? html` <span class="tag">headline</span>` : nothing}</th>
    <td class="number">${percent(readout.error1)}</td>
    <td class="number">${percentOrDash(readout.error5)}</td>
    <td class="wide">${gauge(readout.error1)}</td>
    <td>${settingText(readout)}</td>
    <td class="wide">${readout.split}</td>
  </tr>`;
}

function baselineRow(name: string, error1: number | null): Html {
  if (error1 === null) return nothing;
  return html`<tr class="baseline">
    <th scope="row">${name}</th>
    <td class="number">${percent(error1)}</td>
    <td class="number">–</td>
    <td class="wide">${gauge(error1)}</td>
    <td>–</td>
    <td class="wide">–</td>
  </tr>`;
}

function sameReadout(a: Readout, b: Readout): boolean {
  return a.name === b.name && a.labels === b.labels && a.split === b.split && a.error1 === b.error1;
}

/** A bar as long as a share; the figure stands beside it. */
export function gauge(share: number): Html {
  const width = trusted((Math.min(1, Math.max(0, share)) * 100).toFixed(1));
  return html`<svg class="gauge" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect width="${width}" height="10" rx="1" />
  </svg>`;
}

function retrievalTable({ retrieval, labels }: Evaluation): Html {
  const ks = Object.keys(retrieval.trained.recall).sort((a, b) => Number(a) - Number(b));
  const row = (column: string, values: Evaluation['retrieval']['trained']): Html =>
    html`<tr>
      <th scope="row">${dataName(column)}</th>
      <td class="number">${percent(values.mapAtR)}</td>
      <td class="number">${percent(values.precision1)}</td>
      ${ks.map((k) => html`<td class="number">${percentOrDash(values.recall[k] ?? null)}</td>`)}
    </tr>`;
  return html`<h3>Retrieval</h3>
    <div class="scroll" role="region" aria-label="Retrieval figures" tabindex="0">
      <table>
        <caption>
          How well an image’s neighbours in embedding space share its label: higher is better.
        </caption>
        <thead>
          <tr>
            <th scope="col">Labels</th>
            <th scope="col" class="number">MAP@R</th>
            <th scope="col" class="number">precision@1</th>
            ${ks.map((k) => html`<th scope="col" class="number">recall@${k}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${row(labels.trained, retrieval.trained)}
          ${labels.fine === null || retrieval.fine === null ? nothing : row(labels.fine, retrieval.fine)}
        </tbody>
      </table>
    </div>`;
}

export function meanings(readouts: readonly Readout[]): Html {
  const names = [...new Set(readouts.map(({ name }) => name))];
  return html`<details>
    <summary>What the read-outs are</summary>
    <dl class="meanings">
      ${names.map(
        (name) =>
          html`<dt>${readoutTitles[name]}</dt>
            <dd>${readoutMeanings[name]}</dd>`,
      )}
      <dt>Raw pixels, 1-NN</dt>
      <dd>the label of the training image whose pixels are nearest, without any learning</dd>
      <dt>Chance</dt>
      <dd>a guess that knows nothing of the image</dd>
    </dl>
  </details>`;
}
