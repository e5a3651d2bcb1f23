/** The programs that set-up found or built, as it wrote them down (infra/setup/toolchain.mjs). */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** null: set-up was not to build it. */
const Toolchain = z.looseObject({
  temporal: z.string().nullable(),
  minio: z.string().nullable(),
  versitygw: z.string().nullable(),
});
export type Toolchain = z.infer<typeof Toolchain>;

/** @returns null for half a file, of a machine that lost its power, or one of another version */
export function readToolchain(file: string): Toolchain | null {
  try {
    return Toolchain.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}
