/**
 * A Temporal server as companies have it: behind TLS, asking for client certificates and an API key, reached through a profile
 * file, in a namespace of its own. A whole run on it; and each thing that may be set wrong, in one message with its exit code.
 * The API key reaches the server and nothing else.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../cli/program';
import { failures, type FailureKind } from '../../errors';
import { captured } from '../cli/support';
import type { Ended, Running } from '../infra/setup/in-node';
import {
  answerOf,
  EPOCHS,
  interrupted,
  makePhotos,
  Shell,
  startTemporal,
  tinyRun,
  type OwnTemporal,
} from './own-servers';
import { hasOpenssl, makeAuthority, makeCertificate, startTlsProxy, type KeyPair, type TlsProxy } from './tls-proxy';

jest.setTimeout(120_000);
const suite = hasOpenssl() ? describe : describe.skip;

suite('a Temporal server behind TLS', () => {
  const NAMESPACE = 'images';
  const API_KEY = 'key-that-must-not-be-seen';
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-tls-'));
  const store = `file://${folder}/store`;
  const outputs: Ended[] = [];
  let temporal: OwnTemporal;
  let proxy: TlsProxy;
  let authority: KeyPair;
  let client: KeyPair;
  let stranger: KeyPair;
  let shell: Shell;

  beforeAll(async () => {
    temporal = await startTemporal(NAMESPACE);
    authority = makeAuthority(folder, 'authority');
    client = makeCertificate(folder, 'the-client', authority, []);
    stranger = makeAuthority(folder, 'stranger');
    const server = makeCertificate(folder, 'server', authority, ['IP:127.0.0.1', 'DNS:localhost']);
    proxy = await startTlsProxy({ port: temporal.port, server, clientAuthority: authority, apiKey: API_KEY });
    writeFileSync(
      join(folder, 'profiles.toml'),
      `[profile.company]
address = "${proxy.address}"
namespace = "${NAMESPACE}"
api_key = "${API_KEY}"
[profile.company.tls]
server_ca_cert_path = "${authority.certificate}"
client_cert_path = "${client.certificate}"
client_key_path = "${client.key}"
`,
    );
    shell = await Shell.open({
      TEMPORAL_CONFIG_FILE: join(folder, 'profiles.toml'),
      TEMPORAL_PROFILE: 'company',
      LODESTONE_STORE: store,
    });
  }, 120_000);
  afterAll(async () => {
    await proxy.end();
    await temporal.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const lodestone = async (...words: string[]): Promise<Ended> => {
    const ended = await shell.lodestone(words);
    outputs.push(ended);
    return ended;
  };

  describe('set right, by a profile file', () => {
    let worker: Running;
    beforeAll(async () => {
      worker = await shell.worker();
    });
    afterAll(() => shell.end());

    it('a run trains and ends there, in the namespace of the profile and in no other', async () => {
      const trained = await lodestone(...tinyRun(await makePhotos(shell.folder), 'far', '--json'));
      expect(trained.code).toBe(0);
      expect(answerOf(trained)).toMatchObject({ run: 'far', status: 'finished', epochs: EPOCHS });
      const { status } = await temporal.client(NAMESPACE).workflow.getHandle('far').describe();
      expect(status.name).toBe('COMPLETED');
      await expect(temporal.client().workflow.getHandle('far').describe()).rejects.toThrow(/not found/);
    });

    it('a server that is far away: extend reaches a finished run, which would have ended again meanwhile', async () => {
      proxy.slow = { method: /Update|MultiOperation/, ms: 2000 };
      const extended = await lodestone('extend', 'far', '4', '--json');
      proxy.slow = null;
      expect(extended.stderr).toMatch(/^far trains to epoch 4\.\n/);
      expect(answerOf(extended)).toMatchObject({ status: 'finished', epochs: 4 });
    });

    it('command and worker came with the key and the certificate; nobody else came', () => {
      const { callers } = proxy;
      const ways = new Set(callers.map(({ authorization, certificate }) => `${authorization} ${certificate}`));
      expect([...ways]).toEqual([`Bearer ${API_KEY} the-client`]);
      const agents = new Set(callers.map(({ agent }) => agent.split('/')[0]));
      expect(agents.size).toBe(2); // that of the client library and that of the worker's
    });

    it('the key is in no output, no history, no stored object, no file that was written', async () => {
      outputs.push(await interrupted(worker));
      for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(API_KEY);
      const { workflow } = temporal.client(NAMESPACE);
      const histories: string[] = [];
      for await (const { workflowId, runId } of workflow.list())
        histories.push(JSON.stringify(await workflow.getHandle(workflowId, runId).fetchHistory(), bytesAsText));
      expect(histories).toHaveLength(2); // begun and extended
      for (const history of histories) {
        expect(history).toContain('stepsPerEpoch'); // what is in a payload would be seen
        expect(history).not.toContain(API_KEY);
      }
      for (const place of [join(folder, 'store'), shell.folder])
        for (const file of filesUnder(place))
          expect([file, readFileSync(file).includes(API_KEY)]).toEqual([file, false]);
    });
  });

  describe('set wrong', () => {
    const right = (): Record<string, string> => ({
      TEMPORAL_ADDRESS: proxy.address,
      TEMPORAL_NAMESPACE: NAMESPACE,
      TEMPORAL_API_KEY: API_KEY,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.certificate,
      TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificate,
      TEMPORAL_TLS_CLIENT_KEY_PATH: client.key,
    });
    async function list(variables: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
      const surroundings = captured(folder, variables);
      const code = await runProgram(['list', '--store', store], surroundings);
      return { code, stdout: surroundings.stdout(), stderr: surroundings.stderr() };
    }
    const without = (variable: string): Record<string, string> => {
      const { [variable]: _, ...rest } = right();
      return rest;
    };

    it('control: all of it set right by variables, the runs are listed', async () => {
      expect(await list(right())).toMatchObject({ code: 0, stdout: expect.stringMatching(/far +trainPipeline/) });
    });

    it.each<[string, () => Record<string, string>, FailureKind, RegExp]>([
      [
        'another CA',
        () => ({ ...right(), TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger.certificate }),
        'TemporalUnavailable',
        /Temporal server localhost:\d+: its TLS certificate is not trusted, it must be signed by a known CA \(\w+\)\. Set TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
      ],
      [
        'no CA: that of the system is asked, which does not know it',
        () => without('TEMPORAL_TLS_SERVER_CA_CERT_PATH'),
        'TemporalUnavailable',
        /its TLS certificate is not trusted/,
      ],
      [
        'a name that the certificate does not have',
        () => ({ ...right(), TEMPORAL_TLS_SERVER_NAME: 'elsewhere.example' }),
        'TemporalUnavailable',
        /its TLS certificate is for another name.*\(ERR_TLS_CERT_ALTNAME_INVALID\)\. .*TEMPORAL_TLS_SERVER_NAME/,
      ],
      [
        'no client certificate',
        () => {
          const { TEMPORAL_TLS_CLIENT_CERT_PATH: _, TEMPORAL_TLS_CLIENT_KEY_PATH: __, ...rest } = right();
          return rest;
        },
        'TemporalUnavailable',
        /it refuses the client certificate of this connection.*Set TEMPORAL_TLS_CLIENT_CERT_PATH/,
      ],
      [
        'another API key',
        () => ({ ...right(), TEMPORAL_API_KEY: 'another' }),
        'TemporalUnavailable',
        /refuses the credentials \(Request unauthorized\.\)\. Check TEMPORAL_API_KEY/,
      ],
      [
        'an API key with a line end',
        () => ({ ...right(), TEMPORAL_API_KEY: `${API_KEY}\n` }),
        'InvalidConfig',
        /TEMPORAL_API_KEY .*: holds a line end .*\(its value is not shown\)\. Set it anew/,
      ],
    ])('%s: one message, the documented code, and no key in it', async (_, variables, kind, message) => {
      const { code, stdout, stderr } = await list(variables());
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect([code, stdout]).toEqual([failures[kind].exitCode, '']);
      expect(stderr).not.toContain(API_KEY);
    });

    it('a worker says the same as a command', async () => {
      const words = ['worker', '--store', store];
      const { code, stderr } = await shell.lodestone(words, {
        TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger.certificate,
      });
      expect(stderr).toMatch(/^lodestone: Temporal server \S+: its TLS certificate is not trusted.*\n$/);
      expect(code).toBe(failures.TemporalUnavailable.exitCode);
    });

    it('an API key asks for TLS; a server without it is named as that, and TEMPORAL_TLS=false is the way out', async () => {
      const plain = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_API_KEY: API_KEY };
      const refused = await list(plain);
      expect(refused.stderr).toMatch(/it ends the TLS handshake, .*Set TEMPORAL_TLS=false/);
      expect(refused.code).toBe(failures.TemporalUnavailable.exitCode);
      expect(await list({ ...plain, TEMPORAL_TLS: 'false' })).toMatchObject({ code: 0 });
    });
  });
});

/** Payloads of a history as text. */
function bytesAsText(name: string, value: unknown): unknown {
  return name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
