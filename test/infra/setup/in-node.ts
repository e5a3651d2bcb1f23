/**
 * Runs a script that uses the modules of infra/setup in a Node process of its own: they are ES modules, which Jest does
 * not load, and a process of its own can be killed. Also temporary folders and fake programs for such scripts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the output so far contains the text; rejects when the process ends without having said it. */
  said(text: string): Promise<void>;
}

const projectRoot = join(__dirname, '../../..');
export const setupFolder = join(projectRoot, 'infra/setup');

/** The environment of a script that is to find no tool but those in `path`. */
export function environmentWithPath(path: string): NodeJS.ProcessEnv {
  const { CXX: _compiler, npm_execpath: _npm, ...rest } = process.env;
  return { ...rest, PATH: path };
}

/** `script` is the body of an ES module; `import(setup('cache.mjs'))` loads a module of infra/setup. */
export function startInNode(script: string, env: NodeJS.ProcessEnv = process.env): Running {
  const prelude = `const setup = (file) => ${JSON.stringify(pathToFileURL(setupFolder).href)} + '/' + file;\n`;
  return start(process.execPath, ['--input-type=module', '-e', prelude + script], env);
}

export function inNode(script: string, env?: NodeJS.ProcessEnv): Promise<Ended> {
  return startInNode(script, env).ended;
}

export function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Running {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    notify();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    notify();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const said = async (text: string): Promise<void> => {
    const heard = new Promise<void>((resolve) => {
      const check = (): void => {
        if ((stdout + stderr).includes(text)) resolve();
      };
      listeners.add(check);
      check();
    });
    const silent = ended.then(() => {
      if (!(stdout + stderr).includes(text)) throw new Error(`ended without saying "${text}": ${stdout}${stderr}`);
    });
    await Promise.race([heard, silent]);
  };
  return { child, ended, said };
}

/** A fresh folder, removed after the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-setup-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A shell script called `name` in `folder`; returns the folder, to be used as PATH. */
export function fakeProgram(folder: string, name: string, body: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, name), 0o755);
  return folder;
}

/** Polls until the process is gone; a killed group needs a moment to be reaped. */
export async function untilGone(pid: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`process ${pid} still runs`);
}
