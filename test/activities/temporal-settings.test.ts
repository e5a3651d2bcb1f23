/** Temporal's settings from variables and its profile file: what cannot be used is named, and a key is never shown. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporalSettings, type Variables } from '../../activities/temporal-settings';
import type { LodestoneError } from '../../errors';

const SECRET = 'key-that-must-not-be-seen';
const folder = mkdtempSync(join(tmpdir(), 'lodestone-settings-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const profiles = file(
  'profiles.toml',
  `[profile.default]\naddress = "one:7233"\n[profile.company]\naddress = "two"\nnamespace = "images"\napi_key = "${SECRET}"\n`,
);
const key = file(
  'one.key',
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
);
const noProfiles = { XDG_CONFIG_HOME: folder };
afterAll(() => rmSync(folder, { recursive: true }));

test('nothing is set: there is no address, and the namespace is left to the client', () => {
  expect(temporalSettings(noProfiles)).toEqual({ namespace: undefined, connectionOptions: {} });
});

test('a profile is taken by its name; variables win over it; one that is set to nothing is not set', () => {
  const named = { ...noProfiles, TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'company' };
  expect(temporalSettings(named)).toMatchObject({
    namespace: 'images',
    connectionOptions: { address: 'two', apiKey: SECRET, tls: true },
  });
  const mixed = temporalSettings({
    ...named,
    TEMPORAL_ADDRESS: 'three:1',
    TEMPORAL_NAMESPACE: '',
    TEMPORAL_TLS: 'false',
  });
  expect(mixed).toMatchObject({ namespace: 'images', connectionOptions: { address: 'three:1', tls: false } });
  expect(temporalSettings({ ...noProfiles, TEMPORAL_API_KEY: '', TEMPORAL_ADDRESS: 'a:1' }).connectionOptions.tls).toBe(
    undefined,
  );
});

test.each<[string, Variables, RegExp]>([
  [
    'an address that is a URL',
    { TEMPORAL_ADDRESS: 'https://a:7233' },
    /^TEMPORAL_ADDRESS .*: got https:\/\/a:7233, must be host:port/,
  ],
  [
    'an API key with a line end',
    { TEMPORAL_API_KEY: `${SECRET}\n` },
    /^TEMPORAL_API_KEY .*: holds a line end .* Set it anew/,
  ],
  [
    'a header with a line end',
    { TEMPORAL_GRPC_META_TOKEN: `${SECRET}\n` },
    /^TEMPORAL_GRPC_META token: holds a line end/,
  ],
  [
    'a CA file that is not there',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(folder, 'absent.pem') },
    /^Temporal's TLS: ENOENT: .*absent\.pem'\. Set TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
  ],
  [
    'a CA file that holds no certificate',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: profiles },
    /^Temporal's TLS: the server's CA is no certificate \(.*\)\. Set/,
  ],
  [
    'a client certificate without its key',
    { TEMPORAL_TLS_CLIENT_CERT_PATH: key },
    /^Temporal's TLS: got a client certificate without its key, must be both or none/,
  ],
  [
    'a key that is taken for the certificate too',
    { TEMPORAL_TLS_CLIENT_CERT_PATH: key, TEMPORAL_TLS_CLIENT_KEY_PATH: key },
    /^Temporal's TLS: the client certificate and its key are no pair \(.*\)\. Set/,
  ],
  [
    'a profile file that is not there',
    { TEMPORAL_CONFIG_FILE: join(folder, 'profile.toml') },
    /^TEMPORAL_CONFIG_FILE: got \S+profile\.toml, which is not there\. Name/,
  ],
  [
    'a profile that the file does not have',
    { TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'campany' },
    /^Temporal's configuration: Profile 'campany' not found.*Mend TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE/,
  ],
  [
    'a profile file with a fault beside the key',
    { TEMPORAL_CONFIG_FILE: file('torn.toml', `[profile.default]\naddress = "one\napi_key = "${SECRET}"\n`) },
    /^Temporal's configuration: Invalid TOML document: .*, line 2, column \d+\. Mend/,
  ],
])('%s is InvalidConfig in one line, without the key', (_, variables, message) => {
  let error: unknown;
  try {
    temporalSettings({ ...noProfiles, ...variables });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ kind: 'InvalidConfig', message: expect.stringMatching(message) });
  const { message: said, cause } = error as LodestoneError;
  expect(said.split('\n')).toHaveLength(1);
  expect(said + String(cause)).not.toContain(SECRET);
});
