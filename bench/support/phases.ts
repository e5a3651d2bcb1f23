/** A worker that goes through phases and says a JSON line after each: how one is started, and how it speaks. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { trainerFlags } from '../../activities/trainer/spawn';
import { spawnEnvironment } from '../../engine/environment';

export interface Phase {
  readonly phase: string;
  readonly milliseconds: number;
  /** The most that the process had ever held by then. */
  readonly peakBytes: number;
}

/** All phases of a worker. Throws where it ends badly. */
export async function phasesOf<P extends Phase>(worker: string, argument: string, threads: number): Promise<P[]> {
  const child = spawn(process.execPath, [...trainerFlags, worker, argument], {
    env: { ...process.env, ...spawnEnvironment(threads, { oneDnn: true, deterministic: true }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const phases: P[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue; // libraries print too
    const phase = JSON.parse(line) as P;
    phases.push(phase);
    console.log(
      `  ${phase.phase}: ${(phase.milliseconds / 1000).toFixed(2)} s, ${(phase.peakBytes / 2 ** 20).toFixed(0)} MiB`,
    );
  }
  const code = await ended;
  if (code !== 0) throw new Error(`bench: a worker ended with code ${code ?? '?'}; what it printed above says why.`);
  return phases;
}

/** The worker's side: runs a phase and says what it took. @param facts what else there is to say of it */
export async function inPhase<T>(
  phase: string,
  work: () => T | Promise<T>,
  facts: (result: T) => object = () => ({}),
): Promise<T> {
  const begun = performance.now();
  const result = await work();
  const milliseconds = performance.now() - begun;
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(`${JSON.stringify({ phase, milliseconds, peakBytes, ...facts(result) })}\n`);
  return result;
}
