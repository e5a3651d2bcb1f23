/**
 * The page of a hierarchy recovery: classes paired at random, trained on the pairs, and how well the classes come back.
 */
import { html, nothing, type Html } from './html';
import { type PairingResults, type RecoveryFigures, type RecoveryInput } from './inputs';
import { renderPage } from './page';
import { commandPart } from './parts/configuration';
import { meanings } from './parts/results-table';
import { counted, meanAndSpread, objectiveTitles, percent, percentOrDash, readoutTitles, settingText } from './wording';

export function renderRecovery({ name, pairings, summary, command, version }: RecoveryInput): string {
  const readouts = pairings.flatMap(({ objectives }) => objectives.flatMap(({ result }) => result.metrics.readouts));
  return renderPage({
    title: name,
    kind: 'Recovery of hidden classes',
    headline: headline(summary),
    version,
    sections: [
      { id: 'results', title: 'Results', body: html`${explanation(pairings)} ${summaryTable(summary)}` },
      { id: 'pairings', title: 'Every pairing', body: html`${pairingTable(pairings)} ${meanings(readouts)}` },
      {
        id: 'reproduce',
        title: 'Reproduce',
        body: html`${commandPart(command, 'this recovery')} ${digestTable(pairings)}`,
      },
    ],
  });
}

function headline(summary: readonly RecoveryFigures[]): Html {
  if (summary.length === 0) return html`No pairing has a result.`;
  const [best, ...others] = [...summary].sort((a, b) => a.error1.mean - b.error1.mean);
  const rest = others
    .map(({ objective, error1 }) => `${objectiveTitles[objective]} ${percent(error1.mean)}`)
    .join(', ');
  return html`Trained on random pairs of classes, ${objectiveTitles[best.objective]} tells the classes inside the pairs
    apart with an error of <strong>${meanAndSpread(best.error1)}</strong>${rest === '' ? nothing : ` (${rest})`}, though
    it was never told that there are two.`;
}

function explanation(pairings: readonly PairingResults[]): Html {
  return html`<p>
    The classes were matched at random into pairs, ${counted(pairings.length, 'time')}. Each training saw the pairs
    alone; the classes themselves came back only at the end, as labels of the training images that vote for a test
    image.
  </p>`;
}

function summaryTable(summary: readonly RecoveryFigures[]): Html {
  const least = Math.min(...summary.map(({ error1 }) => error1.mean));
  return html`<div class="scroll" role="region" aria-label="Mean errors over the pairings" tabindex="0">
    <table>
      <caption>
        Error of the hidden classes by ${readoutTitles['soft-knn']}, mean ± standard deviation over the pairings: lower
        is better; ▲ marks the least.
      </caption>
      <thead>
        <tr>
          <th scope="col">Objective</th>
          <th scope="col" class="number">Pairings</th>
          <th scope="col" class="number">error@1</th>
          <th scope="col" class="number">error@5</th>
        </tr>
      </thead>
      <tbody>
        ${summary.map(({ objective, pairings, error1, error5 }) => {
          const best = summary.length > 1 && error1.mean === least;
          return html`<tr>
            <th scope="row">${objectiveTitles[objective]}</th>
            <td class="number">${pairings}</td>
            <td class="number${best ? ' best' : ''}">
              ${best ? html`<span aria-hidden="true">▲ </span><span class="hidden">best: </span>` : nothing}${meanAndSpread(error1)}
            </td>
            <td class="number">${error5 === null ? '–' : meanAndSpread(error5)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function pairingTable(pairings: readonly PairingResults[]): Html {
  return html`<div class="scroll" role="region" aria-label="Errors of each pairing" tabindex="0">
    <table>
      <caption>
        Errors of the pairs as trained and of the classes inside them.
      </caption>
      <thead>
        <tr>
          <th scope="col">Objective</th>
          <th scope="col">Read-out</th>
          <th scope="col">Labels</th>
          <th scope="col" class="number">error@1</th>
          <th scope="col" class="number">error@5</th>
          <th scope="col">Setting chosen</th>
        </tr>
      </thead>
      ${pairings.map(
        ({ pairing, objectives }) =>
          html`<tbody class="group">
            <tr>
              <th scope="rowgroup" colspan="6">Pairing ${pairing}</th>
            </tr>
            ${objectives.flatMap(({ objective, result }) =>
              result.metrics.readouts.map(
                (readout) =>
                  html`<tr>
                    <th scope="row">${objectiveTitles[objective]}</th>
                    <td>${readoutTitles[readout.name]}</td>
                    <td>${readout.labels === 'fine' ? 'classes' : 'pairs'}</td>
                    <td class="number">${percent(readout.error1)}</td>
                    <td class="number">${percentOrDash(readout.error5)}</td>
                    <td>${settingText(readout)}</td>
                  </tr>`,
              ),
            )}
          </tbody>`,
      )}
    </table>
  </div>`;
}

function digestTable(pairings: readonly PairingResults[]): Html {
  return html`<h3>Digests</h3>
    <div class="scroll" role="region" aria-label="Digests of every run" tabindex="0">
      <table>
        <caption>
          SHA-256 of what each run left behind. Two runs with the same digests are the same, bit for bit.
        </caption>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Weights</th>
            <th scope="col">Figures</th>
            <th scope="col">Environment</th>
          </tr>
        </thead>
        <tbody>
          ${pairings.flatMap(({ objectives }) =>
            objectives.map(
              ({ run, result }) =>
                html`<tr>
                  <th scope="row" class="name">${run}</th>
                  <td class="digest">${result.digests.weights}</td>
                  <td class="digest">${result.digests.metrics}</td>
                  <td>${result.reproducibility === 'identical' ? 'one throughout' : 'changed on the way'}</td>
                </tr>`,
            ),
          )}
        </tbody>
      </table>
    </div>`;
}
