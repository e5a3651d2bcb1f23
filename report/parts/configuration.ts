/** How a run was made and how to make it again: recipe, seed, digests, command, and what "the same" means. */
import { stringify } from 'yaml';
import { type RunResult } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import { html, type Html } from '../html';

export function commandPart(command: string, what: string): Html {
  return html`<p>This command makes ${what} again:</p>
    <pre class="wrap"><code>${command}</code></pre>`;
}

/** What differs from the defaults first; the whole recipe behind it. */
export function recipePart(recipe: Recipe): Html {
  const defaults = new Map(leavesOf(Recipe.parse({})));
  const changed = leavesOf(recipe).filter(([path, value]) => defaults.get(path) !== value);
  return html`<h3>Recipe</h3>
    ${
      changed.length === 0
        ? html`<p>Every setting is the default.</p>`
        : html`<div class="scroll" role="region" aria-label="Settings that differ from the defaults" tabindex="0">
            <table>
              <caption>
                What differs from the defaults
              </caption>
              <thead>
                <tr>
                  <th scope="col">Setting</th>
                  <th scope="col">Here</th>
                  <th scope="col">Default</th>
                </tr>
              </thead>
              <tbody>
                ${changed.map(
                  ([path, value]) =>
                    html`<tr>
                      <th scope="row"><code>${path}</code></th>
                      <td class="name"><bdi>${value}</bdi></td>
                      <td class="name soft">${defaults.get(path) ?? '–'}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
    <details>
      <summary>The whole recipe</summary>
      <pre tabindex="0"><code>${stringify(recipe)}</code></pre>
    </details>`;
}

export function digestsPart(result: RunResult): Html {
  const digests: readonly (readonly [string, string])[] = [
    ['Weights', result.digests.weights],
    ['Index', result.digests.index],
    ['Curves', result.digests.curves],
    ['Figures', result.digests.metrics],
    ['Data set', result.dataSet.sha256],
    ['Configuration', result.configuration],
    ['Checkpoint', result.checkpoint.digest],
  ];
  return html`<h3>Digests</h3>
    <div class="scroll" role="region" aria-label="Digests" tabindex="0">
      <table>
        <caption>
          SHA-256 of what the run left behind. Two runs with the same digests are the same, bit for bit.
        </caption>
        <tbody>
          ${digests.map(
            ([name, digest]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td class="digest">${digest}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

export function reproducibilityPart({ reproducibility }: RunResult): Html {
  switch (reproducibility) {
    case 'identical':
      return html`<p>
        <strong>Identical.</strong> The run saw one environment from beginning to end: the same command in that
        environment gives the same digests, bit for bit, however often the run is interrupted.
      </p>`;
    case 'equivalent':
      return html`<p>
        <strong>Equivalent.</strong> The run went on in another environment than it began in (another processor, driver
        or version), where the last bits of sums may differ. The figures are as trustworthy; the digests need not come
        back.
      </p>`;
  }
}

/** Every leaf as its path and its value in words. Lists are leaves. */
function leavesOf(value: unknown, path = ''): [path: string, value: string][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`));
}
