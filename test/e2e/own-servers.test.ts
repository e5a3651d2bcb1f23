/**
 * Everything is the user's own: a Temporal server that TEMPORAL_ADDRESS names, a prefix of a bucket on an S3 server, workers
 * started by hand. Every command about a run, on what it prints and with which code it ends; and the stock Temporal client in the
 * place of `lodestone run`. No local stack is started, and what else the servers hold is left alone.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Running } from '../infra/setup/in-node';
import { keysOf } from '../storage/support/faulty-store';
import { hasServer, startServer, type TestServer } from '../storage/support/servers';
import {
  answerOf,
  credentialsOf,
  EPOCHS,
  interrupted,
  makePhotos,
  Shell,
  startTemporal,
  storeUri,
  temporalProgram,
  tinyRun,
  type Answer,
  type OwnTemporal,
} from './own-servers';
import { reachedStep } from './stand';

jest.setTimeout(120_000);
const suite = hasServer('minio') ? describe : describe.skip;

suite('servers of the user', () => {
  let temporal: OwnTemporal;
  let s3: TestServer;
  let shell: Shell;
  let worker: Running;
  let photos: string;
  let store: string;
  /** Digests after three epochs and after four: of the runs that nothing disturbed. */
  let whole: Answer;
  let extended: Answer;
  const theirs = { key: 'their/own.txt', text: 'nothing of lodestone' };

  beforeAll(async () => {
    [temporal, s3] = await Promise.all([startTemporal(), startServer('minio')]);
    await s3.store({ prefix: '' }).put(theirs.key, Buffer.from(theirs.text));
    await temporal.client().workflow.start('theirs', { workflowId: 'their-own', taskQueue: 'theirs' });
    store = storeUri(s3, 'mine/deep');
    shell = await Shell.open({
      TEMPORAL_ADDRESS: temporal.address,
      ...credentialsOf(s3.credentials),
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1', // the store says where it is itself: AWS variables only authenticate
    });
    photos = await makePhotos(shell.folder);
  }, 120_000);
  afterAll(async () => {
    await shell.end();
    await temporal.end();
  });

  const on = (...words: string[]) => shell.lodestone([...words, '--store', store]);
  const train = (name: string, ...more: string[]) => on(...tinyRun(photos, name, ...more));
  const pasted = (text: string): string => {
    const command = /npx lodestone \w+ .*/.exec(text)?.[0];
    if (command === undefined) throw new Error(`no command in ${text}`);
    return command;
  };

  it('before a worker serves, a run is taken and stopped by the server; what needs a worker says so', async () => {
    expect((await train('early', '--detach')).code).toBe(0);
    const extending = shell.start(['extend', 'early', '4', '--store', store]);
    await extending.said('No worker listens on the task queue lodestone. Start one where the images are');
    extending.child.kill('SIGKILL');
    const stopped = await on('stop', 'early', '--detach');
    expect([stopped.code, stopped.stderr]).toEqual([0, '']);
    expect(stopped.stdout).toMatch(/^early stops at its next checkpoint\. Go on later: npx lodestone resume early /);
    worker = await shell.worker(['--store', store]);
    const watched = await on('watch', 'early');
    expect(watched).toMatchObject({ code: 21, stdout: '' });
    expect(watched.stderr).toContain(
      'RunStopped: stopped before there was anything to evaluate.\nGo on with: npx lodestone',
    );
    expect(pasted(watched.stderr)).toBe(`npx lodestone resume early --store '${store}'`);
  });

  it('run --detach returns at once and prints the command that watches it, which ends with the result', async () => {
    const begun = await train('own', '--detach');
    expect(begun).toMatchObject({ code: 0, stderr: '' });
    expect(begun.stdout).toBe(
      `own is under way without this command. See it: npx lodestone watch own --store '${store}'\n`,
    );
    const watched = await shell.paste(pasted(begun.stdout));
    expect(watched.code).toBe(0);
    expect(watched.stdout).toMatch(/^own: Magnet, finished after 3 epochs, identical\n/);
    expect(watched.stdout).toMatch(/\ndigests: weights [0-9a-f]{16}, index [0-9a-f]{16}, curves [0-9a-f]{16}\n/);
    expect(watched.stdout).toMatch(/\nReport: \S+own\.html\n/);
    expect(watched.stderr).toMatch(/^own: /);
  });

  it('show says the same as watch, for a person and for a program; report fetches the page', async () => {
    whole = answerOf(await on('show', 'own', '--json'));
    expect(whole).toMatchObject({ run: 'own', status: 'finished', epochs: EPOCHS });
    const shown = await on('show', 'own');
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain(`weights ${whole.digests?.weights.slice(0, 16)}`);

    const page = join(shell.folder, 'page.html');
    const reported = await on('report', 'own', '--out', page);
    expect(reported).toMatchObject({ code: 0, stdout: `${page}\n`, stderr: '' });
    expect(readFileSync(page, 'utf8')).toBe(readFileSync(whole.report ?? '', 'utf8'));
  });

  it('the stock client starts the same run from --print-input; watch and show find its result', async () => {
    const printed = await train('stock', '--print-input');
    expect([printed.code, printed.stderr]).toEqual([0, '']);
    const input = join(shell.folder, 'run.json');
    writeFileSync(input, printed.stdout);
    const start = ['--type', 'trainPipeline', '--task-queue', 'lodestone', '--workflow-id', 'stock'];
    await promisify(execFile)(temporalProgram, ['workflow', 'start', ...start, '--input-file', input], {
      env: { ...shell.environment(), HOME: shell.folder },
    });
    const watched = await on('watch', 'stock', '--json');
    expect(watched.code).toBe(0);
    expect(answerOf(watched)).toMatchObject({ run: 'stock', status: 'finished', digests: whole.digests });
    expect(answerOf(await on('show', 'stock', '--json'))).toMatchObject({ status: 'finished', digests: whole.digests });
  });

  it('extend trains a finished run on to more epochs', async () => {
    const more = await on('extend', 'own', '4', '--json');
    expect(more.stderr).toMatch(/^own trains to epoch 4\.\n/);
    expect(more.code).toBe(0);
    extended = answerOf(more);
    expect(extended).toMatchObject({ run: 'own', status: 'finished', epochs: 4 });
    expect(extended.digests).not.toEqual(whole.digests);
    expect(answerOf(await on('show', 'own', '--json'))).toMatchObject({ epochs: 4, digests: extended.digests });
  });

  it('P3: stop ends a run at a checkpoint; resume goes on to the epochs it was extended to, and to the same bits', async () => {
    expect((await train('cut', '--detach')).code).toBe(0);
    while ((await reachedStep(join(shell.folder, 'worker'), 'cut')) < 3) await pause(3);
    const trainer = await shell.trainer();
    process.kill(trainer, 'SIGSTOP'); // in its first epoch, whatever the commands take
    const extending = await on('extend', 'cut', '4', '--detach');
    const seen = `See it: npx lodestone watch cut --store '${store}'\n`;
    expect(extending).toMatchObject({ code: 0, stdout: seen, stderr: 'cut trains to epoch 4.\n' });
    const open = await on('show', 'cut');
    expect(open.stdout).toMatch(/^cut: open, begun \S+\nstage train, epoch 0 of 4\n/);
    expect(pasted(open.stdout)).toBe(`npx lodestone watch cut --store '${store}'`);
    const stopping = shell.start(['stop', 'cut', '--store', store]);
    const handle = temporal.client().workflow.getHandle('cut');
    while (!(await handle.query<{ stopRequested: boolean }>('progress')).stopRequested) await pause(50);
    process.kill(trainer, 'SIGCONT');

    const stopped = await stopping.ended;
    expect(stopped.code).toBe(0);
    expect(stopped.stdout).toMatch(/^cut: Magnet, stopped after [01] epochs?, identical\n/);
    const resume = pasted(stopped.stderr);
    expect(resume).toBe(`npx lodestone resume cut --store '${store}'`);
    expect((await on('stop', 'cut')).stdout).toBe(`cut is not running (completed). Go on with it: ${resume}\n`);
    expect(answerOf(await on('show', 'cut', '--json'))).toMatchObject({ status: 'stopped', resume });

    const resumed = await shell.paste(`${resume} --json`);
    expect(resumed.code).toBe(0);
    expect(answerOf(resumed)).toMatchObject({ run: 'cut', status: 'finished', epochs: 4, digests: extended.digests });
  });

  it('list shows the runs of lodestone, and nothing else that the server knows', async () => {
    const { code, stdout } = await on('list');
    expect(code).toBe(0);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(['run', 'kind', 'status', 'begun', 'took']);
    const shown = rows.slice(1).map(([run, kind, status]) => [run, kind, status]);
    expect(shown.sort()).toEqual(
      ['cut', 'early', 'own', 'stock'].map((run) => [
        run,
        'trainPipeline',
        run === 'early' ? 'stopped' : 'completed', // before it had a result
      ]),
    );
    const listed = JSON.parse((await on('list', '--json')).stdout) as { runs: { run: string; status: string }[] };
    expect(listed.runs.map(({ run }) => run).sort()).toEqual(['cut', 'early', 'own', 'stock']);
  });

  it('an unknown run is said to be one, with those there are', async () => {
    const { code, stderr, stdout } = await on('watch', 'owm');
    expect([code, stdout]).toEqual([5, '']);
    expect(stderr).toMatch(
      /^lodestone: run: got owm, which this Temporal server does not know\. Did you mean own\? There are .*\n$/,
    );
  });

  it('Ctrl-C ends the worker without a fault; it said that it serves, and nothing else', async () => {
    const { code, stdout, stderr } = await interrupted(worker);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toBe(`This worker (all) serves runs until Ctrl-C, from ${join(shell.folder, 'worker')}.\n`);
  });

  it('E2: no local stack was started; the servers still run, and what else they hold is as it was', async () => {
    expect(shell.hasLocalStack).toBe(false);
    expect(temporal.isAlive()).toBe(true);
    const description = await temporal.client().workflow.getHandle('their-own').describe();
    expect(description).toMatchObject({ status: { name: 'RUNNING' } });
    const bucket = s3.store({ prefix: '' });
    expect(Buffer.from((await bucket.get(theirs.key)) ?? []).toString()).toBe(theirs.text);
    const keys = await keysOf(bucket);
    expect(keys.filter((key) => !key.startsWith('mine/deep/'))).toEqual([theirs.key]);
    expect(keys).toContain('mine/deep/runs/own/result.json');
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
