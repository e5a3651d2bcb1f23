/** The safetensors file format: byte for byte that of the reference implementation, and every check of a reader. */
import fc from 'fast-check';
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../storage/safetensors';

/** Written by the Python package safetensors 0.8.0: serialize({...}, {"format": "lodestone"}) of the tensors below. */
const golden =
  '48010000000000007b225f5f6d657461646174615f5f223a7b22666f726d6174223a226c6f646573746f6e65227d2c2261223a7b226474797065223a22463634222c227368617065223a5b315d2c22646174615f6f666673657473223a5b302c385d7d2c22622f77656967687473223a7b226474797065223a22463332222c227368617065223a5b322c325d2c22646174615f6f666673657473223a5b382c32345d7d2c22c3a9223a7b226474797065223a22463332222c227368617065223a5b315d2c22646174615f6f666673657473223a5b32342c32385d7d2c2239223a7b226474797065223a22493332222c227368617065223a5b5d2c22646174615f6f666673657473223a5b32382c33325d7d2c223130223a7b226474797065223a225538222c227368617065223a5b335d2c22646174615f6f666673657473223a5b33322c33355d7d7d20202020202020000000000000e03f0000803f000020c00000000000005040cdcccc3df9ffffff0102ff';
const tensors = new Map<string, StoredTensor>([
  ['10', { dtype: 'U8', shape: [3], values: Uint8Array.of(1, 2, 255) }],
  ['9', { dtype: 'I32', shape: [], values: Int32Array.of(-7) }],
  ['a', { dtype: 'F64', shape: [1], values: Float64Array.of(0.5) }],
  ['b/weights', { dtype: 'F32', shape: [2, 2], values: Float32Array.of(1, -2.5, 0, 3.25) }],
  ['é', { dtype: 'F32', shape: [1], values: Float32Array.of(0.1) }],
]);

test('a file is byte for byte what the Python package writes', () => {
  expect(Buffer.from(writeSafetensors(tensors, { format: 'lodestone' })).toString('hex')).toBe(golden);
});

test('a file of the Python package is read, from any offset in memory, in the order of names', () => {
  const shifted = Buffer.concat([Buffer.from('x'), Buffer.from(golden, 'hex')]).subarray(1);
  expect([...readSafetensors(shifted)]).toEqual([...tensors]);
});

const values = {
  F64: (count: number) => fc.float64Array({ minLength: count, maxLength: count }),
  F32: (count: number) => fc.float32Array({ minLength: count, maxLength: count }),
  I32: (count: number) => fc.int32Array({ minLength: count, maxLength: count }),
  U8: (count: number) => fc.uint8Array({ minLength: count, maxLength: count }),
};
const tensor = fc
  .tuple(fc.constantFrom('F64', 'F32', 'I32', 'U8'), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }))
  .chain(([dtype, shape]) =>
    values[dtype](shape.reduce((a, b) => a * b, 1)).map((data) => ({ dtype, shape, values: data }) as StoredTensor),
  );
const files = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), tensor), {
  selector: ([name]) => name,
  maxLength: 6,
});

test('what is written is what is read, to the last bit, NaN and −0 included', () => {
  fc.assert(
    fc.property(files, (entries) => {
      const back = readSafetensors(writeSafetensors(new Map(entries)));
      expect(back.size).toBe(entries.length);
      for (const [name, { dtype, shape, values }] of entries) {
        const found = back.get(name);
        expect([found?.dtype, found?.shape]).toEqual([dtype, shape]);
        const bits = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
        expect(Buffer.compare(bits(found!.values), bits(values))).toBe(0);
      }
    }),
    { seed: 7, numRuns: 200 },
  );
});

test('the order in which tensors and notes were collected does not show', () => {
  fc.assert(
    fc.property(files, (entries) => {
      const one = writeSafetensors(new Map(entries), { b: '2', a: '1' });
      const other = writeSafetensors(new Map([...entries].reverse()), { a: '1', b: '2' });
      expect(Buffer.compare(one, other)).toBe(0);
    }),
    { seed: 7, numRuns: 100 },
  );
});

function kindOf(read: () => unknown): unknown {
  try {
    read();
    return 'read';
  } catch (error) {
    return (error as { kind?: unknown }).kind ?? error;
  }
}

test('any file cut short or prolonged is refused', () => {
  const file = writeSafetensors(tensors);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: file.length - 1 }), (length) => {
      expect(kindOf(() => readSafetensors(file.slice(0, length)))).toBe('ArtifactCorrupt');
    }),
    { seed: 7 },
  );
  expect(() => readSafetensors(Buffer.concat([file, Buffer.from('x')]))).toThrow('by the header');
});

test('any other bytes are read or refused as ArtifactCorrupt, never another way', () => {
  const file = writeSafetensors(tensors);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Uint8Array.from(file);
      changed[at] ^= change;
      expect(['read', 'ArtifactCorrupt']).toContain(kindOf(() => readSafetensors(changed)));
    }),
    { seed: 7, numRuns: 500 },
  );
});

function fileOf(header: string, data = new Uint8Array(8)): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), data]);
}
const f32 = (from: number, to: number, shape = '[1]', dtype = 'F32'): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

test.each([
  ['a hole', `{"a":${f32(4, 8)}}`, 'begins at 4, must begin at 0'],
  ['an overlap', `{"a":${f32(0, 8, '[2]')},"b":${f32(4, 8)}}`, 'begins at 4, must begin at 8'],
  ['a wrong length', `{"a":${f32(0, 8)}}`, 'has 8 bytes, must have 4'],
  ['offsets that run backwards', `{"a":${f32(8, 4)}}`, 'must begin at 0'],
  ['a shape that overflows', `{"a":${f32(0, 8, '[9007199254740991,2]')}}`, 'must have'],
  ['a negative size', `{"a":${f32(0, 8, '[-2]')}}`, 'tensor a is'],
  ['a fraction', `{"a":${f32(0, 8, '[1.5]')}}`, 'tensor a is'],
  ['an unknown type', `{"a":${f32(0, 8, '[4]', 'BF16')}}`, 'F64 | F32 | I32 | U8'],
  ['data without a tensor', '{}', 'must be'],
  ['notes that are no strings', `{"__metadata__":{"a":1},"a":${f32(0, 8, '[2]')}}`, 'something else than strings'],
  ['a list', '[]', 'does not begin with {'],
  ['no JSON', '{"a":', 'not JSON'],
])('a header with %s is refused in words', (_what, header, words) => {
  expect(() => readSafetensors(fileOf(header))).toThrow(words);
});

test('a header that claims more than 25 MB is refused before it is read', () => {
  const file = Buffer.alloc(16);
  file.writeBigUInt64LE(2n ** 40n);
  expect(() => readSafetensors(file)).toThrow('must be at most 8');
});

test('a tensor whose values do not fill its shape is not written', () => {
  const wrong: StoredTensor = { dtype: 'F32', shape: [3], values: new Float32Array(2) };
  expect(() => writeSafetensors(new Map([['w', wrong]]))).toThrow('tensor w: 2 values, shape [3] needs 3');
});
