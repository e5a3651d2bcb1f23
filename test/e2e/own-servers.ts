/**
 * Servers that belong to the user, for end-to-end tests: a Temporal dev server and an S3 server that the test itself started,
 * workers as a person starts them, and the command as a person types it. No local stack: the state folder must stay without
 * one, which the tests ask.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import sharp from 'sharp';
import type { StoreCredentials } from '../../config/environment';
import { start, type Ended, type Running } from '../infra/setup/in-node';
import { freePort, type TestServer } from '../storage/support/servers';
import { freshFolder } from '../storage/support/temporary-folder';
import { projectRoot } from './stand';

const toolchain = JSON.parse(readFileSync(join(projectRoot, '.lodestone/toolchain.json'), 'utf8')) as {
  readonly temporal: string;
};
export const temporalProgram = toolchain.temporal;

export interface OwnTemporal {
  readonly address: string;
  readonly port: number;
  /** Straight to the server, whatever the tests put before it. */
  client(namespace?: string): Client;
  isAlive(): boolean;
  end(): Promise<void>;
}

/** In memory; every namespace beside `default` is made. */
export async function startTemporal(...namespaces: string[]): Promise<OwnTemporal> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const server = spawn(
    temporalProgram,
    [
      ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
      ...namespaces.flatMap((name) => ['--namespace', name]),
    ],
    { env: { ...plainEnvironment(), HOME: await freshFolder() }, stdio: 'ignore' },
  );
  const killed = (): void => void server.kill('SIGKILL');
  process.once('exit', killed);
  const connection = await untilConnected(address, server);
  return {
    address,
    port,
    client: (namespace = 'default') => new Client({ connection, namespace }),
    isAlive: () => server.exitCode === null && server.signalCode === null,
    end: async () => {
      await connection.close();
      process.off('exit', killed);
      const exit = once(server, 'exit');
      server.kill('SIGKILL');
      await exit;
    },
  };
}

async function untilConnected(address: string, server: ChildProcess): Promise<Connection> {
  for (let tries = 1; ; tries++) {
    if (server.exitCode !== null) throw new Error(`the Temporal server ended with ${server.exitCode}`);
    try {
      const connection = await Connection.connect({ address, connectTimeout: 500 });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return connection;
    } catch (error) {
      if (tries >= 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100)); // it says nothing when it serves
    }
  }
}

/** What a person exports; a worker and a command are given the same. */
export type Exported = Readonly<Record<string, string>>;

export function credentialsOf({ accessKeyId, secretAccessKey }: StoreCredentials): Exported {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** As a person writes it: nothing but the address says where it is. */
export function storeUri({ port }: TestServer, prefix: string): string {
  return `s3://lodestone-test/${prefix}?endpoint=http://127.0.0.1:${port}`;
}

/** The command and its workers in a folder of their own. */
export class Shell {
  readonly #workers: Running[] = [];

  private constructor(
    readonly folder: string,
    private readonly exported: Exported,
  ) {}

  /** Compiles what is not compiled: the command is run as it is shipped. */
  static async open(exported: Exported): Promise<Shell> {
    execFileSync(process.execPath, ['infra/setup/build-now.mjs'], { cwd: projectRoot, stdio: 'pipe' });
    return new Shell(await freshFolder(), exported);
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  environment(more: Exported = {}): NodeJS.ProcessEnv {
    return {
      ...plainEnvironment(),
      LODESTONE_STATE: this.state,
      LODESTONE_WORKER_DIRECTORY: join(this.folder, 'worker'),
      XDG_CONFIG_HOME: join(this.folder, 'no-profiles'),
      ...this.exported,
      ...more,
    };
  }

  lodestone(words: readonly string[], more: Exported = {}): Promise<Ended> {
    return this.start(words, more).ended;
  }

  start(words: readonly string[], more: Exported = {}): Running {
    return start(process.execPath, [join(projectRoot, 'bin/lodestone.mjs'), ...words], this.environment(more));
  }

  /** A command that was printed, as it would be pasted. */
  paste(command: string): Promise<Ended> {
    const words = [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
    if (words[0] !== 'npx' || words[1] !== 'lodestone') throw new Error(`this is none of our commands: ${command}`);
    return this.lodestone(words.slice(2));
  }

  /** Serves when it resolves. */
  async worker(words: readonly string[] = [], more: Exported = {}): Promise<Running> {
    const worker = this.start(['worker', '--role', 'all', ...words], more);
    this.#workers.push(worker);
    await worker.said('serves runs until Ctrl-C');
    return worker;
  }

  /** The process that trains for the worker of this shell, by its record. */
  async trainer(): Promise<number> {
    const record = await readFile(join(this.folder, 'worker/trainer.json'), 'utf8');
    return (JSON.parse(record) as { pid: number }).pid;
  }

  get hasLocalStack(): boolean {
    return existsSync(join(this.state, 'stack'));
  }

  /** Ends the workers that still serve. */
  async end(): Promise<void> {
    for (const worker of this.#workers) {
      worker.child.kill('SIGKILL');
      await worker.ended;
    }
  }
}

/** Ctrl-C, as far as a process feels it. */
export async function interrupted({ child, ended }: Running): Promise<Ended> {
  child.kill('SIGINT');
  return ended;
}

/** The last line of stdout, which is what --json promises. */
export function answerOf({ stdout, stderr }: Ended): Answer {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`no JSON in the last line of ${JSON.stringify(stdout)}; ${stderr}`);
  return JSON.parse(line) as Answer;
}

export interface Answer {
  readonly run: string;
  readonly status: string;
  readonly epochs?: number;
  readonly digests?: Readonly<Record<string, string>>;
  readonly error?: { readonly kind: string; readonly message: string; readonly exitCode: number };
  readonly resume?: string;
  readonly report?: string;
}

/** Twelve images of each of two classes: stripes whose colour says the class, not two of them alike. */
export async function makePhotos(folder: string): Promise<string> {
  const photos = join(folder, 'photos');
  const edge = 20;
  for (const [index, name] of ['oak', 'birch'].entries()) {
    mkdirSync(join(photos, name), { recursive: true });
    for (let i = 0; i < 12; i++) {
      const pixels = Buffer.from(
        Array.from({ length: edge * edge }, (_, at) => {
          const stripe = ((at % edge) * (i + 2) + Math.floor(at / edge) * (7 - (i % 5))) % 64;
          return [60 + 90 * index + stripe, (i * 29 + stripe) % 256, (i * 53 + 2 * stripe) % 256];
        }).flat(),
      );
      const raw = { width: edge, height: edge, channels: 3 } as const;
      await sharp(pixels, { raw })
        .png()
        .toFile(join(photos, name, `${i}.png`));
    }
  }
  return photos;
}

export const EPOCHS = 3;

/** The configuration of every run here: three epochs of sixteen steps. */
export const tiny: readonly string[] = [
  ...['network.inputSize=16', 'network.embeddingSize=16', 'warmStart.epochs=1', 'stepsPerEpoch=16', 'engine.threads=1'],
].flatMap((assignment) => ['--set', assignment]);
export const tinyRun = (photos: string, name: string, ...more: string[]): string[] => [
  ...['run', photos, '--name', name, '--epochs', String(EPOCHS)],
  ...tiny,
  ...more,
];

/** Without what would point a command at servers, stores or folders of whoever runs the tests. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(TEMPORAL_|AWS_|LODESTONE_|MINIO_|NODE_OPTIONS$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
