/**
 * What the pages are made of: plain values that the caller has already read, parsed and paired with pictures.
 * Knows the stored JSON's types (config/). Does not know where any of it is kept.
 */
import { type CurveRow, type Evaluation, type Phase, type RunResult, type SplitName } from '../config/artifacts';
import { type ObjectiveName } from '../config/objective';
import { type Recipe } from '../config/recipe';
import { type EpochSpeed } from '../config/speed';

/** One step of a curve, with the phase that it belongs to; steps are counted through each phase. */
export type CurvePoint = CurveRow & { readonly phase: Phase };

export interface DataSetSummary {
  /** Where the images came from, as the user named it. */
  readonly source: string;
  readonly records: number;
  readonly quarantined: readonly { readonly path: string; readonly kind: string; readonly reason: string }[];
  readonly duplicatesAcrossSplits: readonly {
    readonly members: readonly { readonly path: string; readonly split: SplitName }[];
  }[];
  readonly notes: readonly string[];
}

/** What training cost, attempt by attempt, in the order of time. */
export interface SpeedInput {
  readonly epochs: readonly { readonly phase: Phase; readonly epoch: number; readonly speed: EpochSpeed }[];
  /** What the last steps ran on (engine/fingerprint.ts). */
  readonly environment: Readonly<Record<string, string>>;
}

export interface RunReportInput {
  readonly run: string;
  readonly result: RunResult;
  readonly evaluation: Evaluation;
  readonly recipe: Recipe;
  readonly curve: readonly CurvePoint[];
  /** Steps of the train phase after which the index was computed anew. */
  readonly refreshes: readonly number[];
  /** Steps of the train phase at which training went on after an interruption. */
  readonly resumes: readonly number[];
  /** After the warm start, then after each epoch, as shares; null where there were no validation records. */
  readonly validationErrors: readonly (number | null)[];
  readonly speed: SpeedInput;
  readonly dataSet: DataSetSummary;
  /** Record path → WebP as a data URI. A path without a picture is shown by its name. */
  readonly images: ReadonlyMap<string, string>;
  /** The shell command that reproduces the run. */
  readonly command: string;
  /** Version of lodestone that wrote the page. */
  readonly version: string;
}

export interface ComparedRun {
  readonly objective: ObjectiveName;
  readonly run: string;
  readonly result: RunResult;
  readonly evaluation: Evaluation;
  readonly curve: readonly CurvePoint[];
  readonly validationErrors: readonly (number | null)[];
}

export interface ComparisonInput {
  readonly name: string;
  readonly objectives: readonly ComparedRun[];
  /** Digest of the checkpoint that every objective started from. */
  readonly warmStart: string;
  readonly dataSet: DataSetSummary;
  readonly recipe: Recipe;
  readonly command: string;
  readonly version: string;
}

export interface PairingResults {
  readonly pairing: number;
  readonly objectives: readonly {
    readonly objective: ObjectiveName;
    readonly run: string;
    readonly result: RunResult;
  }[];
}

/** Over the pairings, of the fine classes' error by soft-kNN, as shares. */
export interface RecoveryFigures {
  readonly objective: ObjectiveName;
  readonly pairings: number;
  readonly error1: { readonly mean: number; readonly sd: number };
  /** null: with five classes or fewer there is none. */
  readonly error5: { readonly mean: number; readonly sd: number } | null;
}

export interface RecoveryInput {
  readonly name: string;
  readonly pairings: readonly PairingResults[];
  readonly summary: readonly RecoveryFigures[];
  readonly command: string;
  readonly version: string;
}
