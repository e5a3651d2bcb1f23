/**
 * A disk that fills up under the local stack while a run is under way: store, Temporal's database and the worker's files are on
 * it. The view says so; once there is room, the run or the same command given again ends with the bits of an undisturbed one.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { start, type Ended, type Running } from '../infra/setup/in-node';
import { buildGuardian, projectRoot } from '../infra/stack/support';
import { canMount } from '../storage/support/servers';

const suite = canMount() ? describe : describe.skip;

const DISK_MB = 240;
/** Long enough for Temporal and for checkpoints to want to write. */
const FULL_MS = 10_000;
const MEBIBYTE = new Uint8Array(2 ** 20);

suite('a disk that fills while a run is under way', () => {
  let folder: string;
  let disk: string;
  let running: Running | null = null;

  beforeAll(async () => {
    buildGuardian();
    folder = await mkdtemp(join(tmpdir(), 'lodestone-full-'));
    disk = join(folder, 'disk');
    await mkdir(disk);
    for (const [index, name] of ['oak', 'birch'].entries()) {
      await mkdir(join(folder, 'photos', name), { recursive: true });
      for (let i = 0; i < 30; i++) {
        const background = { r: 40 + 80 * index, g: (i * 29) % 256, b: (i * 53) % 256 };
        const png = sharp({ create: { width: 20, height: 20, channels: 3, background } }).png();
        await png.toFile(join(folder, 'photos', name, `${i}.png`));
      }
    }
  });
  afterAll(async () => {
    running?.child.kill('SIGINT');
    await running?.ended;
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
    const again = `mount -t tmpfs -o size=${DISK_MB}m none "$0" && { "$@" || "$@"; }`;
    running = start('unshare', ['-Urm', 'sh', '-c', again, disk, ...lodestone, ...short], withState(state));
    await running.said('training');
    const filler = `/proc/${running.child.pid}/root${disk}/filler`; // the disk, as those see it who have it
    try {
      fill(filler);
      await running.said(`little room: disk of ${state}`);
      await setTimeout(FULL_MS);
    } finally {
      rmSync(filler);
    }
    const filled = await running.ended;
    expect(filled.code).toBe(0);
    const other = await start(lodestone[0], [...lodestone.slice(1), ...short], withState(join(folder, 'other'))).ended;
    expect(digestsOf(filled)).toEqual(digestsOf(other));
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

/** Until nothing fits any more. */
function fill(path: string): void {
  for (;;) {
    try {
      writeFileSync(path, MEBIBYTE, { flag: 'a' });
    } catch {
      return;
    }
  }
}
