import { completeAttributes } from '../../../engine/compile/signatures';
import { attribute } from '../../../engine/native';

const [FLOAT, INT32] = [1, 3];
const named = (attributes: ReturnType<typeof completeAttributes>): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ name, value }) => [name, value]));

test('types that eager execution infers are completed from the inputs', () => {
  expect(named(completeAttributes('ExpandDims', [], [FLOAT, INT32]))).toEqual({ T: FLOAT, Tdim: INT32 });
});

test('what was given stays, attributes that the op lacks go, kernel labels stay', () => {
  const given = [attribute.type('T', INT32), attribute.bool('no_such', true), attribute.string('_kernel', 'label')];
  expect(named(completeAttributes('Relu', given, [FLOAT]))).toEqual({ T: INT32, _kernel: 'label' });
});

test('the length of a list of inputs is counted, before or after single inputs', () => {
  expect(named(completeAttributes('ConcatV2', [], [FLOAT, FLOAT, FLOAT, INT32]))).toEqual({
    N: 3,
    T: FLOAT,
    Tidx: INT32,
  });
  expect(named(completeAttributes('AddN', [attribute.int('N', 2)], [FLOAT, FLOAT]))).toEqual({ N: 2, T: FLOAT });
});

test('an op that is not in the table keeps what it was given', () => {
  const given = [attribute.bool('anything', true)];
  expect(completeAttributes('NoSuchOp', given, [FLOAT])).toEqual(given);
});
