/** Steps compiled in bfloat16: what is narrow and what is not, that they train, resume exactly, and are refused elsewhere. */
import { cpuHasBf16, cpuInfo, narrowed, requireBf16 } from '../../../engine/compile/bf16';
import { Program } from '../../../engine/compile/program';
import { binding } from '../../../engine/native';
import { runEagerStep } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import type { VariableSet } from '../../../engine/variables';
import { smallBatch, smallNet, smallStep } from '../support/small-net';

const here = cpuHasBf16(cpuInfo()) || binding().isUsingGpuDevice();
if (!here) console.warn('bf16: this machine has no bfloat16 arithmetic; only rules and refusals are tested');

const compile = (variables: VariableSet, precision: 'float32' | 'bf16'): Program => {
  const example = smallBatch(99);
  const program = Program.compile(variables, { train: { step: smallStep('momentum'), example } }, precision);
  tf.dispose(example);
  return program;
};

/** @param seeds of the batches */
function lossesOf(program: Program, seeds: readonly number[]): number[] {
  return seeds.map((seed) => {
    const batch = smallBatch(seed);
    const outputs = program.run('train', batch);
    const [loss] = outputs.loss.dataSync();
    tf.dispose([outputs, batch]);
    return loss;
  });
}

const seeds = Array.from({ length: 10 }, (_, i) => i % 3);

(here ? describe : describe.skip)('a net with every layer in bf16', () => {
  test('starts within 1 % of the float32 loss, not at it, and learns as far', () => {
    const variables = smallNet('momentum');
    const [float32, bf16] = [compile(variables, 'float32'), compile(variables, 'bf16')];
    const many = Array.from({ length: 100 }, (_, i) => i % 3);
    const [expected, narrow] = [lossesOf(float32, many), lossesOf(bf16, many)];
    expect(narrow[0]).not.toBe(expected[0]);
    expect(Math.abs(narrow[0] / expected[0] - 1)).toBeLessThan(0.01);
    expect(narrow[99]).toBeLessThan(narrow[0] / 2);
    for (const program of [float32, bf16]) program.dispose();
    variables.dispose();
  });

  test('G3: the masters stay float32: weights, slots and statistics have digits that bfloat16 does not hold', () => {
    const variables = smallNet('momentum');
    const program = compile(variables, 'bf16');
    lossesOf(program, seeds);
    for (const [name, values] of program.read()) {
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
      expect([name, bits.some((word) => (word & 0xffff) !== 0)]).toEqual([name, true]);
    }
    program.dispose();
    variables.dispose();
  });

  test('ten steps are five, export, another program, five: bit for bit', () => {
    const variables = smallNet('momentum');
    const [straight, first, second] = [0, 1, 2].map(() => compile(variables, 'bf16'));
    lossesOf(straight, seeds);
    lossesOf(first, seeds.slice(0, 5));
    second.restore(first.read());
    lossesOf(second, seeds.slice(5));
    expect(second.read()).toEqual(straight.read());
    for (const program of [straight, first, second]) program.dispose();
    variables.dispose();
  });

  test('outputs are float32, and eager steps stay as they were', () => {
    const variables = smallNet('momentum');
    const batch = smallBatch(0);
    const before = runEagerStep(smallStep('momentum'), variables, batch).losses.arraySync();
    const program = compile(smallNet('momentum'), 'bf16');
    const outputs = program.run('train', batch);
    expect(outputs.losses.dtype).toBe('float32');
    expect(outputs.losses.shape).toEqual([8]);
    const other = smallNet('momentum');
    expect(runEagerStep(smallStep('momentum'), other, batch).losses.arraySync()).toEqual(before);
    program.dispose();
    tf.dispose([outputs, batch]);
    variables.dispose();
    other.dispose();
  });
});

describe('what is narrow', () => {
  const float = (): { shape: number[]; dtype: number } => ({ shape: [1], dtype: binding().TF_FLOAT });
  const narrowOf = (
    op: string,
    inputs: number,
    narrow: readonly number[],
    outputs = 1,
  ): ReturnType<typeof narrowed> => {
    const sources = Array.from({ length: inputs }, (_, i) => ({ type: 'constant', constant: i }) as const);
    const made = Array.from({ length: outputs }, float);
    return narrowed({ op, attributes: [], inputs: sources, outputs: made }, (i) => narrow.includes(i));
  };

  test('convolutions always; sums only of what is narrow already; statistics, dense layers and losses never', () => {
    expect(narrowOf('Conv2D', 2, [])).toEqual({ inputs: [0, 1], outputs: 1 });
    expect(narrowOf('Conv2DBackpropFilter', 3, [])).toEqual({ inputs: [0, 2], outputs: 1 }); // input 1 is a shape
    expect(narrowOf('LodestoneConvolve', 3, [])).toEqual({ inputs: [0], outputs: 1 }); // filter and bias stay
    expect(narrowOf('LodestoneConvolveFilterGrad', 2, [])).toEqual({ inputs: [0, 1], outputs: 0 });
    expect(narrowOf('FusedBatchNormV3', 5, [0])).toEqual({ inputs: [0], outputs: 1 }); // scale, offset and averages stay
    expect(narrowOf('FusedBatchNormV3', 5, [])).toBeNull();
    for (const sum of ['Add', 'AddV2', 'AddN']) {
      expect(narrowOf(sum, 2, [0])).toBeNull();
      expect(narrowOf(sum, 2, [0, 1])).toEqual({ inputs: [0, 1], outputs: 1 });
    }
    expect(narrowOf('ConcatV2', 3, [0, 1])).toEqual({ inputs: [0, 1], outputs: 1 });
    expect(narrowOf('SplitV', 3, [0], 4)).toEqual({ inputs: [0], outputs: 4 }); // all that it gives
    expect(narrowOf('MatMul', 2, [0])).toEqual({ inputs: [0, 1], outputs: 1 }); // a convolution of 1 × 1
    expect(narrowOf('MatMul', 2, [])).toBeNull();
    for (const op of ['BatchMatMulV2', 'Mean', 'Sum', 'LogSoftmax', 'ResourceApplyAdam', 'toString']) {
      expect(narrowOf(op, 2, [0, 1])).toBeNull();
    }
  });
});

describe('a machine without bfloat16', () => {
  const flags = (names: string): string => `processor\t: 0\nflags\t\t: fpu avx512f ${names}\nbugs\t\t: spectre\n`;

  test('is known by its flags', () => {
    expect(cpuHasBf16(flags('avx512_bf16'))).toBe(true);
    expect(cpuHasBf16(flags('amx_tile amx_bf16'))).toBe(true);
    expect(cpuHasBf16(flags('avx512_fp16'))).toBe(false);
    expect(cpuHasBf16('')).toBe(false);
  });

  test('is refused by value, rule and way out', () => {
    const refused = binding().isUsingGpuDevice()
      ? expect(() => requireBf16(flags(''))).not
      : expect(() => requireBf16(flags('')));
    refused.toThrow(
      /engine\.precision: got bf16, must be float32 .* neither avx512_bf16 nor amx_bf16.*Set engine\.precision/,
    );
  });
});
