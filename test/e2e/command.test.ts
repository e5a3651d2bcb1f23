/**
 * Kill -9 of the command itself, alone and together with the guardian of the local stack: the same command again goes on
 * and ends with the same bits, and nothing that was left behind blocks it (E1, E2, W3). Neither does what `gc` deletes of it (S9).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stackStatus, stopStack } from '../../infra/stack/client';
import { isAlive } from '../../infra/stack/processes';
import { readState, type ProcessMark } from '../../infra/stack/state';
import { copyFruits, fruitsAreHere } from './real-photos';
import { projectRoot, reachedStep } from './stand';
import { STEPS, tinyInput } from './tiny-run';

const suite = fruitsAreHere ? describe : describe.skip;
if (!fruitsAreHere) console.warn('end-to-end: ../shared/datasets/fruits360_3body is absent, commands are not killed');

suite('kill -9 of `lodestone run`', () => {
  let directory: string;
  let stateDir: string;
  const seen = new Map<number, ProcessMark>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lodestone-command-'));
    stateDir = join(directory, 'state', 'stack');
    const photos = join(directory, 'photos');
    await mkdir(photos);
    await copyFruits(photos, 3, 24);
    const { recipe } = tinyInput(photos, { checkpointSeconds: 0.1 });
    await writeFile(join(directory, 'tiny.yaml'), JSON.stringify(recipe)); // JSON is YAML
  }, 60_000);
  afterAll(async () => {
    if (existsSync(stateDir)) await stopStack(stateDir);
    await rm(directory, { recursive: true, force: true });
  }, 60_000);

  function lodestone(...words: string[]): ChildProcess {
    return spawn(process.execPath, [join(projectRoot, 'bin/lodestone.mjs'), ...words, '--json'], {
      env: { ...process.env, LODESTONE_STATE: join(directory, 'state') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  const command = (name: string): ChildProcess =>
    lodestone('run', join(directory, 'photos'), '--recipe', join(directory, 'tiny.yaml'), '--name', name);

  interface Answer {
    readonly status: string;
    readonly digests: unknown;
    readonly runs: unknown;
  }

  /** Its last line of stdout. */
  async function answerOf(child: ChildProcess): Promise<Answer> {
    const said = { out: '', err: '' };
    child.stdout?.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`exit code ${String(code)}: ${said.err}`);
    return JSON.parse(said.out.trim().split('\n').at(-1) ?? '') as Answer;
  }

  async function killedAt(child: ChildProcess, name: string, step: number): Promise<void> {
    while ((await reachedStep(join(stateDir, 'worker'), name)) < step) {
      if (child.exitCode !== null) throw new Error(`${name} ended before step ${step}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill('SIGKILL');
    remember();
  }

  /** Every process that the stack has now, so that none of them is left at the end. */
  function remember(): void {
    const state = readState(stateDir);
    for (const mark of [...(state?.processes ?? []), ...(state?.guardian ? [state.guardian] : [])])
      seen.set(mark.pid, mark);
  }

  it('E1, E2, W3: the same command again goes on to the same bits, and leaves nothing behind', async () => {
    const name = 'cut-short';
    await killedAt(command(name), name, STEPS + 5);
    await killedAt(command(name), name, STEPS + 15); // at once: attaches to the run that never stopped

    const third = command(name);
    await killedAt(third, name, 2 * STEPS + 5);
    const guardian = readState(stateDir)?.guardian;
    if (!guardian) throw new Error('there is no guardian to kill');
    process.kill(guardian.pid, 'SIGKILL');

    const cut = await answerOf(command(name));
    const whole = await answerOf(command('whole'));
    expect([cut.status, whole.status]).toEqual(['finished', 'finished']);
    expect(cut.digests).toEqual(whole.digests);

    remember();
    while ((await stackStatus(stateDir)).type !== 'stopped') await new Promise((resolve) => setTimeout(resolve, 100));
    expect([...seen.values()].filter(isAlive)).toEqual([]);
    expect(seen.size).toBeGreaterThan(4); // guardian, two servers, worker, and those that took their place
    expect(readState(stateDir)?.leases).toEqual([]);
    expect(await readFile(join(stateDir, 'worker/trainer.json'), 'utf8').then(trainerRuns)).toBe(false);
  }, 240_000);

  it('S9: after gc a run is shown as before, and extended with the bits of one that kept everything', async () => {
    const shown = (await answerOf(lodestone('show', 'cut-short'))).digests;
    const { runs } = await answerOf(lodestone('gc', 'cut-short', '--grace', '0'));
    expect(runs).toEqual([expect.objectContaining({ run: 'cut-short', checkpoints: expect.any(Number) as number })]);
    expect((runs as { checkpoints: number }[])[0].checkpoints).toBeGreaterThan(0);
    expect((await answerOf(lodestone('gc', 'cut-short', '--grace', '0'))).runs).toEqual([
      { run: 'cut-short', bytes: 0, checkpoints: 0, parts: 0, blobs: 0, damaged: [] },
    ]);
    expect((await answerOf(lodestone('show', 'cut-short'))).digests).toEqual(shown);
    const [cut, whole] = [
      await answerOf(lodestone('extend', 'cut-short', '4')),
      await answerOf(lodestone('extend', 'whole', '4')),
    ];
    expect(cut.digests).toEqual(whole.digests);
    expect(cut.digests).not.toEqual(shown);
  }, 240_000);
});

function trainerRuns(record: string): boolean {
  return isAlive(JSON.parse(record) as ProcessMark);
}
