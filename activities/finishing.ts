/** The end of a run, a comparison and a recovery: the result by reference, and the page that people read. */
import type { Evaluation, ObjectRef, RunResult } from '../config/artifacts';
import { digestOf, sha256Hex } from '../config/canonical-json';
import { crossesSplits } from '../datasets/manifest';
import { renderComparison } from '../report/comparison-report';
import type { ComparedRun, DataSetSummary } from '../report/inputs';
import { renderRecovery } from '../report/recovery-report';
import { renderRunReport } from '../report/run-report';
import { replaceManifest, readManifest } from '../storage/commits';
import { IndexManifest } from '../config/artifacts';
import { Outcome } from '../config/outcome';
import type { DataSource } from '../config/workflow-input';
import { runLayout } from '../storage/run-layout';
import { uriOf } from '../storage/store';
import { bindRun, FinishedRecord } from './binding';
import { withDataSet, type LocalDataSet } from './data-set';
import { readEvents } from './events';
import { rejectingInput, rejectingRecords, translating } from './failures';
import { beating } from './heartbeat';
import { picturesOf } from './pictures';
import { chainTo, curveOf, evaluationAt, indicesOf, isOfOneEnvironment } from './run-records';
import { reproducingCommand } from './reproducing-command';
import type {
  BindRequest,
  ChildRun,
  ComparisonRequest,
  FinishedRun,
  FinishRequest,
  PipelineActivities,
  RecoveryRequest,
  RecoverySummary,
} from './requests';
import type { Services } from './services';

type Finishing = Pick<PipelineActivities, 'bindRun' | 'finishRun' | 'writeComparison' | 'writeRecovery'>;

export function createFinishing(services: Services, version: string): Finishing {
  return translating({
    bindRun: (request: BindRequest) => beating(() => bindRun(services, request)),
    finishRun: (request: FinishRequest) => beating(() => finishRun(services, version, request)),
    writeComparison: (request: ComparisonRequest) => beating(() => writeComparison(services, version, request)),
    writeRecovery: (request: RecoveryRequest) => beating(() => writeRecovery(services, version, request)),
  });
}

async function finishRun(services: Services, version: string, request: FinishRequest): Promise<FinishedRun> {
  const { store } = services;
  const { run, recipe, checkpoint, index } = request;
  const layout = runLayout(run);
  const { evaluation, chain, curve, indexTensors, indices } = await rejectingInput('records of the run', async () => {
    const chain = await chainTo(store, checkpoint, request.warmStart);
    return {
      chain,
      curve: await curveOf(store, chain),
      evaluation: await evaluationAt(store, request.evaluation),
      indexTensors: (await readManifest(store, index.manifest, IndexManifest)).tensors,
      indices: await indicesOf(store, run),
    };
  });
  const last = chain[chain.length - 1];
  const { headline, readouts, retrieval, baselines } = evaluation;
  const result: RunResult = {
    version: 1,
    run,
    objective: recipe.objective,
    status: request.status,
    epochs: request.epochs,
    configuration: request.configuration,
    dataSet: request.dataSet,
    checkpoint,
    index,
    evaluation: request.evaluation,
    digests: {
      weights: last.tensors.sha256,
      index: indexTensors.sha256,
      curves: digestOf(curve),
      metrics: metricsDigest(evaluation),
    },
    metrics: { trained: headline.trained, fine: headline.fine, readouts, retrieval, baselines },
    reproducibility: isOfOneEnvironment(chain, indices, evaluation) ? 'identical' : 'equivalent',
  };
  const events = await readEvents(store, run);
  const html = await withDataSet(services, request.dataSet, async (local) =>
    renderRunReport({
      run,
      result,
      evaluation,
      recipe,
      curve,
      refreshes: chain.filter(({ position }) => position.phase === 'train').map(({ position }) => position.globalStep),
      resumes: events.flatMap((event) =>
        event.type === 'attempt' && event.phase === 'train' && event.resumedFrom !== null ? [event.resumedFrom] : [],
      ),
      validationErrors: request.validationErrors,
      speed: {
        epochs: events.flatMap((event) => (event.type === 'speed' ? [event] : [])),
        environment: last.fingerprint,
      },
      dataSet: summaryOf(request.data, local),
      images: await picturesOf(local, shownIn(evaluation)),
      command: reproducingCommand('run', request.data, recipe),
      version,
    }),
  );
  const report = await putPage(services, layout.report, html);
  await replaceManifest(store, layout.result, FinishedRecord, { result, report });
  return { result, report };
}

