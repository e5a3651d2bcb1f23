/**
 * The host side of the trainer: one child process per device, kept warm between works, watched and respawned.
 *
 *   P2  One work at a time; whoever comes while it runs gets DeviceBusy after 5 s, never a silent wait. Help for another
 *       trainer gives way at once, and is not begun where a run is between two works: it would lose its warm session.
 *   P4  A child that dies by itself or hangs ends its work with TrainerLost; the next work spawns another.
 *   P5  The child says what it does, and that has a deadline: silent for longer, it is killed.
 *   S7  Commits go on while training does; one that fails for too long ends the work.
 */
import type { CheckpointRef } from '../../config/artifacts';
import { canonicalJson } from '../../config/canonical-json';
import { assertNever, LodestoneError } from '../../errors';
import type { FetchRecords } from '../../datasets/shard-source';
import type { HeartbeatDetails } from '../requests';
import {
  deadlinesMs,
  type Activity,
  type FoundPart,
  type PartFile,
  type SavedState,
  type TrainerWork,
  type WorkResult,
} from './protocol';
import { spawnTrainer, tell, type Child, type TrainerSettings } from './spawn';

export interface TrainerHooks {
  /** Told of every step of training by its global number. */
  onStep(globalStep: number): void;
  onProgress(details: HeartbeatDetails): void;
  /** Uploads and commits; resolves with the committed checkpoint. */
  commit(state: SavedState, fingerprint: Readonly<Record<string, string>>): Promise<CheckpointRef>;
  /** Uploads and commits embeddings. */
  keepPart(part: PartFile): Promise<void>;
  /** Whether another trainer has committed a part by now; `bring`: as a local file. */
  findPart(part: number, bring: boolean): Promise<FoundPart>;
  /** Records of a shard; null where its file is there and verified. */
  readonly fetch: FetchRecords;
  /** Whether the data set is still on its way. */
  isFilling(): boolean;
}

export interface WorkOutcome {
  readonly result: WorkResult;
  /** The last checkpoint committed by this work; null: none. */
  readonly checkpoint: CheckpointRef | null;
}

/** Who has the device. */
interface Holder {
  readonly ended: Promise<unknown>;
  /** Asks help to end; null: a run's own work, which ends when it is done. */
  readonly giveWay: AbortController | null;
}

const BUSY_AFTER_MS = 5_000;
/** A run asks for its next work within this time, or has none for this device. */
const BETWEEN_WORKS_MS = 5_000;

export class TrainerHost {
  private child: Child | null = null;
  private holder: Holder | null = null;
  /** The run whose own work was the last one, and when that ended. */
  private lastRun: { readonly run: string; readonly endedMs: number } | null = null;
  /** Resolves when every child that was killed is gone. */
  private ending: Promise<unknown> = Promise.resolve();
  private kills = 0;
  /** The work that was last asked to end. */
  private stopping: string | null = null;

  /** @param onSpawn told of each child, so that a later host can find what a dead one left (P2) */
  constructor(private readonly onSpawn: (pid: number) => Promise<void> = () => Promise.resolve()) {}

  /** Takes the device for a run's own work, for as long as `use` runs. */
  async withDevice<T>(run: string, use: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + BUSY_AFTER_MS;
    while (this.holder) {
      this.holder.giveWay?.abort();
      if (performance.now() > deadline)
        throw busy('the device is held by other work for more than 5 s. The activity is tried again by itself.');
      await Promise.race([this.holder.ended, sleep(100)]);
    }
    try {
      return await this.hold(null, use);
    } finally {
      this.lastRun = { run, endedMs: performance.now() };
    }
  }

  /**
   * Takes the device to help a run, where nothing else wants it; throws DeviceBusy at once where something does.
   * @param use is told by the signal when other work comes, and has to end soon
   */
  async withSpareDevice<T>(run: string, use: (wanted: AbortSignal) => Promise<T>): Promise<T> {
    if (this.holder) throw busy('the device is held by other work.');
    const { lastRun } = this;
    if (lastRun !== null && lastRun.run !== run && performance.now() - lastRun.endedMs < BETWEEN_WORKS_MS)
      throw busy(`the device is kept for the next work of ${lastRun.run}.`);
    const giveWay = new AbortController();
    return this.hold(giveWay, () => use(giveWay.signal));
  }

  private async hold<T>(giveWay: AbortController | null, use: () => Promise<T>): Promise<T> {
    const running = use();
    this.holder = { giveWay, ended: running.catch(() => undefined) };
    try {
      return await running;
    } finally {
      this.holder = null;
    }
  }

  /** Of the child that works with these settings, which is started where it is not there. */
  async fingerprint(settings: TrainerSettings): Promise<Readonly<Record<string, string>>> {
    return (await this.ready(settings)).fingerprint;
  }

