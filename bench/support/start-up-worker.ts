/**
 * Starts one program again and again, for `start-up.bench.ts`: a turn is a start, timed from the spawn to the program's end,
 * or to the line that it says when it is ready; then it is ended.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { median, serveTurns } from './interleave';

/** What a worker is told. */
export interface StartTask {
  readonly note: string;
  /** Arguments of Node. */
  readonly program: readonly string[];
  /** A part of the line that says it is ready; null: it ends by itself. */
  readonly readyLine: string | null;
  /** In a turn. */
  readonly starts: number;
}

const LIMIT_MS = 60_000;
/** For a worker to end its activities and connections. */
const END_MS = 30_000;

const { note, program, readyLine, starts } = JSON.parse(process.argv[2] ?? '') as StartTask;
let running: ChildProcess | undefined;
process.on('exit', () => running?.kill('SIGKILL'));

serveTurns(() => ({
  note,
  turn: () => medianOf(starts),
}));

async function medianOf(count: number): Promise<number> {
  const times: number[] = [];
  while (times.length < count) times.push(await start());
  return median(times);
}

/** @returns milliseconds from the spawn */
async function start(): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  let said = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const took = await new Promise<number>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${program.join(' ')}: ${why}. ${said.slice(-500)}`));
    const timer = setTimeout(() => fail(`not ready after ${LIMIT_MS / 1000} s`), LIMIT_MS);
    const hear = (text: string): void => {
      said += text;
      if (readyLine === null || !said.includes(readyLine)) return;
      clearTimeout(timer);
      resolve(performance.now() - begun);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('close', (code) => {
      clearTimeout(timer);
      if (readyLine === null && code === 0) resolve(performance.now() - begun);
      else fail(`ended with ${code ?? 'a signal'}`);
    });
  });
  if (readyLine !== null) {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await ended;
    clearTimeout(timer);
  }
  running = undefined;
  return took;
}
