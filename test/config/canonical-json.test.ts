/** One text for one value. */
import fc from 'fast-check';
import { canonicalJson, digestOf, sha256Hex } from '../../config/canonical-json';

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reversed(inner)]));
}

test('the order in which keys were set does not show, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { seed: 11, numRuns: 300 },
  );
});

test('keys are sorted at every depth, lists keep their order, there is no white space', () => {
  expect(canonicalJson({ b: [{ d: 1, c: 2 }, 'x'], a: 'é' })).toBe('{"a":"é","b":[{"c":2,"d":1},"x"]}');
});

test.each([NaN, Infinity, -Infinity])('%p is refused by the name of its field', (loss) => {
  expect(() => canonicalJson({ step: 1, loss })).toThrow('loss: got');
});

test('a digest is the sha256 of the text', () => {
  // sha256 of the two bytes {}, by sha256sum
  expect(digestOf({})).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  expect(digestOf({ b: 1, a: 2 })).toBe(sha256Hex(Buffer.from('{"a":2,"b":1}')));
});
