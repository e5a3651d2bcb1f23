/**
 * Every kind of wrong input through the command as a person types it, on the real stack: one message that names the thing,
 * its value, the rule and the way out; the documented exit code; and nothing that a later run could mistake for whole.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../config/environment';
import { failures, type FailureKind } from '../../errors';
import { ensureStack, stopStack, type StackHandle } from '../../infra/stack/client';
import { openStore } from '../../storage/open';
import { runLayout } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';
import { writeClassFolders } from '../datasets/made-images';
import { oldTensorFlow } from '../engine/support/old-tensorflow';
import { start, type Ended } from '../infra/setup/in-node';
import { buildGuardian, projectRoot } from '../infra/stack/support';
import { canMount, onSmallDisk } from '../storage/support/small-disk';

jest.setTimeout(180_000);

const small = ['--set', 'network.inputSize=16', '--set', 'warmStart.epochs=1', '--epochs', '1'];
let folder: string;
let stack: StackHandle;
let store: ObjectStore;

beforeAll(async () => {
  buildGuardian();
  folder = mkdtempSync(join(tmpdir(), 'lodestone-wrong-'));
  await makeImages('whole', { oak: 8, birch: 8 });
  await makeImages('hollow', { oak: 8, birch: 8 });
  mkdirSync(join(folder, 'hollow/pine'));
  await makeImages('single', { oak: 8 });
  await makeImages('lone', { oak: 8, birch: 8, pine: 1 });
  await makeImages('uneven', { oak: 30, birch: 30, pine: 8 });
  await makeImages('table', { oak: 8, birch: 8 });
  const rows = ['oak', 'birch'].flatMap((kind) => [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `${kind}/${i}.png,${kind}`));
  writeFileSync(join(folder, 'table/metadata.csv'), ['path,kind', ...rows, ''].join('\n'));
  await makeImages('torn', { oak: 8, birch: 8 });
  const torn = rows.map((row, i) => (i === 4 ? row.replace(',', ',"') : row));
  writeFileSync(join(folder, 'torn/metadata.csv'), ['path,kind', ...torn, ''].join('\n'));
  stack = await ensureStack({
    stateDir: join(folder, 'state/stack'),
    projectRoot,
    worker: 'all',
    lease: { type: 'command', name: 'test' },
  });
  const environment = readEnvironment(stack.environment);
  store = openStore(environment.store ?? '', environment);
});

afterAll(async () => {
  await stack.release();
  await stopStack(join(folder, 'state/stack'));
  rmSync(folder, { recursive: true, force: true });
});

const makeImages = (set: string, classes: Readonly<Record<string, number>>): Promise<void> =>
  writeClassFolders(join(folder, set), classes);

function lodestone(words: readonly string[], variables: NodeJS.ProcessEnv = {}, node: string[] = []): Promise<Ended> {
  const env = { ...process.env, LODESTONE_STATE: join(folder, 'state'), ...variables };
  return start(process.execPath, [...node, join(projectRoot, 'bin/lodestone.mjs'), ...words], env).ended;
}

const train = (set: string, ...more: string[]): Promise<Ended> =>
  lodestone(['run', join(folder, set), ...small, ...more]);

function expectRefusal({ code, stderr }: Ended, kind: FailureKind, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n {4}at /); // a message, not a stack
  expect(code).toBe(failures[kind].exitCode);
}

async function storedUnder(run: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(runLayout(run).prefix)) keys.push(key);
  return keys;
}

describe('data', () => {
  test.each<[string, string, string[], FailureKind, RegExp]>([
    [
      'a missing folder',
      'whol',
      [],
      'DataRejected',
      /data: got \S+whol, which is not there\. Did you mean whole\? Name the/,
    ],
    [
      'an empty class',
      'hollow',
      [],
      'DataRejected',
      /class folder pine: holds no image\. Put images into it, or delete/,
    ],
    [
      'one class only',
      'single',
      [],
      'DataRejected',
      /every image is of the class oak, there must be two classes at least\. Give/,
    ],
    [
      'a class of one image',
      'lone',
      [],
      'DataRejected',
      /pine has one training image, every class must have 2.*Add images/,
    ],
    [
      'an unknown column',
      'table',
      ['--label', 'kinf'],
      'InvalidConfig',
      /label: got kinf, must be a column of .*Did you mean kind\?/,
    ],
    [
      'an unreadable row',
      'torn',
      ['--label', 'kind'],
      'DataRejected',
      /metadata\.csv line 6: a quote is opened and never closed\. Quote a cell/,
    ],
  ])('%s', async (_, set, more, kind, message) => {
    const run = `refused-${set}`;
    expectRefusal(await train(set, '--name', run, ...more), kind, message);
    const left = await storedUnder(run);
    expect(left.filter((key) => key !== runLayout(run).bind)).toEqual([]);
  });

  test('a typing error does not burn the name: the mended command trains under it', async () => {
    const { code, stderr } = await train('table', '--name', 'refused-table', '--label', 'kind');
    expect([code, stderr.includes('NameTaken')]).toEqual([0, false]);
  });

  test('K above half of a class is a note, in the answer and in the report, and is lowered', async () => {
    const { code, stdout } = await train('uneven', '--name', 'uneven', '--set', 'magnet.clustersPerClass=4');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /note: clustersPerClass: got 4, lowered to half of the images in 1 class: pine\. Lower it, or/,
    );
    expect(readFileSync(join(folder, 'state/reports/uneven.html'), 'utf8')).toContain('lowered to half of the images');
  });
});

describe('configuration', () => {
  test('an unknown key of a recipe', async () => {
    writeFileSync(join(folder, 'mine.yaml'), 'magnet: { aplha: 2 }\n');
    const refused = await train('whole', '--recipe', join(folder, 'mine.yaml'));
    expectRefusal(
      refused,
      'InvalidConfig',
      /mine\.yaml:\n {2}magnet\.aplha: there is no such key\. Did you mean alpha\?/,
    );
  });

  test("a name with another configuration shows the difference, and leaves the finished run's result", async () => {
    expect((await train('whole', '--name', 'mine')).code).toBe(0);
    const before = await storedUnder('mine');
    const taken = await train('whole', '--name', 'mine', '--set', 'magnet.alpha=3');
    expectRefusal(
      taken,
      'NameTaken',
      /run mine: .*\n {2}recipe\.magnet\.alpha: is 1, asked for 3\nTake another --name/,
    );
    expect(await storedUnder('mine')).toEqual(before);
    const shown = await lodestone(['show', 'mine', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ run: 'mine', status: 'finished' });
  });
});

describe('servers', () => {
  const s3 = (endpoint: string): string => `s3://lodestone?endpoint=${endpoint}`;
  const wrong = { AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nothing' };
  const temporal = (): NodeJS.ProcessEnv => ({ TEMPORAL_ADDRESS: stack.endpoints.temporalAddress });

  test('a taken port is named with who has it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const other = join(folder, 'other');
    const refused = await lodestone(['dev', 'up', '--s3-port', String(port)], { LODESTONE_STATE: other });
    server.close();
    await stopStack(join(other, 'stack'));
    expectRefusal(
      refused,
      'PortTaken',
      new RegExp(`ports\\.s3: got ${port}, which \\S+ \\(pid \\d+\\) uses; must be a free`),
    );
  });

  test.each([
    ['run', (): string[] => ['run', join(folder, 'whole'), ...small]],
    ['worker', (): string[] => ['worker']],
    ['doctor', (): string[] => ['doctor']],
  ])('%s: S3 that cannot be reached, and S3 that refuses the credentials', async (_, words) => {
    const nowhere = s3('http://127.0.0.1:1');
    const away = await lodestone([...words(), '--store', nowhere], { ...temporal(), ...wrong });
    const said = (one: Ended): Ended => ({ ...one, stderr: one.stdout + one.stderr });
    expectRefusal(
      said(away),
      'StoreUnavailable',
      /store 127\.0\.0\.1:1, bucket lodestone: .*does not answer.*Start it, or check/,
    );
    const here = s3(stack.endpoints.s3Endpoint);
    const refused = await lodestone([...words(), '--store', here], { ...temporal(), ...wrong });
    expectRefusal(
      said(refused),
      'StoreUnavailable',
      /refuses the credentials \(InvalidAccessKeyId\).*Set AWS_ACCESS_KEY_ID/,
    );
  });

  test('Temporal that cannot be reached, and a namespace that it does not have', async () => {
    const store = `file://${folder}/elsewhere`;
    const away = await lodestone(['worker', '--store', store], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expectRefusal(
      away,
      'TemporalUnavailable',
      /Temporal server 127\.0\.0\.1:1: does not answer.*Check TEMPORAL_ADDRESS/,
    );
    const nowhere = await lodestone(['list', '--store', store], { ...temporal(), TEMPORAL_NAMESPACE: 'nowhere' });
    expectRefusal(nowhere, 'TemporalUnavailable', /TEMPORAL_NAMESPACE: .*nowhere.*must exist.*Create it/);
  });
});

describe('the machine', () => {
  test('a full disk: the local stack does not start on it, and leaves no server', async () => {
    const mount = join(folder, 'tiny');
    mkdirSync(mount);
    if (!canMount()) return;
    const list = [process.execPath, join(projectRoot, 'bin/lodestone.mjs'), 'list'];
    const [command, ...args] = onSmallDisk(16, mount, list);
    const env = { ...process.env, LODESTONE_STATE: join(mount, 'state') };
    const refused = await start(command, args, env).ended;
    expectRefusal(
      refused,
      'DiskFull',
      /disk of \S+tiny\S*: 1\d MB are free, the local stack needs 64 MB.*Free some space/,
    );
  });

  test('a disk that is full when the report is written', async () => {
    const refused = await lodestone(['report', 'uneven', '--out', '/dev/full']);
    expectRefusal(refused, 'DiskFull', /no space left on device.*Free some space/);
  });

  test('a Node that is too old', async () => {
    const pretend = join(folder, 'old-node.cjs');
    const versions = `{ ...process.versions, node: '18.20.4' }`;
    writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    const refused = await lodestone(['list'], {}, ['--require', pretend]);
    expectRefusal(refused, 'ToolMissing', /Node\.js: found 18\.20\.4, must be >= 20\.19\. Install a current LTS/);
  });

  test('a TensorFlow of another version', async () => {
    const { code, stdout } = await lodestone(['doctor'], oldTensorFlow(folder));
    expect(stdout).toMatch(/fail {2}TensorFlow: engine: got TensorFlow 2\.9\.1, must be 2\.21: .*npm run setup/);
    expect(code).toBe(failures.EngineUnavailable.exitCode);
  });
});