async function writeComparison(services: Services, version: string, request: ComparisonRequest): Promise<ObjectRef> {
  const { name, data, recipe, status, warmStart } = request;
  const objectives = await Promise.all(
    request.objectives.map((child) => rejectingRecords(child.run, () => compared(services, child, request))),
  );
  const { dataSet: first } = request.objectives[0].result;
  const dataSet = await withDataSet(services, first, (local) => Promise.resolve(summaryOf(data, local)));
  const names = objectives.map(({ objective }) => objective);
  const command = reproducingCommand('compare', data, recipe, names);
  const html = renderComparison({ name, objectives, warmStart: warmStart.digest, recipe, version, dataSet, command });
  const report = await putPage(services, runLayout(name).report, html);
  const kept: Outcome = { type: 'comparison', name, status, objectives: [...request.objectives], report };
  await replaceManifest(services.store, runLayout(name).result, Outcome, kept);
  return report;
}

async function compared(
  { store }: Services,
  { objective, run, result }: ChildRun,
  { warmStart }: ComparisonRequest,
): Promise<ComparedRun> {
  const chain = await chainTo(store, result.checkpoint, warmStart);
  const epochs = chain.filter(({ position }) => position.phase === 'train');
  const indices = await indicesOf(store, run);
  const validationErrors = [...epochs.map(({ index }) => index), result.index.digest].map((digest) =>
    digest === result.index.digest
      ? result.index.validationError
      : (indices.get(digest ?? '')?.validationError ?? null),
  );
  return {
    objective,
    run,
    result,
    evaluation: await evaluationAt(store, result.evaluation),
    curve: await curveOf(store, chain),
    validationErrors,
  };
}

async function writeRecovery(
  services: Services,
  version: string,
  { name, data, recipe, status, pairings }: RecoveryRequest,
): Promise<{ report: ObjectRef; summary: RecoverySummary[] }> {
  const objectives = [...new Set(pairings.flatMap((pairing) => pairing.objectives.map(({ objective }) => objective)))];
  const summary = objectives.map((objective): RecoverySummary => {
    const fine = pairings.flatMap((pairing) =>
      pairing.objectives.flatMap((child) =>
        child.objective === objective && child.result.metrics.fine ? [child.result.metrics.fine] : [],
      ),
    );
    const errors5 = fine.flatMap(({ error5 }) => error5 ?? []);
    return {
      objective,
      pairings: fine.length,
      error1: spread(fine.map(({ error1 }) => error1)),
      error5: errors5.length === 0 ? null : spread(errors5),
    };
  });
  const html = renderRecovery({
    name,
    pairings,
    summary,
    version,
    command: reproducingCommand('recover', data, recipe, objectives, pairings.length),
  });
  const report = await putPage(services, runLayout(name).report, html);
  const runs = pairings.map((pairing) => ({ ...pairing, objectives: [...pairing.objectives] }));
  const kept: Outcome = { type: 'recovery', name, status, pairings: runs, summary, report };
  await replaceManifest(services.store, runLayout(name).result, Outcome, kept);
  return { report, summary };
}

/** A page may be written again: it is a view of what is committed. */
async function putPage({ store }: Services, key: string, html: string): Promise<ObjectRef> {
  const bytes = Buffer.from(html);
  await store.put(key, bytes);
  return { uri: uriOf(store, key), sha256: sha256Hex(bytes), bytes: bytes.length };
}

function summaryOf(data: DataSource, { manifest }: LocalDataSet): DataSetSummary {
  return {
    source: data.type === 'folder' ? data.path : `procedural species, seed ${data.seed}`,
    records: manifest.records.length,
    quarantined: manifest.quarantined,
    duplicatesAcrossSplits: manifest.duplicates.filter(crossesSplits),
    notes: manifest.notes,
  };
}

function shownIn({ clusters, neighbours }: Evaluation): string[] {
  return [
    ...clusters.flatMap(({ nearest }) => nearest),
    ...neighbours.flatMap(({ path, nearest }) => [path, ...nearest.map((near) => near.path)]),
  ];
}

/** Of what was measured, not of which manifests it was measured on. */
function metricsDigest({ readouts, retrieval, baselines, variance, confusions }: Evaluation): string {
  return digestOf({ readouts, retrieval, baselines, variance, confusions });
}

/** Mean and sample standard deviation. */
function spread(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}