  /** Performs a work in the child. Throws TrainerLost where the child ends or hangs, or the child's own failure. */
  async perform(work: TrainerWork, settings: TrainerSettings, hooks: TrainerHooks): Promise<WorkOutcome> {
    const child = await this.ready(settings);
    return new Promise<WorkOutcome>((resolve, reject) => {
      let checkpoint: CheckpointRef | null = null;
      let commits: Promise<void> = Promise.resolve();
      let watch: NodeJS.Timeout | undefined;
      let isOver = false;
      const finish = (end: () => void): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(watch);
        child.onMessage = null;
        child.onEnd = null;
        end();
      };
      const fail = (error: unknown): void =>
        finish(() => reject(error instanceof Error ? error : new Error(String(error))));
      let doing: Activity = 'load';
      const alive = (): void => {
        clearTimeout(watch);
        watch = setTimeout(() => {
          if (hooks.isFilling()) return alive(); // its commits wait for the data set
          this.end(child);
          fail(
            new LodestoneError(
              'TrainerLost',
              `trainer: silent for ${deadlinesMs[doing] / 1000} s in ${doing}; it was killed. The work goes on from the last checkpoint.`,
            ),
          );
        }, deadlinesMs[doing]);
      };
      /** The child may belong to later work by the time that something of this one fails. */
      const failHard = (error: unknown): void => {
        if (isOver) return;
        this.end(child);
        fail(error);
      };
      const queue = (next: () => Promise<void>): void => {
        commits = commits.then(next);
        commits.catch(failHard);
      };
      const commit = async (state: SavedState): Promise<void> => {
        checkpoint = await hooks.commit(state, child.fingerprint);
        tell(child, { type: 'committed', id: work.id, sequence: state.sequence, digest: checkpoint.digest });
      };
      child.onEnd = (reason) =>
        fail(
          new LodestoneError(
            'TrainerLost',
            `trainer: the process ended (${reason}) before its work did. The work goes on from the last checkpoint.`,
          ),
        );
      child.onMessage = (message) => {
        if (!('id' in message) || message.id !== work.id) return;
        alive();
        switch (message.type) {
          case 'doing':
            doing = message.activity;
            alive();
            return;
          case 'stepped':
            return hooks.onStep(message.globalStep);
          case 'progress':
            return hooks.onProgress(message.details);
          case 'checkpoint':
            return queue(() => commit(message.state));
          case 'part':
            return queue(() => hooks.keepPart(message.part));
          case 'read':
            hooks.fetch(message.shard, message.positions).then((bytes) => {
              tell(child, { type: 'records', id: work.id, request: message.request, bytes });
            }, failHard);
            return;
          case 'find':
            hooks.findPart(message.part, message.bring).then((found) => {
              tell(child, { type: 'found', id: work.id, request: message.request, found });
            }, failHard);
            return;
          case 'done':
            clearTimeout(watch);
            // What is under way still reads the work's scratch folder.
            return queue(() => Promise.resolve(finish(() => resolve({ result: message.result, checkpoint }))));
          case 'failed':
            clearTimeout(watch);
            return queue(() => {
              fail(new LodestoneError(message.kind, message.message, { facts: message.facts }));
              this.end(child); // what it holds may be half a step further than any commit (B3)
              return Promise.resolve();
            });
          default:
            return assertNever(message);
        }
      };
      alive();
      tell(child, work);
      if (this.stopping === work.id) tell(child, { type: 'stop', id: work.id });
    });
  }

  /** Asks a work to checkpoint and end, also one that is only about to begin. */
  stop(id: string): void {
    this.stopping = id;
    if (this.child) tell(this.child, { type: 'stop', id });
  }

  /** Ends the child at once, also one that is only about to begin; what it had not committed is lost, and made again. */
  kill(): void {
    this.kills += 1;
    if (this.child) this.end(this.child);
  }

  private end(child: Child): void {
    child.process.kill('SIGKILL');
    this.ending = Promise.all([this.ending, child.ended]);
    if (this.child === child) this.child = null;
  }

  private async ready(settings: TrainerSettings): Promise<Child> {
    const held = this.child;
    if (held?.alive && canonicalJson(held.settings) === canonicalJson(settings)) return held;
    if (held) this.end(held);
    const { kills } = this;
    // Its memory of the device is free then. Beside it another one would only be out of memory.
    if (!(await within(deadlinesMs.end, this.ending)))
      throw new LodestoneError(
        'TrainerLost',
        `trainer: the one before is killed and does not end within ${deadlinesMs.end / 1000} s. Does the device's driver answer?`,
      );
    if (this.kills !== kills) throw new LodestoneError('TrainerLost', 'trainer: it was ended before it began.');
    const { child, loaded } = spawnTrainer(settings);
    this.child = child; // also while it loads: whoever kills the trainer means this one
    try {
      if (child.process.pid !== undefined) await this.onSpawn(child.process.pid);
      if (!(await within(deadlinesMs.start, loaded)))
        throw new LodestoneError(
          'TrainerLost',
          `trainer: not ready after ${deadlinesMs.start / 1000} s, it was killed. Does the device's driver answer? ${child.words.text}`.trim(),
        );
    } catch (error) {
      this.end(child);
      throw error;
    }
    return child;
  }
}

function busy(why: string): LodestoneError {
  return new LodestoneError('DeviceBusy', `trainer: ${why}`);
}

/** @returns whether it is done in time; rejects as it does */
async function within(ms: number, done: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([done.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
