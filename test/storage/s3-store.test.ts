/** What a network, wrong credentials and large files do to a store, on a real server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import type { S3StoreOptions } from '../../storage/s3-store';
import { keysOf } from './support/faulty-store';
import { cutConnections, freePort, hasServer, startServer, type TestServer } from './support/servers';
import { freshFolder } from './support/temporary-folder';

jest.setTimeout(60_000);

const message = (use: () => Promise<unknown>): Promise<{ kind: string; message: string }> =>
  use().then(
    () => Promise.reject(new Error('it was expected to fail')),
    (error: unknown) => error as { kind: string; message: string },
  );

describe.each((['minio', 'versitygw'] as const).filter(hasServer))('on %s', (name) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(name);
  });

  const wrong: [string, (server: TestServer) => Partial<S3StoreOptions>][] = [
    ['another secret', ({ credentials }) => ({ credentials: { ...credentials, secretAccessKey: 'not-the-secret' } })],
    ['another key', ({ credentials }) => ({ credentials: { ...credentials, accessKeyId: 'not-the-key' } })],
  ];
  test.each(wrong)(
    'wrong credentials (%s) name host, bucket, rule and remedy, and no secret',
    async (_what, options) => {
      const store = server.store(options(server));
      const uses = [
        () => store.put('a', Buffer.from('x')),
        () => store.get('a'),
        () => store.create('a', Buffer.from('x')),
        () => keysOf(store),
        () => store.ensureBucket(),
      ];
      for (const use of uses) {
        const error = await message(use);
        expect(error.kind).toBe('StoreUnavailable');
        expect(error.message).toContain(`store 127.0.0.1:${server.port}, bucket lodestone-test: could not`);
        expect(error.message).toContain('refuses the credentials');
        expect(error.message).toContain('Set AWS_ACCESS_KEY_ID');
        expect(error.message).not.toMatch(/not-the-secret|not-the-key/);
      }
    },
  );

  // Not asked with another key: versitygw answers 404 to a HEAD then, which nothing tells from a missing object.
  test('wrong credentials are no missing object', async () => {
    const store = server.store({ credentials: { ...server.credentials, secretAccessKey: 'not-the-secret' } });
    expect((await message(() => store.head('a'))).message).toContain('refuses the credentials');
  });

  test('a missing bucket is named', async () => {
    const error = await message(() => server.store({ bucket: 'nowhere' }).put('a', Buffer.from('x')));
    expect(error.kind).toBe('StoreUnavailable');
    expect(error.message).toContain('bucket nowhere: could not put a: there is no such bucket');
  });

  test('ensureBucket is safe to repeat', async () => {
    await server.store().ensureBucket();
    await server.store().ensureBucket();
  });

  test('a file larger than a part goes up in parts and comes down the same', async () => {
    const store = server.store();
    const folder = await freshFolder();
    const bytes = randomBytes(33 * 2 ** 20);
    await writeFile(join(folder, 'up'), bytes);
    await store.putFile('large', join(folder, 'up'));
    expect(await store.head('large')).toMatchObject({ bytes: bytes.length });
    await store.getToFile('large', join(folder, 'down'));
    expect(Buffer.compare(await readFile(join(folder, 'down')), bytes)).toBe(0);
  });

  test('S2: an upload that is cut off in its middle leaves nothing; one cut is made good by another try', async () => {
    const bytes = randomBytes(2 ** 20);
    const prefix = 'cut-up';
    const direct = server.store({ prefix });
    const always = await cutConnections(server.port, { direction: 'up', afterBytes: 300_000, cuts: 1000 });
    const error = await message(() => server.store({ prefix, endpoint: always.endpoint }).put('a', bytes));
    expect(error.kind).toBe('StoreUnavailable');
    expect(error.message).toContain('does not answer');
    expect(await direct.get('a')).toBeNull();
    await always.close();

    const first = await cutConnections(server.port, { direction: 'up', afterBytes: 300_000, cuts: 1 });
    await server.store({ prefix, endpoint: first.endpoint }).put('a', bytes);
    expect(first.connections()).toBeGreaterThan(1);
    expect(Buffer.compare((await direct.get('a')) ?? Buffer.from(''), bytes)).toBe(0);
    await first.close();
  });

  test('a download that is cut off in its middle is begun again, and never seen half', async () => {
    const bytes = randomBytes(2 ** 20);
    const prefix = 'cut-down';
    await server.store({ prefix }).put('a', bytes);
    const path = join(await freshFolder(), 'a');

    const twice = await cutConnections(server.port, { direction: 'down', afterBytes: 300_000, cuts: 2 });
    const store = server.store({ prefix, endpoint: twice.endpoint });
    expect(await store.getToFile('a', path)).toBe(true);
    expect(Buffer.compare(await readFile(path), bytes)).toBe(0);
    expect(twice.connections()).toBe(3);
    await twice.close();

    const always = await cutConnections(server.port, { direction: 'down', afterBytes: 300_000, cuts: 1000 });
    const other = join(await freshFolder(), 'b');
    const error = await message(() => server.store({ prefix, endpoint: always.endpoint }).getToFile('a', other));
    expect(error.kind).toBe('StoreUnavailable');
    await expect(readFile(other)).rejects.toThrow('ENOENT');
    const inMemory = await message(() => server.store({ prefix, endpoint: always.endpoint }).get('a'));
    expect(inMemory.kind).toBe('StoreUnavailable');
    await always.close();
  });

  test('a server where nothing listens is named with the way out', async () => {
    const port = await freePort();
    const store = server.store({ endpoint: `http://127.0.0.1:${port}` });
    const error = await message(() => store.get('a'));
    expect(error.kind).toBe('StoreUnavailable');
    expect(error.message).toContain(
      `store 127.0.0.1:${port}, bucket lodestone-test: could not get a: it does not answer`,
    );
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.message).toContain('LODESTONE_STORE_ENDPOINT');
  });

  test('a server that takes connections and says nothing is given up', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const error = await message(() => server.store({ endpoint, requestTimeoutMs: 200 }).put('a', Buffer.from('x')));
    expect(error.kind).toBe('StoreUnavailable');
    expect(error.message).toContain('does not answer');
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test('a server that stands still in the middle of an object is given up, as often as a broken transfer', async () => {
    const sockets: Socket[] = [];
    const stalling = createServer((socket) => {
      sockets.push(socket);
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it'));
    }).listen(0, '127.0.0.1');
    await once(stalling, 'listening');
    const endpoint = `http://127.0.0.1:${(stalling.address() as AddressInfo).port}`;
    const store = server.store({ endpoint, requestTimeoutMs: 200 });
    expect((await message(() => store.get('a'))).kind).toBe('StoreUnavailable');
    expect(sockets).toHaveLength(3);
    for (const socket of sockets) socket.destroy();
    stalling.close();
  });
});
