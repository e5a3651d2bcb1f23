/**
 * The guardian process: `node dist/infra/stack/guardian-main.js <state directory> <project root>`, started detached by
 * client.ts. Takes the lock, which is its socket, and hands each request to the Guardian. A second one ends at once.
 */
import { timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { pino } from 'pino';
import { assertNever } from '../../errors';
import { Guardian } from './guardian';
import { onMessage, Request, send, tryConnect } from './protocol';
import { areCurrent, loadCredentials, socketAddress } from './state';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // see cli/main.ts

const [stateDir, projectRoot] = process.argv.slice(2);
const destination = pino.destination({ dest: 1, sync: true });
destination.on('error', () => undefined); // a full disk takes lines of the log, not the guardian
const log = pino({ base: null }, destination);

const STATE_CHECK_MS = 5000;

void main().catch((error: unknown) => {
  log.fatal({ err: error }, 'the guardian failed');
  process.exit(1);
});

async function main(): Promise<void> {
  const credentials = loadCredentials(stateDir);
  const server = createServer();
  if (!(await takeLock(server, socketAddress(stateDir)))) return;

  const guardian = new Guardian(stateDir, projectRoot, credentials, log, () => process.exit(0));
  const ours = Buffer.from(credentials.token);
  const isOurs = (token: string): boolean => {
    const given = Buffer.from(token);
    return given.length === ours.length && timingSafeEqual(given, ours); // which throws where bytes differ in number
  };
  let reaped: Promise<void> | null = null;

  // Whoever deletes the state directory deletes what the servers serve, and can no longer say so here.
  const endWithState = (): void => {
    if (areCurrent(stateDir, credentials)) return;
    log.error({ stateDir }, 'the state directory was deleted or is another one: ending');
    void guardian.stop().catch(fail);
  };
  setInterval(endWithState, STATE_CHECK_MS);

  const answer = async (socket: Socket, request: Request): Promise<void> => {
    if (!isOurs(request.token)) {
      if (areCurrent(stateDir, credentials)) return void socket.destroy();
      send(socket, { type: 'ending' });
      socket.end();
      return endWithState();
    }
    await reaped;
    switch (request.type) {
      case 'hold':
        return guardian.hold(socket, request);
      case 'status':
        return send(socket, { type: 'status', report: guardian.report() });
      case 'stop':
        return guardian.stop(); // the end of the connection is the answer
      default:
        return assertNever(request);
    }
  };
  server.on('connection', (socket) => {
    socket.on('error', () => socket.destroy()); // 'close' follows and ends the lease
    onMessage(socket, Request, (request) => void answer(socket, request).catch(fail));
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void guardian.end());
  reaped = guardian.reapOrphans();
  await reaped;
}

function fail(error: unknown): never {
  log.fatal({ err: error }, 'the guardian failed');
  process.exit(1); // what it leaves running stands in the state file; the next guardian ends it
}

/** False where another guardian has it. A socket file (no Linux) whose owner is dead is taken over. */
async function takeLock(server: Server, address: string): Promise<boolean> {
  const listens = (): Promise<boolean> =>
    new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
      );
      server.listen(address, () => resolve(true));
    });
  if (await listens()) return true;
  const owner = await tryConnect(address);
  owner?.destroy();
  if (owner !== null || address.startsWith('\0')) return false;
  rmSync(address, { force: true });
  return listens();
}
