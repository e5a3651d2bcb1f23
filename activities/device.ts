/**
 * One trainer per device (P2): the lock of a device, trainers that a dead worker left, the private queue of a host (P6).
 * The lock is an abstract socket, which the kernel frees with the process whatever ends it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { abstractSocket } from '../config/abstract-socket';
import { LodestoneError } from '../errors';
import { deadlinesMs } from './trainer/protocol';

const WAIT_MS = 60_000;

const Trainer = z.strictObject({ pid: z.int(), started: z.string() });

/**
 * What one worker has for itself: its folder, with the trainer's record, scratch files and private queue; and the GPU where
 * there is one.
 * @param visibleGpus CUDA_VISIBLE_DEVICES: the GPUs that the worker sees, of which TensorFlow uses the first; undefined: all
 */
function locksOf(cacheDirectory: string, visibleGpus: string | undefined): string[] {
  const folder = `cpu-${createHash('sha256').update(cacheDirectory).digest('hex').slice(0, 16)}`;
  const gpu = (visibleGpus ?? '0').split(',')[0].trim();
  const hasGpu = existsSync('/proc/driver/nvidia/gpus') && gpu !== '' && gpu !== '-1';
  return hasGpu ? [folder, `gpu-${gpu}`] : [folder];
}

/** Holds the device until the process ends, or until it is closed. Throws DeviceBusy where another worker keeps it for a minute. */
export async function holdDevice(cacheDirectory: string, visibleGpus?: string): Promise<{ close(): void }> {
  const held: Server[] = [];
  const close = (): void => held.forEach((server) => server.close());
  const deadline = performance.now() + WAIT_MS;
  for (const name of locksOf(cacheDirectory, visibleGpus)) {
    for (;;) {
      const server = await listen(abstractSocket(`lodestone-device-${name}`));
      if (server) {
        held.push(server);
        break;
      }
      if (performance.now() > deadline) {
        close();
        throw new LodestoneError(
          'DeviceBusy',
          `device ${name}: another worker holds it, one trainer may use a device and a folder. Stop that worker, start this one ` +
            'with --role pipeline or cpu, or give it a GPU (CUDA_VISIBLE_DEVICES) and a folder (LODESTONE_WORKER_DIRECTORY) of its own.',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  return { close };
}

/** Remembers a trainer, so that a later worker can end it. */
export async function recordTrainer(cacheDirectory: string, pid: number): Promise<void> {
  const started = startTimeOf(pid);
  if (started !== null) await writeFile(recordPath(cacheDirectory), JSON.stringify({ pid, started }));
}

/** Ends the trainer that a dead worker recorded, if that very process still runs, and waits until it is gone: it has the device. */
export async function endLeftTrainer(cacheDirectory: string): Promise<void> {
  const text = await readFile(recordPath(cacheDirectory), 'utf8').catch(() => null);
  if (text === null) return;
  const parsed = Trainer.safeParse(parseJson(text));
  if (!parsed.success) return;
  const { pid, started } = parsed.data;
  if (startTimeOf(pid) === started) process.kill(pid, 'SIGKILL');
  const deadline = performance.now() + deadlinesMs.end;
  while (startTimeOf(pid) === started && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The private queue of this host and cache (P6): stays the same over restarts. Asked by whoever holds the folder. */
export async function hostQueueOf(cacheDirectory: string): Promise<string> {
  await mkdir(cacheDirectory, { recursive: true });
  const path = join(cacheDirectory, 'host-id');
  const held = (await readFile(path, 'utf8').catch(() => '')).trim();
  const id = held || randomUUID();
  if (held === '') {
    // There whole or not at all: an empty one would be the same queue on every host that was killed here.
    await writeFile(`${path}.part`, id);
    await rename(`${path}.part`, path);
  }
  return `lodestone-gpu-${id}`;
}

function recordPath(cacheDirectory: string): string {
  return join(cacheDirectory, 'trainer.json');
}

/** Start time of a process in clock ticks since boot; null where there is none, or only an entry that nobody has read yet. */
export function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : fields[19];
  } catch {
    return null; // no such process, or no /proc
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // half a record of a worker that was killed while it wrote
  }
}

function listen(path: string): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(path, () => resolve(server.unref()));
  });
}
