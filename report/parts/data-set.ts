/** What was trained on: how much, what was set aside and why, what stands on both sides of a split. */
import { type Evaluation } from '../../config/artifacts';
import { dataName, html, nothing, type Html } from '../html';
import { type DataSetSummary } from '../inputs';
import { count, counted } from '../wording';

const rowsShown = 200;

export function dataSetPart(dataSet: DataSetSummary, counts: Evaluation['counts'] | null): Html {
  const { source, records, quarantined, duplicatesAcrossSplits, notes } = dataSet;
  const splits =
    counts === null
      ? nothing
      : html`: ${count(counts.train)} to train, ${count(counts.validation)} to validate, ${count(counts.test)} to test`;
  return html`<p>${dataName(source)}, ${counted(records, 'image')}${splits}.</p>
    <h3>Files set aside</h3>
    ${
      quarantined.length === 0
        ? html`<p>Every file could be read.</p>`
        : html`<p>${counted(quarantined.length, 'file')} could not be used and took no part.</p>
            <div class="scroll" role="region" aria-label="Files set aside" tabindex="0">
              <table>
                <thead>
                  <tr>
                    <th scope="col">File</th>
                    <th scope="col">Kind</th>
                    <th scope="col">Reason</th>
                  </tr>
                </thead>
                <tbody>
                  ${quarantined.slice(0, rowsShown).map(
                    ({ path, kind, reason }) =>
                      html`<tr>
                        <th scope="row">${dataName(path)}</th>
                        <td>${kind}</td>
                        <td>${dataName(reason)}</td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>
            ${more(quarantined.length, 'file')}`
    }
    <h3>The same image in more than one split</h3>
    ${
      duplicatesAcrossSplits.length === 0
        ? html`<p>None: no image stands on both sides of a split.</p>`
        : html`<p class="note">
              ${counted(duplicatesAcrossSplits.length, 'image')} with copies across splits. What is trained on and
              tested on makes errors look lower than they are.
            </p>
            <ul>
              ${duplicatesAcrossSplits
                .slice(0, rowsShown)
                .map(
                  ({ members }) =>
                    html`<li>
                      ${members.map(({ path, split }, i) => html`${i > 0 ? ' = ' : ''}${dataName(path)} (${split})`)}
                    </li>`,
                )}
            </ul>
            ${more(duplicatesAcrossSplits.length, 'image')}`
    }
    ${
      notes.length === 0
        ? nothing
        : html`<h3>Notes</h3>
            <ul>
              ${notes.slice(0, rowsShown).map((note) => html`<li>${dataName(note)}</li>`)}
            </ul>
            ${more(notes.length, 'note')}`
    }`;
}

function more(length: number, what: string): Html {
  return length > rowsShown ? html`<p class="soft">And ${counted(length - rowsShown, `more ${what}`)}.</p>` : nothing;
}
