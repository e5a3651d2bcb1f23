/** Locations of stores, as users write them. */
import { readEnvironment } from '../../config/environment';
import { FileStore } from '../../storage/file-store';
import { openStore } from '../../storage/open';
import { S3Store } from '../../storage/s3-store';
import { freshFolder } from './support/temporary-folder';

const environment = readEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' });

test('a file location is a folder', () => {
  const store = openStore('file:///tmp/with%20space', environment);
  expect(store).toBeInstanceOf(FileStore);
  expect((store as FileStore).folder).toBe('/tmp/with space');
  expect(store.uri).toBe('file:');
});

test('E2: an S3 location gives uris of bucket and prefix alone', () => {
  const store = openStore('s3://bucket/a/b/?endpoint=http://127.0.0.1:9000', environment);
  expect(store).toBeInstanceOf(S3Store);
  expect(store.uri).toBe('s3://bucket/a/b');
  expect(openStore('s3://bucket', environment).uri).toBe('s3://bucket');
});

test('the endpoint of the location wins over the one of the environment', async () => {
  const elsewhere = { ...environment, storeEndpoint: 'http://127.0.0.1:1' };
  await expect(openStore('s3://b?endpoint=http://127.0.0.1:2', elsewhere).get('a')).rejects.toThrow('127.0.0.1:2');
  await expect(openStore('s3://b', elsewhere).get('a')).rejects.toThrow('127.0.0.1:1');
});

test.each([
  ['file:photos', 'must be s3://bucket/prefix or file:///path'],
  ['file://host/photos', 'must be s3://bucket/prefix or file:///path'],
  ['photos', 'must be s3://bucket/prefix or file:///path'],
  ['http://127.0.0.1:9000/bucket', 'must be s3://bucket/prefix or file:///path'],
  ['s3:///prefix', 'must be s3://bucket/prefix?endpoint='],
  ['s3://bucket?region=x', 'without region'],
  ['s3://bucket?endpoint=127.0.0.1:9000', 'must be http://host:port'],
])('%s is refused in words', (location, words) => {
  expect(() => openStore(location, environment)).toThrow(words);
});

test.each([
  's3://me:hunter2@bucket',
  's3://bucket?endpoint=http://me:hunter2@127.0.0.1:9000',
  'ftp://me:hunter2@x',
  's3://me:half/hunter2@bucket', // no location at all: a port is no word
  's3://bucket?secretKey=hunter2',
])('a password in a location is refused and not repeated (%#)', (location) => {
  const open = (): unknown => openStore(location, environment);
  expect(open).toThrow(/must/);
  expect(open).not.toThrow(/hunter2/);
});

test('a store in a folder that cannot be made says so', async () => {
  const folder = await freshFolder();
  await new FileStore(folder).put('a', Buffer.from('x'));
  const blocked = new FileStore(`${folder}/a`);
  await expect(blocked.put('b', Buffer.from('x'))).rejects.toMatchObject({
    kind: 'StoreUnavailable',
    message: expect.stringContaining(`${folder}/a`),
  });
});

test.each(['', '/a', 'a//b', '../a', 'a/../b', '.incoming/x', 'a/.b'])('the key %p leaves no folder', async (key) => {
  await expect(new FileStore(await freshFolder()).put(key, Buffer.from('x'))).rejects.toThrow('key: got');
});
