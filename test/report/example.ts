/**
 * A made-up but realistic run, for tests and for looking at: every part of a page has something to show, and the data
 * set's names are as unpleasant as names get. The same values on every call.
 */
import { createHash } from 'node:crypto';
import { type Evaluation, type Readout, type RunResult } from '../../config/artifacts';
import { type ObjectiveName } from '../../config/objective';
import { Recipe } from '../../config/recipe';
import { type ComparisonInput, type CurvePoint, type RecoveryInput, type RunReportInput } from '../../report/inputs';
import { encodePng } from '../../datasets/procedural/png';
import { exampleSpeed } from './example-speed';
import { nastyNames } from './nasty-names';

const classNames = [nastyNames.emoji, nastyNames.rightToLeft, nastyNames.script, nastyNames.long];
const warmSteps = 60;
const stepsPerEpoch = 75;
const epochs = 12;

export function exampleRun(): RunReportInput {
  const evaluation = exampleEvaluation('magnet');
  return {
    run: 'groceries-magnet-3f9c21aa',
    result: exampleResult('magnet', 'groceries-magnet-3f9c21aa'),
    evaluation,
    recipe: Recipe.parse({ data: { label: 'coarse', fineLabel: 'fine' }, magnet: { clustersPerClass: 4 }, epochs }),
    curve: exampleCurve('magnet'),
    refreshes: Array.from({ length: epochs }, (_, i) => i * stepsPerEpoch),
    resumes: [212, 655],
    validationErrors: exampleValidation('magnet'),
    speed: exampleSpeed(epochs, stepsPerEpoch),
    dataSet: exampleDataSet(),
    images: examplePictures(evaluation),
    command: "npx lodestone run ./groceries --label coarse --fine-label fine --set 'magnet.clustersPerClass=4'",
    version: '0.1.0',
  };
}

export function exampleComparison(): ComparisonInput {
  const objectives = (['softmax', 'triplet', 'magnet'] as const).map((objective) => ({
    objective,
    run: `groceries--${objective}`,
    result: exampleResult(objective, `groceries--${objective}`),
    evaluation: exampleEvaluation(objective),
    curve: exampleCurve(objective),
    validationErrors: exampleValidation(objective),
  }));
  return {
    name: 'groceries',
    objectives,
    warmStart: sha('warm start'),
    dataSet: exampleDataSet(),
    recipe: exampleRun().recipe,
    command: 'npx lodestone compare ./groceries --objectives softmax,triplet,magnet',
    version: '0.1.0',
  };
}

export function exampleRecovery(): RecoveryInput {
  return {
    name: 'groceries-pairs',
    pairings: [0, 1, 2].map((pairing) => ({
      pairing,
      objectives: (['softmax', 'magnet'] as const).map((objective) => {
        const run = `groceries-pairs--pairing-${pairing}--${objective}`;
        return { objective, run, result: exampleResult(objective, run) };
      }),
    })),
    summary: [
      { objective: 'softmax', pairings: 3, error1: { mean: 0.468, sd: 0.019 }, error5: { mean: 0.108, sd: 0.004 } },
      { objective: 'magnet', pairings: 3, error1: { mean: 0.412, sd: 0.011 }, error5: { mean: 0.093, sd: 0.006 } },
    ],
    command: 'npx lodestone recover ./groceries --label fine --pairings 3 --objectives softmax,magnet',
    version: '0.1.0',
  };
}

const fineErrors: Readonly<Record<ObjectiveName, number>> = { softmax: 0.641, triplet: 0.472, magnet: 0.332 };

function exampleReadouts(objective: ObjectiveName): Readout[] {
  const fine = fineErrors[objective];
  const readout = (
    name: Readout['name'],
    labels: Readout['labels'],
    error1: number,
    temperature: number | null,
  ): Readout => ({
    name,
    labels,
    setting: temperature === null ? null : { normalised: objective !== 'magnet', temperature },
    split: 'test',
    error1,
    error5: name === 'one-nn' ? null : error1 * 0.31,
  });
  return [
    ...(objective === 'softmax' ? [readout('softmax-head', 'trained', 0.051, null)] : []),
    readout('knc', 'trained', fine * 0.13, null),
    readout('soft-knn', 'trained', fine * 0.12, 0.125),
    readout('one-nn', 'trained', fine * 0.15, null),
    readout('soft-knn', 'fine', fine, 0.0625),
    readout('soft-knn-plain', 'fine', fine * 1.12, null),
    readout('knc-refit', 'fine', fine * 1.04, null),
    ...(objective === 'magnet' ? [readout('knc-histogram', 'fine', fine * 1.21, null)] : []),
    readout('one-nn', 'fine', fine * 1.07, null),
  ];
}

