/**
 * What the activity host and its trainer child say to each other: one union per direction (DESIGN §6).
 * Paths instead of bytes, but for records that are not on the disk yet: the child reads and writes local files and never
 * speaks S3 or Temporal.
 */
import type { Phase, Position } from '../../config/artifacts';
import type { Recipe } from '../../config/recipe';
import type { EpochSpeed } from '../../config/speed';
import type { FailureKind } from '../../errors';
import type { HeartbeatDetails } from '../requests';

/** The data and configuration that a session is made of; equal specs share a warm session. */
export interface LoadSpec {
  readonly recipe: Recipe;
  readonly manifest: string;
  /** Where the local files of the manifest's shards are, or will be (P7); in their order. */
  readonly shards: readonly string[];
}

/** A committed checkpoint as local files. */
export interface StateFiles {
  readonly digest: string;
  readonly position: Position;
  readonly tensors: string;
  readonly curve: string;
}

/** A committed index as a local file. */
export interface IndexFile {
  readonly digest: string;
  readonly tensors: string;
}

/** Whole batches of learning/training/embedding.ts; 20 s of a large network on two cores. */
export const EXAMPLES_OF_PART = 2048;

/** Embeddings of some consecutive examples as a local file. */
export interface PartFile {
  /** From 0, in parts of one size. */
  readonly part: number;
  readonly tensors: string;
}

/** What is known of a part that another trainer may have committed. */
export interface FoundPart {
  readonly isThere: boolean;
  /** Its local file; null: not asked for, or there is none. */
  readonly tensors: string | null;
}

/** Which of `of` equal shares of all parts a trainer begins with; it goes on with what is missing of the others. */
export interface Share {
  readonly at: number;
  /** 1: nobody else embeds. */
  readonly of: number;
}

interface Work {
  readonly id: string;
  readonly load: LoadSpec;
  /** null: the initial weights. */
  readonly from: StateFiles | null;
  /** An empty folder for what the work writes; the host removes it. */
  readonly scratch: string;
}

export type TrainWork = Work & {
  readonly type: 'train';
  readonly phase: Phase;
  readonly epoch: number;
  readonly index: IndexFile | null;
  /** Seconds between checkpoints inside the epoch; 0: after every step. */
  readonly checkpointSeconds: number;
  /** Whether some steps are traced. */
  readonly profile: boolean;
};
/** What the works that embed many examples share. */
type EmbedWork = Work & {
  /** Embedded and committed by an earlier attempt at the same work. */
  readonly parts: readonly PartFile[];
  /** Seconds between commits of what is embedded; 0: after every part. */
  readonly checkpointSeconds: number;
  readonly share: Share;
};
export type RefreshWork = EmbedWork & {
  readonly type: 'refresh';
  readonly epoch: number;
  readonly previous: IndexFile | null;
};
export type EvaluateWork = EmbedWork & { readonly type: 'evaluate'; readonly index: IndexFile };
/** Embeds for a refresh or an evaluation of another trainer. */
export type HelpWork = EmbedWork & { readonly type: 'help'; readonly examples: 'train+validation' | 'all' };
export type TrainerWork = TrainWork | RefreshWork | EvaluateWork | HelpWork;

export type HostMessage =
  | TrainerWork
  /** Checkpoint and end the work under way. */
  | { readonly type: 'stop'; readonly id: string }
  /** A checkpoint of this work is committed under this digest. */
  | { readonly type: 'committed'; readonly id: string; readonly sequence: number; readonly digest: string }
  | { readonly type: 'found'; readonly id: string; readonly request: number; readonly found: FoundPart }
  | { readonly type: 'records'; readonly id: string; readonly request: number; readonly bytes: Uint8Array | null };

export interface SavedState {
  readonly sequence: number;
  readonly position: Position;
  readonly tensors: string;
  readonly curve: string;
}

export type WorkResult =
  | {
      readonly type: 'trained';
      readonly outcome: 'finished' | 'stopped';
      /** null: no step was made. */
      readonly speed: EpochSpeed | null;
      /** A StepProfile as a file; null: not asked for, or no step was made. */
      readonly profile: string | null;
    }
  | {
      readonly type: 'refreshed';
      readonly kind: 'clusters' | 'embeddings';
      readonly tensors: string;
      readonly variance: number | null;
      readonly clusters: number;
      readonly validationError: number | null;
      readonly warnings: readonly string[];
    }
  | { readonly type: 'evaluated'; readonly evaluation: string }
  /** The parts that this work made. */
  | { readonly type: 'helped'; readonly parts: readonly number[] };

/**
 * How long the child may take to be ready, may stay silent in what it does now (P5), and may take to be gone once it is killed:
 * no time at all, unless it hangs in a driver.
 */
export const deadlinesMs = {
  start: 300_000,
  end: 60_000,
  load: 900_000,
  step: 300_000,
  commit: 900_000,
  refresh: 600_000,
  evaluate: 900_000,
} as const;
export type Activity = Exclude<keyof typeof deadlinesMs, 'start' | 'end'>;

export type ChildMessage =
  | { readonly type: 'ready'; readonly fingerprint: Readonly<Record<string, string>> }
  | { readonly type: 'doing'; readonly id: string; readonly activity: Activity }
  /** A step is applied; its global number. */
  | { readonly type: 'stepped'; readonly id: string; readonly globalStep: number }
  | { readonly type: 'progress'; readonly id: string; readonly details: HeartbeatDetails }
  | { readonly type: 'checkpoint'; readonly id: string; readonly state: SavedState }
  | { readonly type: 'part'; readonly id: string; readonly part: PartFile }
  /** Whether another trainer has made a part; answered by 'found' with the same number. */
  | {
      readonly type: 'find';
      readonly id: string;
      readonly request: number;
      readonly part: number;
      readonly bring: boolean;
    }
  /** Records of a shard; answered by 'records' with the same number: null where its file is there and verified. */
  | {
      readonly type: 'read';
      readonly id: string;
      readonly request: number;
      readonly shard: number;
      readonly positions: readonly number[];
    }
  | { readonly type: 'done'; readonly id: string; readonly result: WorkResult }
  | {
      readonly type: 'failed';
      readonly id: string | null;
      readonly kind: FailureKind;
      readonly message: string;
      readonly facts: Readonly<Record<string, string | number | boolean | null>>;
    };
