/**
 * What lodestone doctor says of a CUDA device: driver, models, whether TensorFlow is built for it, and which of the libraries
 * that it loads it could not open, by name. Facts in, lines out; a host without a GPU is as good as any.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from './doctor';

export interface GpuFacts {
  /** Version of NVIDIA's kernel driver; null: there is none. */
  readonly driver: string | null;
  readonly models: readonly string[];
  /** Whether the TensorFlow that is linked in has CUDA kernels. */
  readonly cudaBuild: boolean;
  /** Whether TensorFlow uses the GPU. */
  readonly inUse: boolean;
  /** Libraries that TensorFlow wanted for a GPU and could not open. */
  readonly missing: readonly string[];
}

/** Environment in which TensorFlow says of each library that it opens for a GPU whether it could. */
export const loaderSpeaks = { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'dso_loader=1' } as const;

/** @param said what TensorFlow wrote in that environment */
export function librariesNotOpened(said: string): string[] {
  return [...new Set(Array.from(said.matchAll(/Could not load dynamic library '([^']+)'/g), ([, library]) => library))];
}

/** The oldest driver that runs CUDA 12. */
const LEAST_DRIVER = [525, 60];
/** Libraries of the driver; what else TensorFlow opens is CUDA's and cuDNN's. */
const OF_DRIVER = ['libcuda.so.1', 'libnvidia-ml.so.1'];
const SET_UP = 'LODESTONE_TENSORFLOW=gpu npm run setup';

export function gpuChecks({ driver, models, cudaBuild, inUse, missing }: GpuFacts): Check[] {
  const name = 'GPU';
  if (driver === null && models.length === 0)
    return [{ name, state: 'ok', text: 'none: no NVIDIA driver is loaded; training runs on the CPU' }];
  const found = `${models.join(', ') || 'no device'}, driver ${driver ?? 'unknown'}`;
  if (inUse) return [{ name, state: 'ok', text: `${found}; TensorFlow uses it` }];
  if (!cudaBuild)
    return [
      {
        name,
        state: 'warn',
        text: `${found}; TensorFlow is the build for CPUs, so training runs on the CPU. For the GPU: ${SET_UP}`,
      },
    ];
  const checks: Check[] = [
    { name, state: 'warn', text: `${found}; TensorFlow does not use it, so training runs on the CPU${whyNot(driver)}` },
  ];
  if (missing.length > 0)
    checks.push({
      name: 'CUDA libraries',
      state: 'warn',
      text: `${missing.join(', ')}: not found. ${wayOut(missing)}`,
    });
  return checks;
}

function whyNot(driver: string | null): string {
  const version = driver?.split('.').map(Number) ?? [];
  const [major = 0, minor = 0] = version;
  const isOld = major < LEAST_DRIVER[0] || (major === LEAST_DRIVER[0] && minor < LEAST_DRIVER[1]);
  return driver !== null && isOld
    ? `. CUDA 12 needs driver ${LEAST_DRIVER.join('.')} or later: install one, then run this again.`
    : '. TF_CPP_MIN_LOG_LEVEL=0 shows what TensorFlow says of it.';
}

function wayOut(missing: readonly string[]): string {
  const ofDriver = missing.filter((library) => OF_DRIVER.includes(library));
  const driver =
    ofDriver.length > 0
      ? `${ofDriver.join(' and ')} ${ofDriver.length === 1 ? 'comes' : 'come'} with the driver: in a container, start it with --gpus all. `
      : '';
  const others =
    missing.length > ofDriver.length ? `${driver === '' ? 'They' : 'The others'} come with: ${SET_UP}` : '';
  return `${driver}${others}`.trim();
}

/** The driver and the devices as the kernel lists them. */
export function nvidiaOfKernel(folder = '/proc/driver/nvidia'): Pick<GpuFacts, 'driver' | 'models'> {
  const driver = /Kernel Module(?: for \S+)?\s+(\d[\d.]*)/.exec(contentOf(join(folder, 'version')))?.[1] ?? null;
  const models = entriesOf(join(folder, 'gpus')).map(
    (gpu) => /^Model:\s*(.*)$/m.exec(contentOf(join(folder, 'gpus', gpu, 'information')))?.[1] ?? gpu,
  );
  return { driver, models };
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // no driver
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