function exampleEvaluation(objective: ObjectiveName): Evaluation {
  const readouts = exampleReadouts(objective);
  const headlineOf = (labels: Readout['labels']): Readout =>
    readouts.find((readout) => readout.labels === labels && readout.name === 'soft-knn') ?? readouts[0];
  const retrieval = (share: number) => ({
    precision1: 1 - share,
    recall: { '1': 1 - share, '2': 1 - share * 0.7, '4': 1 - share * 0.5, '8': 1 - share * 0.3 },
    mapAtR: 0.9 - share,
  });
  return {
    version: 1,
    objective,
    checkpoint: sha('checkpoint'),
    index: sha('index'),
    dataSet: sha('data set'),
    labels: { trained: 'coarse', fine: 'fine' },
    counts: { train: 3480, validation: 612, test: 1204, classes: classNames.length, fineClasses: 24 },
    readouts,
    headline: { trained: headlineOf('trained'), fine: headlineOf('fine') },
    retrieval: { trained: retrieval(0.05), fine: retrieval(fineErrors[objective]) },
    baselines: { chance: { trained: 0.75, fine: 0.958 }, rawPixels: { trained: 0.254, fine: 0.662 } },
    variance: { running: 11.2, index: 14.1, withinClassShare: 0.52 },
    confusions: Array.from({ length: 9 }, (_, i) => ({
      actual: i === 0 ? nastyNames.attribute : `${classNames[i % 2]} ${i}`,
      predicted: classNames[(i + 1) % 4],
      count: 31 - 3 * i,
    })),
    clusters: objective === 'triplet' ? [] : classNames.flatMap((className, c) => exampleClusters(className, c)),
    neighbours: Array.from({ length: 12 }, (_, i) => exampleNeighbours(i)),
    warnings: [`class ${nastyNames.rightToLeft} has 7 images: K lowered to 3`],
  };
}

function exampleClusters(className: string, c: number): Evaluation['clusters'] {
  return Array.from({ length: 4 }, (_, k) => ({
    className,
    size: 240 - 31 * k - 7 * c,
    nearest: Array.from({ length: 8 }, (_, i) => `train/${c}/${k}/${i}.png`),
    fine: Array.from({ length: 6 }, (_, i) => ({
      name: i === 1 ? nastyNames.attribute : `species ${c}.${(k + i) % 6}`,
      count: Math.round((150 - 11 * k) / (1 + i * i)),
    })),
  }));
}

function exampleNeighbours(i: number): Evaluation['neighbours'][number] {
  const right = i % 3 !== 2;
  return {
    path: `test/${i}.png`,
    className: classNames[i % 4],
    right,
    nearest: Array.from({ length: 6 }, (_, j) => ({
      path: `train/${i % 4}/${j % 4}/${j}.png`,
      className: classNames[(i + (right ? Number(j === 4) : Number(j < 4))) % 4],
      distance: 0.81 + 0.137 * j,
    })),
  };
}

function exampleCurve(objective: ObjectiveName): CurvePoint[] {
  const noise = (step: number): number => Math.abs(Math.sin(step * 12.9898 + objective.length) * 43758.5453) % 1;
  const row = (phase: CurvePoint['phase'], step: number, epoch: number, start: number): CurvePoint => {
    const level = 0.12 + Math.exp(-step / 160);
    return {
      phase,
      step,
      epoch,
      loss: start * level * (0.75 + 0.5 * noise(step)),
      error: Math.min(1, level * (0.5 + 0.35 * noise(step + 0.5))),
      variance: objective === 'magnet' ? 9 + noise(step) : null,
    };
  };
  const start = { softmax: 1.1, triplet: 0.7, magnet: 2.6 }[objective];
  return [
    ...Array.from({ length: warmSteps }, (_, i) => row('warm-start', i + 1, 1 + Math.floor(i / 20), 1.4)),
    ...Array.from({ length: epochs * stepsPerEpoch }, (_, i) =>
      row('train', i + 1, 1 + Math.floor(i / stepsPerEpoch), start),
    ),
  ];
}

