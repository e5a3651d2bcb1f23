/** What answers of a store mean, from a server that gives any answer asked for; and a full disk here. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { explainDisk } from '../../storage/local-file';
import { S3Store } from '../../storage/s3-store';

interface Answer {
  readonly status: number;
  readonly code: string;
}

let server: Server;
let answer: (request: IncomingMessage) => Answer;
let requests: IncomingMessage[];
let store: S3Store;
beforeEach(async () => {
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    const { status, code } = answer(request);
    request.resume();
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(status < 300 ? '' : `<Error><Code>${code}</Code><Message>of the test</Message></Error>`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  store = new S3Store({
    bucket: 'b',
    prefix: '',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: null },
    requestTimeoutMs: 5000,
  });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});
const bytes = Buffer.from('x');

test.each([
  [507, 'XMinioStorageFull', 'DiskFull', 'has no space left'],
  [403, 'AccessDenied', 'StoreUnavailable', 'refuses the credentials (AccessDenied)'],
  [503, 'SlowDown', 'StoreUnavailable', 'answers 503 SlowDown'],
  [500, 'InternalError', 'StoreUnavailable', 'answers 500 InternalError'],
  [404, 'NoSuchBucket', 'StoreUnavailable', 'there is no such bucket'],
])('%i %s is a %s in words', async (status, code, kind, words) => {
  answer = () => ({ status, code });
  await expect(store.put('a', bytes)).rejects.toMatchObject({ kind, message: expect.stringContaining(words) });
});

test('a store that is busy for a moment is asked again', async () => {
  answer = () => (requests.length < 3 ? { status: 503, code: 'SlowDown' } : { status: 200, code: '' });
  await store.put('a', bytes);
  expect(requests).toHaveLength(3);
});

test.each([
  [412, 'PreconditionFailed'],
  [409, 'ConditionalRequestConflict'],
])('S3: %i on creating means: look at what is there', async (status, code) => {
  answer = () => ({ status, code });
  expect(await store.create('a', bytes)).toBe(false);
});

test('S3: a store that does not know the condition gets a plain put', async () => {
  answer = ({ headers }) =>
    headers['if-none-match'] === '*' ? { status: 501, code: 'NotImplemented' } : { status: 200, code: '' };
  expect(await store.create('a', bytes)).toBe(true);
  expect(requests.at(-1)?.headers['if-none-match']).toBeUndefined();
});

test.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('%s here is DiskFull, by the path', (code) => {
  const full = Object.assign(new Error('write'), { code });
  expect(explainDisk(full, '/cache/x', 'StoreUnavailable')).toMatchObject({
    kind: 'DiskFull',
    message: expect.stringContaining('/cache/x: there is no space left'),
    cause: full,
  });
});
