/**
 * Runs a TypeScript file in a process of its own and gives the JSON it printed last.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { spawnEnvironment } from '../../../engine/environment';

const hook = join(__dirname, 'typescript.cjs');

/**
 * @param file beside this one
 * @param program the Node that runs it
 */
export function runInChild(
  file: string,
  environment: Record<string, string> = spawnEnvironment(2, defaults),
  program = process.execPath,
): unknown {
  const stdout = execFileSync(program, ['--require', hook, join(__dirname, file)], {
    env: { PATH: process.env.PATH, ...environment },
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

export const defaults = { oneDnn: true, deterministic: true };
