/**
 * Processes by pid and start time: told apart, and ended with their whole group. Does not know what they do.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessMark } from './state';

/** The mark of a live process; null when there is none (a zombie is none). */
export function markOf(pid: number): ProcessMark | null {
  const started = process.platform === 'linux' ? startTicks(pid) : startDate(pid);
  return started === null ? null : { pid, started };
}

/** True when the very process that was marked still runs. */
export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.started === mark.started;
}

/**
 * Ends the marked process and its group: SIGTERM, then SIGKILL after `graceMs`. Does nothing to a process that only has
 * its pid.
 */
export async function endGroup(mark: ProcessMark, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  if (!isAlive(mark)) return;
  signalGroup(mark.pid, 'SIGTERM');
  while (isAlive(mark)) {
    if (Date.now() > deadline) signalGroup(mark.pid, 'SIGKILL');
    await sleep(20);
  }
}

/** To the group that `pid` leads; a group that is gone is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Field 22 of /proc/<pid>/stat, in clock ticks since boot. The name in field 2 may hold spaces and brackets. */
function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19];
  } catch {
    return null;
  }
}

function startDate(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}
