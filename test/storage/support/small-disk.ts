/** Disks of a few megabytes for a program of their own, which nobody else sees (Linux user namespaces), to fill and to free. */
import { spawnSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';

export interface SmallDisk {
  /** To the last byte. */
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** Whether a user may mount one here. */
export const canMount = (): boolean => {
  const tried = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', tmpdir()]);
  if (tried.status !== 0)
    console.warn('full disks: SKIPPED, this machine allows no mounts in user namespaces (unshare)');
  return tried.status === 0;
};

/**
 * The command that runs another with a disk of its own.
 * @param folder where the disk lies to it
 * @param runs what the shell does with the command; left out: becomes it
 */
export function onSmallDisk(
  megabytes: number,
  folder: string,
  command: readonly string[],
  runs = 'exec "$@"',
): string[] {
  return [
    'unshare',
    '-Urm',
    'sh',
    '-c',
    `mount -t tmpfs -o size=${megabytes}m none "$0" && ${runs}`,
    folder,
    ...command,
  ];
}

/** The path of a file on the disk of a process, as others see it. */
export function seenFromHere(pid: number, path: string): string {
  return `/proc/${pid}/root${path}`;
}

/** @param ballast a file on it, seen from here */
export function smallDisk(ballast: string): SmallDisk {
  return {
    fill: async () => {
      const file = await open(ballast, 'w');
      try {
        for (let size = 1 << 20; size >= 1;) {
          const { bytesWritten } = await file.write(Buffer.alloc(size)).catch((error: unknown) => {
            if ((error as { code?: unknown }).code === 'ENOSPC') return { bytesWritten: 0 };
            throw error;
          });
          if (bytesWritten < size) size >>= 1;
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast),
  };
}
