/**
 * What commands and the guardian say to each other: one JSON object a line over the guardian's socket.
 */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { failures, type FailureKind } from '../../errors';
import { Lease, Ports, ProcessName, S3Kind, WorkerWish } from './state';

const token = z.string();

export const Request = z.discriminatedUnion('type', [
  /** The connection is the lease from here on. */
  z.strictObject({
    type: z.literal('hold'),
    token,
    lease: Lease,
    worker: WorkerWish,
    s3: S3Kind.nullable(),
    ports: Ports.partial(),
    workerCommand: z.array(z.string()).min(1).nullable(),
  }),
  z.strictObject({ type: z.literal('status'), token }),
  z.strictObject({ type: z.literal('stop'), token }),
]);
export type Request = z.infer<typeof Request>;

export const ProcessStatus = z.strictObject({
  name: ProcessName,
  /** Null while it waits for its next start. */
  pid: z.int().nullable(),
  restarts: z.int(),
});

export const Report = z.strictObject({
  guardian: z.int(),
  s3: S3Kind,
  /** Null before they are chosen. */
  ports: Ports.nullable(),
  serving: z.boolean(),
  processes: z.array(ProcessStatus),
  leases: z.array(Lease),
});
export type Report = z.infer<typeof Report>;

export const Reply = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('progress'), line: z.string() }),
  z.strictObject({ type: z.literal('ready'), ports: Ports }),
  z.strictObject({
    type: z.literal('failed'),
    kind: z.enum(Object.keys(failures) as [FailureKind, ...FailureKind[]]),
    message: z.string(),
  }),
  z.strictObject({ type: z.literal('status'), report: Report }),
  /** The guardian ends; whoever still wants a stack starts another. */
  z.strictObject({ type: z.literal('ending') }),
  /** Somebody stopped the stack: holders do not bring it back. */
  z.strictObject({ type: z.literal('stopped') }),
]);
export type Reply = z.infer<typeof Reply>;

export function send(socket: Socket, message: Request | Reply): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls back for each line that fits the schema; a line that does not ends the connection. */
export function onMessage<T>(socket: Socket, schema: z.ZodType<T>, receive: (message: T) => void): void {
  const lines = createInterface({ input: socket });
  lines.on('error', () => socket.destroy());
  lines.on('line', (line) => {
    const message = schema.safeParse(parseJson(line));
    if (message.success) receive(message.data);
    else socket.destroy();
  });
}

/** Null where nobody listens. */
export function tryConnect(address: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      socket.on('error', () => socket.destroy()); // the other end died: 'close' follows
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(null);
      else reject(error);
    });
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
