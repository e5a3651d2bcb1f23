/** The environment, read once. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../config/environment';

test('an empty environment chooses nothing; AWS variables alone choose no store', () => {
  const nothing = {
    store: null,
    storeEndpoint: null,
    region: 'us-east-1',
    credentials: null,
    cache: join(homedir(), '.cache/lodestone'),
    workerDirectory: join(homedir(), '.cache/lodestone/worker'),
  };
  expect(readEnvironment({})).toEqual(nothing);
  expect(readEnvironment({ LODESTONE_STORE: '', AWS_ACCESS_KEY_ID: 'key', OTHER: 'x' })).toEqual(nothing);
  expect(readEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' }).store).toBeNull();
});

test('our endpoint wins over the one of the S3 programs, S3’s own over the general one', () => {
  const aws = { AWS_ENDPOINT_URL: 'http://general', AWS_ENDPOINT_URL_S3: 'http://s3' };
  expect(readEnvironment({ ...aws, LODESTONE_STORE_ENDPOINT: 'http://ours' }).storeEndpoint).toBe('http://ours');
  expect(readEnvironment(aws).storeEndpoint).toBe('http://s3');
  expect(readEnvironment({ AWS_ENDPOINT_URL: 'http://general' }).storeEndpoint).toBe('http://general');
});

test('credentials count in pairs, with the token where there is one', () => {
  const pair = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
  expect(readEnvironment(pair).credentials).toEqual({
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    sessionToken: null,
  });
  expect(readEnvironment({ ...pair, AWS_SESSION_TOKEN: 'token' }).credentials?.sessionToken).toBe('token');
});

test('the cache is the folder of set-up', () => {
  expect(readEnvironment({ XDG_CACHE_HOME: '/x' }).cache).toBe('/x/lodestone');
  expect(readEnvironment({ XDG_CACHE_HOME: '/x', LODESTONE_CACHE: '/y' }).cache).toBe('/y');
});

test('a worker’s folder is in the cache unless it is named', () => {
  expect(readEnvironment({ LODESTONE_CACHE: '/c' }).workerDirectory).toBe('/c/worker');
  expect(readEnvironment({ LODESTONE_CACHE: '/c', LODESTONE_WORKER_DIRECTORY: '/w' }).workerDirectory).toBe('/w');
});
