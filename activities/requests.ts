/**
 * What workflows ask of activities and what they get back: references and scalars only (payloads stay small).
 * Types alone, so that workflow code may import them.
 */
import type { CheckpointRef, IndexRef, ObjectRef, Phase, RunResult } from '../config/artifacts';
import type { ObjectiveName } from '../config/objective';
import type { Recipe } from '../config/recipe';
import type { EpochSpeed } from '../config/speed';
import type { DataSource } from '../config/workflow-input';

export interface BindRequest {
  readonly run: string;
  readonly data: DataSource;
  readonly recipe: Recipe;
  /** What tells kinds of workflow apart under one name: their configurations differ. */
  readonly kind: 'run' | 'comparison' | 'recovery';
  /** Further fields that decide the result, such as the objectives of a comparison. */
  readonly also: Readonly<Record<string, string>>;
  /** Threads that a parent has already fixed. */
  readonly threads: number | null;
}

export interface BoundRun {
  /** Digest of the result-affecting configuration (S9). */
  readonly configuration: string;
  readonly threads: number;
  readonly finished: { readonly result: RunResult; readonly report: ObjectRef } | null;
}

export interface ScanRequest {
  readonly run: string;
  readonly data: DataSource;
  readonly recipe: Recipe;
}

export interface Scanned {
  readonly scan: ObjectRef;
  readonly records: number;
  readonly shards: number;
  /** The labels that were chosen where the recipe left them open. */
  readonly label: string;
  readonly fineLabel: string | null;
}

export interface PackRequest {
  readonly data: DataSource;
  readonly recipe: Recipe;
  readonly scan: ObjectRef;
  readonly shard: number;
}

export interface AssembleRequest {
  readonly run: string;
  readonly recipe: Recipe;
  readonly scan: ObjectRef;
  readonly shards: readonly ObjectRef[];
}

/** What every activity on a trainer names: the run, its configuration and its data. */
export interface TrainerSubject {
  readonly run: string;
  readonly recipe: Recipe;
  readonly threads: number;
  readonly dataSet: ObjectRef;
}

export interface EpochRequest extends TrainerSubject {
  readonly phase: Phase;
  /** From 1. */
  readonly epoch: number;
  /** Where the epoch starts; null: the initial weights. */
  readonly from: CheckpointRef | null;
  readonly index: IndexRef | null;
}

/** Who could share the work that follows. A hint: it decides who computes, never what. Left out: nobody. */
export interface Pool {
  /** Workers that ask the shared queue of trainers for work. */
  readonly trainers: number;
  /** Parts in which the data set is embedded. */
  readonly parts: number;
}

export interface EpochOutcome {
  readonly checkpoint: CheckpointRef;
  /** stopped: a stop was asked for, and the checkpoint lies inside the epoch. */
  readonly outcome: 'finished' | 'stopped';
  /** What training it cost: a hint, which no digest contains. Left out where it was found done; null where no step was left. */
  readonly speed?: EpochSpeed | null;
  /** The private queue of the host that holds this state warm (P6). */
  readonly hostQueue: string;
  readonly pool?: Pool;
}

export interface RefreshRequest extends TrainerSubject {
  readonly checkpoint: CheckpointRef;
  readonly previous: IndexRef | null;
  readonly epoch: number;
  /** Trainers that are asked to embed with this one; left out: none. */
  readonly helpers?: number;
}

export interface RefreshOutcome {
  readonly index: IndexRef;
  readonly hostQueue: string;
  readonly pool?: Pool;
}

export interface EvaluateRequest extends TrainerSubject {
  readonly checkpoint: CheckpointRef;
  readonly index: IndexRef;
  readonly helpers?: number;
}

/** Embedding for a refresh or an evaluation that runs on another trainer. */
export interface HelpRequest extends TrainerSubject {
  readonly checkpoint: CheckpointRef;
  readonly purpose:
    | { readonly type: 'refresh'; readonly previous: IndexRef | null }
    | { readonly type: 'evaluate'; readonly index: IndexRef };
  /** Which of `of` equal shares it begins with; 0 is the share of the refresh or evaluation itself. */
  readonly share: { readonly at: number; readonly of: number };
}

export interface HelpOutcome {
  /** Parts that this attempt made. */
  readonly parts: readonly number[];
}

export interface FinishRequest extends TrainerSubject {
  readonly status: 'finished' | 'stopped';
  readonly epochs: number;
  readonly configuration: string;
  readonly checkpoint: CheckpointRef;
  readonly index: IndexRef;
  readonly evaluation: ObjectRef;
  readonly validationErrors: readonly (number | null)[];
  readonly data: DataSource;
  readonly warmStart: CheckpointRef;
}

export interface FinishedRun {
  readonly result: RunResult;
  readonly report: ObjectRef;
}

export interface ChildRun {
  readonly objective: ObjectiveName;
  readonly run: string;
  readonly result: RunResult;
}

export interface ComparisonRequest {
  readonly name: string;
  readonly data: DataSource;
  readonly recipe: Recipe;
  readonly status: RunResult['status'];
  readonly objectives: readonly ChildRun[];
  readonly warmStart: CheckpointRef;
}

export interface PairingRuns {
  readonly pairing: number;
  readonly objectives: readonly ChildRun[];
}

export interface RecoveryRequest {
  readonly name: string;
  readonly data: DataSource;
  readonly recipe: Recipe;
  readonly status: RunResult['status'];
  readonly pairings: readonly PairingRuns[];
}

/** Mean ± sd over pairings of the fine classes' error by soft-kNN, as shares. */
export interface RecoverySummary {
  readonly objective: ObjectiveName;
  readonly pairings: number;
  readonly error1: { readonly mean: number; readonly sd: number };
  /** null: with five classes or fewer there is none. */
  readonly error5: { readonly mean: number; readonly sd: number } | null;
}

/** Heartbeat details: a hint for whoever watches, never the truth. */
export interface HeartbeatDetails {
  readonly phase: string;
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly imagesPerSecond: number | null;
  readonly loss: number | null;
  /** While an epoch is trained. */
  readonly pace?: Pace;
  /** Why a commit that the work waits for does not go through; it is tried again. */
  readonly holdUp?: string;
}

/** Rates are those since the beat before. */
export interface Pace {
  readonly stepsPerSecond: number;
  /** Share of the time that the trainer waited for images. */
  readonly waitShare: number;
  /** Resident memory of the trainer process: now, and the most it ever had. */
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly tensors: number;
}

export interface PipelineActivities {
  bindRun(request: BindRequest): Promise<BoundRun>;
  scanData(request: ScanRequest): Promise<Scanned>;
  assembleDataSet(request: AssembleRequest): Promise<ObjectRef>;
  finishRun(request: FinishRequest): Promise<FinishedRun>;
  writeComparison(request: ComparisonRequest): Promise<ObjectRef>;
  writeRecovery(request: RecoveryRequest): Promise<{ report: ObjectRef; summary: RecoverySummary[] }>;
}

export interface DecodeActivities {
  packShard(request: PackRequest): Promise<ObjectRef>;
}

export interface TrainerActivities {
  trainEpoch(request: EpochRequest): Promise<EpochOutcome>;
  refreshIndex(request: RefreshRequest): Promise<RefreshOutcome>;
  evaluateRun(request: EvaluateRequest): Promise<ObjectRef>;
  helpEmbed(request: HelpRequest): Promise<HelpOutcome>;
}
