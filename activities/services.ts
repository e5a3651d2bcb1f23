/** What activities work with, made once per worker. */
import type { LocalCache } from '../storage/cache';
import type { ObjectStore } from '../storage/store';
import type { Attempts } from './attempts';
import type { TrainerHost } from './trainer/host';

export interface Services {
  readonly store: ObjectStore;
  readonly cache: LocalCache;
  /** Folder for scratch files and drawn data sets of this host. */
  readonly directory: string;
}

export interface TrainerServices extends Services {
  readonly host: TrainerHost;
  readonly attempts: Attempts;
  /** The private queue of this host and device (P6). */
  readonly hostQueue: string;
  /** How many workers ask the shared queue of trainers for work, this one among them; a hint. */
  readonly countTrainers: () => Promise<number>;
}
