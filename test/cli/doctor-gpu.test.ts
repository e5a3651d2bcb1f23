/** What doctor says of GPUs, from facts that are played: no test machine has one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelCheck } from '../../cli/commands/doctor';
import { gpuChecks, librariesNotOpened, nvidiaOfKernel, type GpuFacts } from '../../cli/commands/doctor-gpu';
import { freshFolder } from '../storage/support/temporary-folder';

const facts: GpuFacts = { driver: '550.54.15', models: ['NVIDIA H100'], cudaBuild: true, inUse: true, missing: [] };
const said = (changes: Partial<GpuFacts>): string[] =>
  gpuChecks({ ...facts, ...changes }).map(({ name, state, text }) => `${state} ${name}: ${text}`);

test('no driver is nothing to mend', () => {
  expect(said({ driver: null, models: [], inUse: false })).toEqual([
    'ok GPU: none: no NVIDIA driver is loaded; training runs on the CPU',
  ]);
});

test('a device that is used is named with its driver', () => {
  expect(said({})).toEqual(['ok GPU: NVIDIA H100, driver 550.54.15; TensorFlow uses it']);
});

test('stock max pooling is to be mended on a CPU, and right on a GPU', () => {
  const why = 'no fused kernel here';
  const chosen = { relu: { kernel: 'fused', why: 'bitwise equal' }, maxPool: { kernel: 'stock', why } };
  expect(kernelCheck(chosen, true)).toEqual({ name: 'kernels', state: 'ok', text: 'relu fused, maxPool stock' });
  expect(kernelCheck(chosen, false)).toEqual({
    name: 'kernels',
    state: 'warn',
    text: 'relu fused, maxPool stock; stock ones are right but slower (maxPool: no fused kernel here)',
  });
  expect(kernelCheck({ ...chosen, relu: { kernel: 'stock', why } }, true).state).toBe('warn');
});

test('the build for CPUs names the way to the other', () => {
  expect(said({ cudaBuild: false, inUse: false })[0]).toMatch(/^warn GPU: .*LODESTONE_TENSORFLOW=gpu npm run setup$/);
});

test('libraries that are missing are named, the driver’s with a way out of its own', () => {
  const [device, libraries] = said({ inUse: false, missing: ['libcuda.so.1', 'libcudnn.so.9'] });
  expect(device).toMatch(/^warn GPU: .*does not use it/);
  expect(libraries).toMatch(
    /^warn CUDA libraries: libcuda\.so\.1, libcudnn\.so\.9: not found.*--gpus all.*npm run setup$/,
  );
  expect(said({ inUse: false, missing: ['libcuda.so.1'] })[1]).not.toMatch(/npm run setup/);
});

test('what could not be opened is read off what TensorFlow says, as version 2.21 wrote it on an H100', () => {
  const said = [
    'I0000 00:00:1795728059.387377    5916 dso_loader.cc:133] Successfully opened dynamic library libcufft.so.11',
    "I0000 00:00:1795728059.387463    5916 dso_loader.cc:144] Could not load dynamic library 'libcusolver.so.11'; dlerror: libcusolver.so.11: cannot open shared object file: No such file or directory; LD_LIBRARY_PATH: /usr/local/nvidia/lib64",
    'W0000 00:00:1795728059.391109    5916 gpu_device.cc:2365] Cannot dlopen some GPU libraries.',
  ].join('\n');
  expect(librariesNotOpened(said)).toEqual(['libcusolver.so.11']);
  expect(librariesNotOpened('')).toEqual([]);
});

test('a driver that is too old is said to be', () => {
  expect(said({ inUse: false, driver: '470.82.01' })[0]).toMatch(/CUDA 12 needs driver 525\.60 or later/);
  expect(said({ inUse: false, driver: '525.60.13' })[0]).not.toMatch(/CUDA 12 needs/);
});

test('driver and models are read as the kernel writes them, also of the open driver', async () => {
  const folder = await freshFolder();
  expect(nvidiaOfKernel(folder)).toEqual({ driver: null, models: [] });
  mkdirSync(join(folder, 'gpus/0000:01:00.0'), { recursive: true });
  writeFileSync(join(folder, 'gpus/0000:01:00.0/information'), 'Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 16\n');
  writeFileSync(join(folder, 'version'), 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n');
  expect(nvidiaOfKernel(folder)).toEqual({ driver: '535.183.01', models: ['NVIDIA H100 80GB HBM3'] });
  const open = 'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build\n';
  writeFileSync(join(folder, 'version'), open);
  expect(nvidiaOfKernel(folder).driver).toBe('570.124.06');
});
