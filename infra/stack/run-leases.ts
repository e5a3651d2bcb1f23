/** Whether the run behind a lease is over, as Temporal says. Does not know leases. */
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { stackConnection } from './programs';

const TIMEOUT_MS = 3000;

/** False where Temporal does not answer: a server that is just restarted forgets no run. */
export async function runIsClosed(address: string, workflowId: string): Promise<boolean> {
  let connection: Connection | null = null;
  try {
    connection = await Connection.connect({ ...stackConnection(address), connectTimeout: TIMEOUT_MS });
    const handle = new Client({ connection }).workflow.getHandle(workflowId);
    const { status } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () => handle.describe());
    return status.name !== 'RUNNING' && status.name !== 'PAUSED';
  } catch (error) {
    return error instanceof WorkflowNotFoundError;
  } finally {
    await connection?.close();
  }
}
