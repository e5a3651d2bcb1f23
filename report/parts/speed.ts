/** What training cost: rates, memory, and where the time of the steps went. */
import { speedFigures, stepParts, type EpochSpeed, type SpeedFigures, type StepPart } from '../../config/speed';
import { html, nothing, type Html } from '../html';
import { type SpeedInput } from '../inputs';
import { bytesText, count, counted, figure, percent, secondsText } from '../wording';
import { gauge } from './results-table';

export const partTitles: Readonly<Record<StepPart, string>> = {
  sample: 'Choosing examples and crops',
  wait: 'Waiting for their images',
  upload: 'Copying the batch into tensors',
  compile: 'Compiling the step',
  'warm-up': 'First run of a compiled step',
  step: 'Forward, backward, update',
  record: 'Loss cache and curve',
  checkpoint: 'Checkpoints',
  messages: 'Messages and progress',
};

export function speedPart({ epochs, environment }: SpeedInput): Html {
  const trained = epochs.flatMap(({ phase, speed }) => (phase === 'train' ? [speed] : []));
  const figures = speedFigures(trained);
  if (figures === null) return html`<p>No step of this run was timed: its epochs were found done.</p>`;
  return html`${factsOf(figures)} ${timeTable(trained)}
    <p class="soft small">
      ${environmentText(environment)} Measured over ${counted(trained.length, 'attempt')} at epochs after the warm
      start; what a lost trainer had done is not counted. Times differ from run to run, and no digest contains them.
    </p>`;
}

export function factsOf(figures: SpeedFigures): Html {
  const { stepsPerSecond, imagesPerSecond, waitShare, compileSeconds, warmUpSeconds } = figures;
  const fact = (name: string, value: string, note: string): Html =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}<small>${note}</small></dd>
    </div>`;
  return html`<dl class="facts">
    ${stepsPerSecond === null ? nothing : fact('Steps a second', figure3(stepsPerSecond), `${figure3(imagesPerSecond ?? 0)} images a second`)}
    ${waitShare === null ? nothing : fact('Waiting for images', percent(waitShare), 'of the training time')}
    ${fact('Peak memory', bytesText(figures.peakMemoryBytes), `of the trainer; ${bytesText(figures.residentMemoryBytes)} at the end`)}
    ${fact('Tensors', count(figures.tensors), 'held at the end')}
    ${fact('Compile', secondsText(compileSeconds), `and ${secondsText(warmUpSeconds)} for first runs`)}
  </dl>`;
}

/** Seconds by part, the share of each drawn as a bar. */
export function timeTable(epochs: readonly EpochSpeed[]): Html {
  const seconds = (part: StepPart): number => epochs.reduce((sum, epoch) => sum + epoch.seconds[part], 0);
  const steps = epochs.reduce((sum, epoch) => sum + epoch.steps, 0);
  const total = stepParts.reduce((sum, part) => sum + seconds(part), 0);
  if (total === 0) return nothing;
  return html`<div class="scroll" role="region" aria-label="Time of the steps by part" tabindex="0">
    <table>
      <caption>
        Where the time of ${counted(steps, 'step')} went
      </caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col" class="number">Time</th>
          <th scope="col" class="number">A step</th>
          <th scope="col" class="number">Share</th>
          <th scope="col" class="wide"></th>
        </tr>
      </thead>
      <tbody>
        ${stepParts.map((part) => {
          const share = seconds(part) / total;
          return html`<tr>
            <th scope="row">${partTitles[part]}</th>
            <td class="number">${secondsText(seconds(part))}</td>
            <td class="number">${secondsText(seconds(part) / Math.max(1, steps))}</td>
            <td class="number">${percent(share)}</td>
            <td class="scale wide">${gauge(share)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

export function environmentText({
  tensorflow,
  device,
  threads,
  cpu,
}: Readonly<Record<string, string | undefined>>): string {
  return `TensorFlow ${tensorflow ?? '?'} on ${device === 'cpu' ? (cpu ?? 'cpu') : (device ?? '?')}, ${threads ?? '?'} threads.`;
}

function figure3(value: number): string {
  return figure(Number(value.toPrecision(3)));
}
