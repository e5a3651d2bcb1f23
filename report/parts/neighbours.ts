/** What the network takes for alike: test images with the training images nearest to them, and the classes it confuses. */
import { type Evaluation } from '../../config/artifacts';
import { dataName, html, type Html } from '../html';
import { counted, figure } from '../wording';
import { picture } from './picture';
import { gauge } from './results-table';

type Query = Evaluation['neighbours'][number];

const queriesShown = 12;
const confusionsShown = 20;

export function neighbourExamples({ neighbours }: Evaluation, images: ReadonlyMap<string, string>): Html {
  const half = (right: boolean, title: string): Html => {
    const queries = neighbours.filter((query) => query.right === right).slice(0, queriesShown);
    return html`<h3>${title}</h3>
      ${
        queries.length === 0
          ? html`<p class="soft">None among the examples.</p>`
          : html`<ul class="queries">
              ${queries.map((query) => queryCard(query, images))}
            </ul>`
      }`;
  };
  return html`<p>
      Each card is an image that was not trained on, then the training images nearest to it, nearest first. A solid
      frame and ✓ mean the same class, a dashed frame and ✗ another one.
    </p>
    ${half(true, 'Told right')} ${half(false, 'Told wrong')}`;
}

function queryCard({ path, className, right, nearest }: Query, images: ReadonlyMap<string, string>): Html {
  return html`<li class="query">
    <div>
      ${picture(images, path, `Asked for: an image of ${className}`)}
      <div class="label">
        <span class="clamp" title="${className}">${dataName(className)}</span>
        <span class="verdict ${right ? 'right' : 'wrong'}">${right ? '✓ right' : '✗ wrong'}</span>
      </div>
    </div>
    <ul class="near">
      ${nearest.map((near) => {
        const same = near.className === className;
        const words = same ? 'the same class' : 'another class';
        return html`<li class="${same ? 'right' : 'wrong'}">
          ${picture(images, near.path, `Neighbour of ${words}: ${near.className}, distance ${figure(near.distance)}`)}
          <span class="clamp" title="${near.className}"
            ><span class="verdict" aria-hidden="true">${same ? '✓' : '✗'}</span> ${dataName(near.className)}</span
          >
        </li>`;
      })}
    </ul>
  </li>`;
}

export function confusionTable({ confusions }: Evaluation): Html {
  const wrong = confusions.filter(({ actual, predicted }) => actual !== predicted);
  if (wrong.length === 0) return html`<p class="soft">No class was taken for another one.</p>`;
  const sorted = [...wrong].sort((a, b) => b.count - a.count).slice(0, confusionsShown);
  const most = sorted[0].count;
  return html`<div class="scroll" role="region" aria-label="Most confused classes" tabindex="0">
    <table>
      <caption>
        Pairs of classes that were confused most
        often${
          wrong.length > sorted.length ? html`; ${counted(wrong.length - sorted.length, 'rarer pair')} left out` : ''
        }.
      </caption>
      <thead>
        <tr>
          <th scope="col">Is</th>
          <th scope="col">Was taken for</th>
          <th scope="col" class="number">Images</th>
          <td class="scale wide"></td>
        </tr>
      </thead>
      <tbody>
        ${sorted.map(
          ({ actual, predicted, count }) =>
            html`<tr>
              <th scope="row">${dataName(actual)}</th>
              <td>${dataName(predicted)}</td>
              <td class="number">${count}</td>
              <td class="wide">${gauge(count / most)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
