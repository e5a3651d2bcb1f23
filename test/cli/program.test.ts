/** The command as a person types it: what it writes where, and the code it ends with. Nothing here needs a server. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../cli/program';
import { projectRoot } from '../../cli/settings';
import { CompareInput, RecoverInput, TrainPipelineInput } from '../../config/workflow-input';
import { captured, type Captured } from './support';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lodestone-program-'));
  mkdirSync(join(folder, 'photos'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function lodestone(words: string, variables: Record<string, string> = {}): Promise<Captured & { code: number }> {
  const surroundings = captured(folder, variables);
  const code = await runProgram(words.split(' '), surroundings);
  return { ...surroundings, code };
}

describe('--print-input writes what the stock client sends', () => {
  test('a run, with flags and --set', async () => {
    const flags = '--label coarse --fine-label 2024 --objective triplet --network googlenet-bn --epochs 3 --seed 9';
    const { code, stdout, stderr } = await lodestone(`run photos ${flags} --set triplet.alpha=0.5 --print-input`);
    expect([code, stderr()]).toEqual([0, '']);
    const { data, recipe, shared, carried } = TrainPipelineInput.parse(JSON.parse(stdout()));
    expect(data).toEqual({ type: 'folder', path: join(folder, 'photos') });
    expect(recipe).toMatchObject({
      objective: 'triplet',
      epochs: 3,
      seed: 9,
      network: { name: 'googlenet-bn' },
      data: { label: 'coarse', fineLabel: '2024' },
      triplet: { alpha: 0.5 },
    });
    expect([shared, carried]).toEqual([null, null]);
  });

  test('a comparison and a recovery, with their objectives', async () => {
    const compared = await lodestone('compare photos --objectives softmax,magnet --parallel 2 --print-input');
    expect(CompareInput.parse(JSON.parse(compared.stdout()))).toMatchObject({
      objectives: ['softmax', 'magnet'],
      parallel: 2,
    });
    const recovered = await lodestone('recover photos --label fine --pairings 2 --print-input');
    expect(RecoverInput.parse(JSON.parse(recovered.stdout()))).toMatchObject({ objectives: ['magnet'], pairings: 2 });
  });

  test('the demo is the comparison on the procedural set', async () => {
    const { stdout } = await lodestone('demo --print-input');
    const { data, objectives, recipe } = CompareInput.parse(JSON.parse(stdout()));
    expect(data.type).toBe('species');
    expect(objectives).toEqual(['softmax', 'triplet', 'magnet']);
    expect(recipe.data).toMatchObject({ label: 'coarse', fineLabel: 'fine' });
  });

  test('species:3 is the procedural set of another seed', async () => {
    const { stdout } = await lodestone('run species:3 --print-input');
    expect(TrainPipelineInput.parse(JSON.parse(stdout())).data).toMatchObject({ type: 'species', seed: 3 });
  });
});

describe('what is wrong ends in one message and its exit code, and starts nothing', () => {
  test.each<[string, number, RegExp]>([
    ['rnu photos', 2, /unknown command 'rnu'[^]*Did you mean run/],
    ['run photos --epoch 3', 2, /unknown option '--epoch'[^]*--epochs/],
    ['run', 2, /missing required argument 'data'/],
    ['run photos --set magnet.alfa=1', 2, /magnet\.alfa: there is no such key\. Did you mean alpha/],
    ['run photos --epochs ten', 2, /epochs: got "ten"/],
    ['run photos --objective magnets', 2, /objective: got "magnets"/],
    ['run photos --name Photos', 2, /run name "Photos"/],
    ['demo --name my--photos', 2, /run name "my--photos"[^]*must not contain --/],
    ['compare photos --objectives softmax,magnat', 2, /got "magnat"/],
    ['run phots', 3, /phots, which is not there\. Did you mean photos\?/],
    ['run with.yaml --recipe quick', 2, /must be one recipe/],
    ['dev logs wroker', 2, /got wroker\. Did you mean worker\?/],
    ['dev up --s3 mino', 2, /got mino\. Did you mean minio\?/],
    ['dev up --s3-port 70000', 2, /--s3-port: got 70000, must be a port/],
    ['worker --role gpus', 2, /got gpus\. Did you mean gpu\?/],
    ['extend photos-magnet many', 2, /epochs: got many/],
    ['data inspect nowhere', 3, /nowhere, which is not there/],
  ])('lodestone %s: %i', async (words, code, message) => {
    const answer = await lodestone(words);
    expect(answer.stderr()).toMatch(message);
    expect(answer.code).toBe(code);
    expect(answer.stdout()).toBe('');
    expect(readdirSync(folder)).toEqual(['photos']);
  });

  test('a recipe without data is told how to get some', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'lodestone-recipe-')), 'bare.yaml');
    writeFileSync(file, 'epochs: 3\n');
    const { code, stderr } = await lodestone(`run ${file}`);
    rmSync(join(file, '..'), { recursive: true });
    expect(code).toBe(2);
    expect(stderr()).toMatch(/names no data\. Add "source:/);
  });

  test('E2: a Temporal server without a store, or a store without a server, is refused', async () => {
    const server = await lodestone('list', { TEMPORAL_ADDRESS: 'temporal.example:7233' });
    expect(server.code).toBe(2);
    expect(server.stderr()).toMatch(/store: got nothing, .*temporal\.example:7233/);
    const store = await lodestone('list --store s3://bucket/runs');
    expect(store.code).toBe(2);
    expect(store.stderr()).toMatch(/TEMPORAL_ADDRESS: got nothing, .*s3:\/\/bucket\/runs/);
  });

  test.each(['s3://me:hunter2@bucket', 's3://bucket?secretKey=hunter2'])(
    'a secret in --store is not repeated: %s',
    async (store) => {
      for (const server of [{}, { TEMPORAL_ADDRESS: '127.0.0.1:1' }]) {
        const { code, stdout, stderr } = await lodestone(`list --json --store ${store}`, server);
        expect([code, stdout()]).toEqual([2, expect.stringContaining('"status":"failed"')]);
        expect(stdout() + stderr()).toMatch(/store/);
        expect(stdout() + stderr()).not.toContain('hunter2');
      }
    },
  );

  test('with --json the last line of stdout is the failure', async () => {
    const { code, stdout } = await lodestone('run phots --json');
    const { status, error } = JSON.parse(stdout().trim().split('\n').at(-1) ?? '');
    expect([code, status, error.kind, error.exitCode]).toEqual([3, 'failed', 'DataRejected', 3]);
  });
});

test('a server that does not answer is named, with the way out', async () => {
  const nobody = { TEMPORAL_ADDRESS: '127.0.0.1:1', LODESTONE_STORE: `file://${folder}/store` };
  const { code, stderr } = await lodestone('list', nobody);
  expect(stderr()).toMatch(/Temporal server 127\.0\.0\.1:1: does not answer.*TEMPORAL_ADDRESS/);
  expect(code).toBe(15);
}, 30_000);

test('data synth writes the procedural set, data inspect and validate read it', async () => {
  const small = '--set coarseClasses=2 --set speciesPerClass=2 --set imagesPerSpecies=8 --set size=16';
  const made = mkdtempSync(join(tmpdir(), 'lodestone-synth-'));
  try {
    const written = await lodestone(`data synth ${join(made, 'set')} ${small}`);
    expect([written.code, written.stderr()]).toEqual([0, '']);
    expect(written.stdout()).toMatch(/32 images, written, sha256 [0-9a-f]{64}/);
    const inspected = await lodestone(`data inspect ${join(made, 'set')} --label coarse --fine-label fine --json`);
    expect(JSON.parse(inspected.stdout())).toMatchObject({
      images: 32,
      label: 'coarse',
      classes: { 'clan-1': 16, 'clan-2': 16 },
    });
    writeFileSync(join(made, 'set', firstImage(join(made, 'set'))), '');
    const validated = await lodestone(`data validate ${join(made, 'set')} --label coarse`);
    expect(validated.stdout()).toMatch(
      /problem: .*: empty: the file has no bytes\n1 image would go to quarantine: a run would/,
    );
    expect(validated.stdout()).toContain('at most 2 % are accepted. Repair or remove it, or accept a larger share');
    expect(validated.code).toBe(3);
    const tolerant = await lodestone(`data validate ${join(made, 'set')} --label coarse --set data.maxQuarantined=0.1`);
    expect(tolerant.stdout()).toContain(
      '1 image would go to quarantine: a run trains without it. To train with it, repair it.',
    );
    expect(tolerant.code).toBe(3);
    const mistyped = await lodestone(`data inspect ${join(made, 'set')} --label corse`);
    expect(mistyped.stderr()).toMatch(/got corse.*Did you mean coarse\?/);
    expect(mistyped.code).toBe(2);
  } finally {
    rmSync(made, { recursive: true });
  }
}, 30_000);

test('a reader that goes away ends the command without a word, as SIGPIPE ends any other', () => {
  const script = `
    require(${JSON.stringify(join(projectRoot, 'test/engine/support/typescript.cjs'))});
    process.argv = [process.argv[0], 'lodestone', '--help'];
    require(${JSON.stringify(join(projectRoot, 'cli/main.ts'))});`;
  const piped = '{ "$0" -e "$1"; echo "code $?" >&2; } | true';
  const { stderr } = spawnSync('sh', ['-c', piped, process.execPath, script], { encoding: 'utf8', timeout: 60_000 });
  expect(stderr).toBe('code 141\n');
});

describe('what is loaded', () => {
  /** Loads files in a process of its own. @returns the packages and addons that came with them */
  function loadedBy(...files: string[]): string[] {
    const script = `
      require(${JSON.stringify(join(projectRoot, 'test/engine/support/typescript.cjs'))});
      for (const file of ${JSON.stringify(files.map((file) => join(projectRoot, file)))}) require(file);
      console.log(JSON.stringify(Object.keys(require.cache)));`;
    const output = execFileSync(process.execPath, ['-e', script], {
      encoding: 'utf8',
      timeout: 60_000,
      cwd: projectRoot,
    });
    const loaded = JSON.parse(output) as string[];
    return loaded.filter((file) => !file.includes('@swc')); // what compiles for this test
  }

  test('help needs no client, no image decoder and no TensorFlow', () => {
    const heavy = loadedBy('cli/program.ts').filter((file) =>
      /@temporalio|@aws-sdk|tensorflow|sharp|\.node$/.test(file),
    );
    expect(heavy).toEqual([]);
  });

  test('no command and no worker loads TensorFlow or the addon', () => {
    const commands = readdirSync(join(projectRoot, 'cli/commands')).map((name) => `cli/commands/${name}`);
    const loaded = loadedBy(...commands, 'activities/worker.ts');
    expect(loaded.some((file) => file.includes('@temporalio/worker'))).toBe(true);
    expect(loaded.filter((file) => /tensorflow|tfjs|engine\/(tf|addon|native|kernels)\.ts$/.test(file))).toEqual([]);
  });
});

function firstImage(folder: string): string {
  const [image] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.png'))
    .sort();
  return image;
}
