/** What needs a process of its own: bits across processes, and the environment set before the addon loads. */
import { spawnEnvironment } from '../../engine/environment';
import { defaults, runInChild } from './support/child';

interface ThreeSteps {
  digest: string;
  losses: number[];
  fingerprint: Record<string, string>;
}

test('two processes with one environment give the same bits and the same fingerprint', () => {
  const first = runInChild('three-steps.ts') as ThreeSteps;
  const second = runInChild('three-steps.ts') as ThreeSteps;
  expect(second).toEqual(first);
  expect(first.losses.every(Number.isFinite)).toBe(true);
});

test('the fingerprint changes with threads and oneDNN, and with nothing else', () => {
  const usual = runInChild('three-steps.ts') as ThreeSteps;
  const other = runInChild('three-steps.ts', spawnEnvironment(1, { ...defaults, oneDnn: false })) as ThreeSteps;
  expect(usual.fingerprint).toMatchObject({ threads: '2', interOpThreads: '2', oneDnn: '1' });
  const changed = Object.keys(usual.fingerprint).filter((key) => usual.fingerprint[key] !== other.fingerprint[key]);
  expect(changed).toEqual(expect.arrayContaining(['threads', 'interOpThreads', 'oneDnn']));
  expect(changed.filter((key) => key !== 'kernels')).toHaveLength(3);
});

test('importing engine/environment loads no tfjs and no addon', () => {
  expect(runInChild('imports-environment.ts')).toEqual({
    environment: {
      TF_NUM_INTRAOP_THREADS: '3',
      TF_NUM_INTEROP_THREADS: '2',
      TF_ENABLE_ONEDNN_OPTS: '0',
      TF_DETERMINISTIC_OPS: '1',
      TF_CPP_MIN_LOG_LEVEL: '2',
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
      GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
      NVIDIA_TF32_OVERRIDE: '0',
    },
    loaded: [],
  });
});

test('TF32, kernels that vary and tracing are there only where they are asked for', () => {
  const usual = spawnEnvironment(1, defaults);
  const other = spawnEnvironment(1, { oneDnn: true, deterministic: false, tf32: true, trace: true });
  expect(usual).not.toHaveProperty('LODESTONE_TRACE');
  expect(other).not.toHaveProperty('NVIDIA_TF32_OVERRIDE');
  expect(other).toMatchObject({ TF_DETERMINISTIC_OPS: '0', LODESTONE_TRACE: '1' });
});
