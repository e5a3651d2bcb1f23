/** The guardian without its socket: what it holds when a client is gone before its request is answered. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { Guardian } from '../../../infra/stack/guardian';
import { loadCredentials, makeStateDir } from '../../../infra/stack/state';
import { endAll, freshStateDir, projectRoot } from './support';

afterAll(async () => expect(await endAll()).toEqual([]));

test('a client that died while what a killed guardian left was being ended holds nothing', async () => {
  const stateDir = freshStateDir();
  makeStateDir(stateDir);
  const nowhere = join(projectRoot, 'docs'); // no server starts from here, whatever is held
  const guardian = new Guardian(
    stateDir,
    nowhere,
    loadCredentials(stateDir),
    pino({ enabled: false }),
    () => undefined,
  );
  const client = new Socket();
  client.destroy();
  await once(client, 'close');

  await guardian.hold(client, {
    type: 'hold',
    token: '',
    lease: { type: 'command', name: 'gone' },
    worker: 'none',
    s3: null,
    ports: {},
    workerCommand: null,
  });
  const { leases } = guardian.report();
  await guardian.end();
  expect(leases).toEqual([]);
});