function exampleValidation(objective: ObjectiveName): (number | null)[] {
  const last = fineErrors[objective] * 0.12;
  return Array.from({ length: epochs }, (_, i) => last + 0.22 * Math.exp(-i / 2.5) + 0.006 * ((i * 7) % 3));
}

function exampleResult(objective: ObjectiveName, run: string): RunResult {
  const evaluation = exampleEvaluation(objective);
  const reference = (what: string) => ({ uri: `s3://lodestone/${what}`, sha256: sha(what + run), bytes: 1234 });
  return {
    version: 1,
    run,
    objective,
    status: 'finished',
    epochs,
    configuration: sha('configuration' + run),
    dataSet: { ...reference('data set'), sha256: sha('data set') },
    checkpoint: {
      manifest: reference('checkpoint'),
      digest: sha('state' + run),
      position: { phase: 'train', epoch: epochs, step: 0, globalStep: epochs * stepsPerEpoch },
    },
    index: { manifest: reference('index'), digest: sha('index' + run), validationError: 0.04 },
    evaluation: reference('evaluation'),
    digests: {
      weights: sha('weights' + run),
      index: sha('index' + run),
      curves: sha('curves' + run),
      metrics: sha('metrics' + run),
    },
    metrics: {
      trained: evaluation.headline.trained,
      fine: evaluation.headline.fine,
      readouts: evaluation.readouts,
      retrieval: evaluation.retrieval,
      baselines: evaluation.baselines,
    },
    reproducibility: objective === 'triplet' ? 'equivalent' : 'identical',
  };
}

function exampleDataSet(): RunReportInput['dataSet'] {
  return {
    source: './groceries',
    records: 5296,
    quarantined: [
      { path: `${nastyNames.script}/broken.jpg`, kind: 'corrupt', reason: 'premature end of JPEG image' },
      { path: `${nastyNames.rightToLeft}/empty.png`, kind: 'empty', reason: 'the file has no bytes' },
      {
        path: `${nastyNames.long}/huge.png`,
        kind: 'giant',
        reason: '81,000,000 pixels, over data.maxPixels 50,000,000',
      },
    ],
    duplicatesAcrossSplits: [
      {
        members: [
          { path: 'apples/001.jpg', split: 'train' },
          { path: `${nastyNames.attribute}/copy of 001.jpg`, split: 'test' },
        ],
      },
    ],
    notes: ['apples/017.jpg is a PNG by its content; it was read as one'],
  };
}

/** Every record has a picture but the last of each cluster, which is shown by its name. */
function examplePictures({ clusters, neighbours }: Evaluation): ReadonlyMap<string, string> {
  const paths = [
    ...clusters.flatMap(({ nearest }) => nearest),
    ...neighbours.flatMap(({ path, nearest }) => [path, ...nearest.map((near) => near.path)]),
  ].filter((path) => !path.endsWith('/7.png') || path.startsWith('test/'));
  return new Map(paths.map((path) => [path, blobPicture(path)]));
}

/** A 24 × 24 PNG of a disc in colours made from the name. */
function blobPicture(seed: string): string {
  const edge = 24;
  const bytes = createHash('sha256').update(seed).digest();
  const pixels = Uint8Array.from({ length: 3 * edge * edge }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % edge, Math.floor(i / 3 / edge)];
    const inside = Math.hypot(x - 8 - (bytes[6] % 8), y - 8 - (bytes[7] % 8)) < 5 + (bytes[8] % 5);
    return bytes[(i % 3) + (inside ? 3 : 0)];
  });
  return `data:image/png;base64,${Buffer.from(encodePng(pixels, edge, edge)).toString('base64')}`;
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
