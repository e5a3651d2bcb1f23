/**
 * A disk that fills up under the local stack while a run is under way: Temporal's database and the store are on it. The view
 * says what stands in the way, nothing is lost, and once there is room the run goes on by itself.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { start, type Running } from '../infra/setup/in-node';
import { buildGuardian, projectRoot } from '../infra/stack/support';
import { canMount } from '../storage/support/servers';

const suite = canMount() ? describe : describe.skip;

const DISK_MB = 240;
const MEBIBYTE = new Uint8Array(2 ** 20);

suite('a disk that fills while a run is under way', () => {
  let folder: string;
  let disk: string;
  let running: Running;

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
    running.child.kill('SIGINT');
    await running.ended;
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('is named in the view; freed, the run goes on to its end', async () => {
    const command = [process.execPath, join(projectRoot, 'bin/lodestone.mjs'), 'run', join(folder, 'photos')];
    const short = ['--epochs', '12', '--set', 'network.inputSize=16', '--set', 'stepsPerEpoch=200'];
    const mounting = `mount -t tmpfs -o size=${DISK_MB}m none "$0" && exec "$@"`;
    const env = { ...process.env, LODESTONE_STATE: join(disk, 'state') };
    running = start('unshare', ['-Urm', 'sh', '-c', mounting, disk, ...command, ...short], env);

    await running.said('training');
    const filler = `/proc/${running.child.pid}/root${disk}/filler`; // the disk, as those see it who have it
    fill(filler);
    await running.said(`held up: disk of ${join(disk, 'state')}`);
    await new Promise((resolve) => setTimeout(resolve, 10_000)); // long enough for the server to want to write
    rmSync(filler);
    const { code, stdout } = await running.ended;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/Report: /)]);
  }, 240_000);
});

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
