/**
 * A disk that fills up under the local stack while a run is under way: store, Temporal's database and the worker's files are on
 * it. The view says so; once there is room, the run or the same command given again ends with the bits of an undisturbed one.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { stopStack } from '../../infra/stack/client';
import { endpointsAt } from '../../infra/stack/programs';
import { readState } from '../../infra/stack/state';
import { writeClassFolders } from '../datasets/made-images';
import { start, type Ended, type Running } from '../infra/setup/in-node';
import { buildGuardian, projectRoot } from '../infra/stack/support';
import { canMount, onSmallDisk, seenFromHere, smallDisk } from '../storage/support/small-disk';

const suite = canMount() ? describe : describe.skip;

const DISK_MB = 240;
/** How long the server may take to answer a write. */
const ANSWER_MS = 5_000;

suite('a disk that fills while a run is under way', () => {
  let folder: string;
  let disk: string;
  let other: string;
  let running: Running | null = null;

  beforeAll(async () => {
    buildGuardian();
    folder = await mkdtemp(join(tmpdir(), 'lodestone-full-'));
    disk = join(folder, 'disk');
    other = join(folder, 'other');
    await mkdir(disk);
    await writeClassFolders(join(folder, 'photos'), { oak: 30, birch: 30 });
  });
  afterAll(async () => {
    running?.child.kill('SIGINT');
    await running?.ended;
    const stack = join(other, 'stack');
    if (existsSync(stack)) await stopStack(stack); // its servers outlive the command a little, and write
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('is named in the view; freed, the run comes to the bits of an undisturbed one', async () => {
    const lodestone = [
      process.execPath,
      join(projectRoot, 'bin/lodestone.mjs'),
      'run',
      join(folder, 'photos'),
      '--json',
    ];
    const short = ['--epochs', '8', '--set', 'network.inputSize=16', '--set', 'stepsPerEpoch=150'];
    const state = join(disk, 'state');
    const [command, ...args] = onSmallDisk(DISK_MB, disk, [...lodestone, ...short], '{ "$@" || "$@"; }');
    running = start(command, args, withState(state));
    await running.said('training');
    const here = (path: string): string => seenFromHere(running?.child.pid ?? 0, path);
    const small = smallDisk(here(join(disk, 'ballast')));
    const address = temporalOf(here(join(state, 'stack')));
    await small.fill();
    try {
      await running.said(`little room: disk of ${state}`);
      await untilRefused(address);
    } finally {
      await small.free();
    }
    const filled = await running.ended;
    expect(filled.code).toBe(0);
    const undisturbed = await start(lodestone[0], [...lodestone.slice(1), ...short], withState(other)).ended;
    expect(digestsOf(filled)).toEqual(digestsOf(undisturbed));
  }, 300_000);
});

function withState(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, LODESTONE_STATE: folder };
}

/** Of the last line of stdout, weights, index and curves. */
function digestsOf({ stdout }: Ended): unknown {
  const { digests } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { digests: object };
  expect(digests).toMatchObject({ weights: expect.any(String) });
  return digests;
}

function temporalOf(stateDir: string): string {
  const ports = readState(stateDir)?.ports;
  if (!ports) throw new Error(`no stack runs in ${stateDir}`);
  return endpointsAt(ports).temporalAddress;
}

/** Until the server cannot write what it is asked to. */
async function untilRefused(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection });
  const write = (): Promise<unknown> =>
    workflow.start('nobodyRunsThis', { workflowId: randomUUID(), taskQueue: 'nobody-listens', args: [] });
  try {
    for (;;) await connection.withDeadline(Date.now() + ANSWER_MS, write);
  } catch {
    return;
  } finally {
    await connection.close();
  }
}
