/** The local stack on versitygw, by the command: a run trains there, and what it stored is there again after down and up. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stopStack } from '../../infra/stack/client';
import { hasServer } from '../storage/support/servers';
import { answerOf, EPOCHS, makePhotos, Shell, tinyRun, type Answer } from './own-servers';

jest.setTimeout(120_000);
const suite = hasServer('versitygw') ? describe : describe.skip;

suite('the local stack on versitygw', () => {
  let shell: Shell;
  let photos: string;
  let trained: Answer;

  beforeAll(async () => {
    shell = await Shell.open({});
    photos = await makePhotos(shell.folder);
  }, 120_000);
  afterAll(() => stopStack(join(shell.state, 'stack')));

  const s3Kind = async (): Promise<string> =>
    (JSON.parse((await shell.lodestone(['dev', 'status', '--json'])).stdout) as { s3: string }).s3;

  it('dev up --s3 versitygw brings it up, and a run trains on it', async () => {
    const up = await shell.lodestone(['dev', 'up', '--s3', 'versitygw']);
    expect(up.code).toBe(0);
    expect(up.stdout).toMatch(/^Temporal +127\.0\.0\.1:\d+ .*\nS3 +http:\/\/127\.0\.0\.1:\d+ +bucket lodestone\n/);
    expect(await s3Kind()).toBe('versitygw');

    trained = answerOf(await shell.lodestone(tinyRun(photos, 'here', '--json')));
    expect(trained).toMatchObject({ run: 'here', status: 'finished', epochs: EPOCHS });
    // Its objects are plain files.
    const file = join(shell.state, 'stack/versitygw/objects/lodestone/runs/here/result.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ result: { digests: trained.digests } });
  });

  it('E2: down and up again, of the kind of last time: the run and its result are there, and nothing trains again', async () => {
    expect((await shell.lodestone(['dev', 'down'])).stdout).toMatch(/^The local stack is down\./);
    expect((await shell.lodestone(['dev', 'up'])).code).toBe(0);
    expect(await s3Kind()).toBe('versitygw');
    expect(existsSync(join(shell.state, 'stack/minio'))).toBe(false);
    expect(answerOf(await shell.lodestone(['show', 'here', '--json']))).toMatchObject({ digests: trained.digests });
    expect((await shell.lodestone(['list'])).stdout).toMatch(/\nhere +trainPipeline +completed /);
    expect((await shell.lodestone(['dev', 'down'])).code).toBe(0);
  });
});
