/**
 * Ports of the local stack: those asked for, else those of last time while they are free, else free ones. Loopback only.
 */
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { LodestoneError } from '../../errors';
import { Ports } from './state';

export type PortWishes = { readonly [Name in keyof Ports]?: number | undefined };

/** @throws PortTaken where a port that was asked for is in use */
export async function choosePorts(wished: PortWishes, last: Ports | null): Promise<Ports> {
  const names = Object.keys(Ports.shape) as (keyof Ports)[];
  const chosen: Record<string, number> = {};
  for (const name of names) {
    const wish = wished[name];
    if (wish === undefined) continue;
    if (Object.values(chosen).includes(wish))
      throw new LodestoneError('InvalidConfig', `ports.${name}: got ${wish} twice; each needs a port of its own.`);
    if (!(await isFree(wish))) throw taken(name, wish);
    chosen[name] = wish;
  }
  for (const name of names.filter((one) => chosen[one] === undefined)) {
    const used = Object.values(chosen);
    const canKeep = last !== null && !used.includes(last[name]) && (await isFree(last[name]));
    chosen[name] = canKeep ? last[name] : await freePort(used);
  }
  return Ports.parse(chosen);
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

async function freePort(not: readonly number[]): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return not.includes(port) ? freePort(not) : port;
}

function taken(name: keyof Ports, port: number): LodestoneError {
  const holder = holderOf(port);
  return new LodestoneError(
    'PortTaken',
    `ports.${name}: got ${port}, which ${holder ?? 'another program'} uses; must be a free port. ` +
      `End that program, choose another port, or leave the port out to get a free one.`,
    { facts: { port, holder } },
  );
}

/** "minio (pid 12)" of whoever listens on the port, where /proc shows it to us. */
function holderOf(port: number): string | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeningInodes(file, port)));
  const pids = attempt(() => readdirSync('/proc').filter((name) => /^\d+$/.test(name))) ?? [];
  for (const pid of pids) {
    for (const descriptor of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`)) ?? '';
      if (inodes.has(target)) return `${attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8'))?.trim()} (pid ${pid})`;
    }
  }
  return null;
}

/** `socket:[inode]` of the sockets in state LISTEN (0A) on the port. */
function listeningInodes(file: string, port: number): string[] {
  const rows = (attempt(() => readFileSync(file, 'utf8')) ?? '').split('\n').slice(1);
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && fields[1].endsWith(end))
    .map((fields) => `socket:[${fields[9]}]`);
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
