/** The clusters found inside each class: the images nearest to each centroid, and what fine labels its members carry. */
import { type Evaluation } from '../../config/artifacts';
import { dataName, html, nothing, trusted, type Html } from '../html';
import { count, counted, percent } from '../wording';
import { picture } from './picture';

type Cluster = Evaluation['clusters'][number];

const imagesShown = 8;
const partsShown = 4;

export function gallery({ clusters, labels }: Evaluation, images: ReadonlyMap<string, string>): Html {
  if (clusters.length === 0) return html`<p class="soft">This objective forms no clusters.</p>`;
  const classes = [...new Set(clusters.map(({ className }) => className))];
  const intro =
    labels.fine === null
      ? html`<p>Training split each class into clusters by itself. These are the images nearest to each centroid.</p>`
      : html`<p>
          Training split each class into clusters by itself, without ever seeing ${dataName(labels.fine)}. These are the
          images nearest to each centroid; the bar tells which finer classes its members belong to.
        </p>`;
  return html`${intro}
  ${classes.map(
    (className) =>
      html`<h3>${dataName(className)}</h3>
        <div class="clusters">
          ${clusters
            .filter((cluster) => cluster.className === className)
            .map((cluster, i) => clusterCard(cluster, i + 1, images))}
        </div>`,
  )}`;
}

function clusterCard(cluster: Cluster, number: number, images: ReadonlyMap<string, string>): Html {
  const { className, size, nearest } = cluster;
  return html`<article class="cluster">
    <header>
      <h4>Cluster ${number}<span class="hidden"> of ${className}</span></h4>
      <span class="soft">${counted(size, 'image')}</span>
    </header>
    <ul class="strip">
      ${nearest
        .slice(0, imagesShown)
        .map(
          (path, i) =>
            html`<li>
              ${picture(images, path, `${className}, cluster ${number}: image ${i + 1} nearest to the centroid`)}
            </li>`,
        )}
    </ul>
    ${makeUp(cluster)}
  </article>`;
}

function makeUp({ fine, size }: Cluster): Html {
  if (fine.length === 0) return nothing;
  const sorted = [...fine].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  const shown = sorted.slice(0, partsShown);
  const rest = sorted.slice(partsShown);
  const total = Math.max(1, size, sum(sorted));
  const parts = [
    ...shown.map(({ name, count: members }) => ({ label: dataName(name), members })),
    ...(rest.length > 0 ? [{ label: html`${counted(rest.length, 'other')}`, members: sum(rest) }] : []),
  ];
  let start = 0;
  const bars = parts.map(({ members }, i) => {
    const bar = html`<rect class="m${i}" x="${at(start / total)}" width="${at(members / total)}" height="10" />`;
    start += members;
    return bar;
  });
  return html`<svg class="makeup" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>
    <ul class="parts">
      ${parts.map(
        ({ label, members }, i) =>
          html`<li>
            <svg viewBox="0 0 10 10" aria-hidden="true"><rect class="m${i}" width="10" height="10" rx="2" /></svg>
            <span>${label}</span>
            <span class="soft nowrap">${count(members)} · ${percent(members / total)}</span>
          </li>`,
      )}
    </ul>`;
}

function sum(parts: readonly { readonly count: number }[]): number {
  return parts.reduce((total, { count: members }) => total + members, 0);
}

function at(share: number): Html {
  return trusted((share * 100).toFixed(2));
}
