/** Which build of TensorFlow set-up takes: what is asked for, else what is there, else that for CPUs. */
import { inNode } from './in-node';

async function chosen(environment: object, linked?: string): Promise<{ requirement: string; libraries: string[] }> {
  const { stdout, stderr } = await inNode(
    `const { wheelFor } = await import(setup('tensorflow.mjs'));
     try { console.log(JSON.stringify(wheelFor(${JSON.stringify(environment)}, ${JSON.stringify(linked)}))); }
     catch (error) { console.log(JSON.stringify({ requirement: error.message, libraries: [] })); }`,
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { requirement: string; libraries: string[] };
}

const cpuEntry = '/cache/tensorflow-cpu-2.21.0-tfjs-4.22.0-linux-x64/deps/lib';
const gpuEntry = '/cache/tensorflow-2.21.0-tfjs-4.22.0-linux-x64/deps/lib';

test('without a wish the build that is linked in stays, and a fresh clone gets that for CPUs', async () => {
  expect(await chosen({})).toMatchObject({ requirement: 'tensorflow-cpu==2.21.0', libraries: [] });
  expect(await chosen({}, cpuEntry)).toMatchObject({ requirement: 'tensorflow-cpu==2.21.0' });
  expect(await chosen({}, gpuEntry)).toMatchObject({ requirement: 'tensorflow==2.21.0' });
});

test('a wish is followed; the build for GPUs comes with NVIDIA’s libraries at pinned versions', async () => {
  const gpu = await chosen({ LODESTONE_TENSORFLOW: 'gpu' }, cpuEntry);
  expect(gpu.requirement).toBe('tensorflow==2.21.0');
  expect(gpu.libraries.length).toBeGreaterThan(8);
  expect(gpu.libraries.every((library) => /^nvidia-[\w-]+-cu12==\d[\d.]*$/.test(library))).toBe(true);
  expect(await chosen({ LODESTONE_TENSORFLOW: 'cpu' }, gpuEntry)).toMatchObject({ libraries: [] });
});

test('another wish is refused by name', async () => {
  expect((await chosen({ LODESTONE_TENSORFLOW: 'rocm' })).requirement).toMatch(
    /LODESTONE_TENSORFLOW: got rocm, must be cpu or gpu/,
  );
});
