/**
 * Ops of a step over time, a lane for each thread of each device: what runs side by side, and where nothing runs. The colour
 * says the kind of op, the words that a browser shows over a bar its name and time.
 */
import { type NodeTime } from '../../config/profile';
import { html, trusted, type Html } from '../html';
import { count, counted, secondsText } from '../wording';

const WIDTH = 1200;
const LANE = 18;
const GAP = 4;
const LEFT = 90;
/** Shorter bars than this cannot be seen; the page stays small without them. */
const LEAST_WIDTH = 0.4;
const MOST_LANES = 32;

const kinds = [
  { title: 'Convolution and its gradients', matches: /conv/i },
  { title: 'Products', matches: /matmul|einsum/i },
  { title: 'Batch norm, activation, pooling', matches: /batchnorm|relu|pool/i },
  { title: 'Updates', matches: /^(Resource|Assign|ReadVariable)/ },
  { title: 'All else', matches: /(?:)/ },
] as const;

export function timeline(nodes: readonly NodeTime[]): Html {
  const end = Math.max(...nodes.map(({ start, micros }) => start + micros), 1);
  const lanes = lanesOf(nodes);
  const shown = lanes.slice(0, MOST_LANES);
  const height = shown.length * (LANE + GAP) + 26;
  const x = (micros: number): number => LEFT + (micros / end) * (WIDTH - LEFT - 4);
  const bars = shown.flatMap(([, own], lane) =>
    own.flatMap((node) => {
      const width = x(node.start + node.micros) - x(node.start);
      return width < LEAST_WIDTH ? [] : [barOf(node, x(node.start), width, lane)];
    }),
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = x(share * end).toFixed(1);
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    return html`<path class="grid" d="M${at} 0V${height - 20}" />
      <text x="${at}" y="${height - 6}" text-anchor="${anchor}">${secondsText((share * end) / 1e6)}</text>`;
  });
  const labels = shown.map(([name], lane) => html`<text x="0" y="${lane * (LANE + GAP) + LANE - 4}">${name}</text>`);
  const description = `${counted(nodes.length, 'op')} on ${counted(lanes.length, 'thread')} in ${secondsText(end / 1e6)}; the tables above say the same in figures.`;
  return html`<figure class="chart">
      <figcaption>
        ${description}
        <span>
          ${bars.length < nodes.length ? `${count(bars.length)} bars are wide enough to be drawn. ` : ''}
          ${lanes.length > shown.length ? `The ${count(shown.length)} busiest threads are shown.` : ''}
        </span>
      </figcaption>
      <div class="scroll" role="region" aria-label="Timeline" tabindex="0">
        <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${description}">${ticks} ${labels} ${bars}</svg>
      </div>
    </figure>
    <ul class="legend">
      ${kinds.map(
        ({ title }, i) =>
          html`<li>
            <svg width="14" height="10" aria-hidden="true"><rect class="m${i}" width="14" height="10" /></svg> ${title}
          </li>`,
      )}
    </ul>`;
}

/** Thread numbers are those of the system: they are counted anew, the busiest thread of a device first. */
function lanesOf(nodes: readonly NodeTime[]): [name: string, nodes: NodeTime[]][] {
  const lanes = new Map<string, { device: string; nodes: NodeTime[]; micros: number }>();
  for (const node of nodes) {
    const key = `${node.device} ${node.thread}`;
    const lane = lanes.get(key) ?? { device: node.device, nodes: [], micros: 0 };
    lane.nodes.push(node);
    lane.micros += node.micros;
    lanes.set(key, lane);
  }
  const counts = new Map<string, number>();
  return [...lanes.values()]
    .sort((a, b) => b.micros - a.micros)
    .map(({ device, nodes: own }) => {
      const number = (counts.get(device) ?? 0) + 1;
      counts.set(device, number);
      return [`${device.slice(0, 9)} #${number}`, own];
    });
}

function barOf({ node, op, micros }: NodeTime, x: number, width: number, lane: number): Html {
  const kind = kinds.findIndex(({ matches }) => matches.test(op));
  const place = trusted(`x="${x.toFixed(1)}" y="${lane * (LANE + GAP)}" width="${width.toFixed(1)}" height="${LANE}"`);
  return html`<rect class="m${kind}" ${place}
    ><title>${node === op ? op : `${op}, ${node}`}: ${secondsText(micros / 1e6)}</title></rect
  >`;
}
