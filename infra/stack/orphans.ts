/** What a killed guardian left running, as its state file says; a process that only has a recorded pid is left alone. */
import { endGroup, isAlive } from './processes';
import type { ProcessName, StackState } from './state';

/** The worker first, which checkpoints while its servers still answer. */
const order: readonly ProcessName[] = ['worker', 'temporal', 's3'];
const WORKER_GRACE_MS = 30_000;
const SERVER_GRACE_MS = 10_000;

export async function endOrphans(
  processes: StackState['processes'],
  onOrphan: (orphan: StackState['processes'][number]) => void,
): Promise<void> {
  for (const name of order) {
    for (const orphan of processes.filter((one) => one.name === name && isAlive(one))) {
      onOrphan(orphan);
      await endGroup(orphan, name === 'worker' ? WORKER_GRACE_MS : SERVER_GRACE_MS);
    }
  }
}
