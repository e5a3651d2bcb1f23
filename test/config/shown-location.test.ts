import * as fc from 'fast-check';
import { shownLocation } from '../../config/shown-location';

test.each([
  ['s3://bucket/prefix', 's3://bucket/prefix'],
  ['file:///a%20b/c', 'file:///a%20b/c'],
  ['photos', 'photos'],
  ['', ''],
  ['127.0.0.1:9000', '127.0.0.1:9000'],
  ['s3://key:secret@bucket/prefix', 's3://***@bucket/prefix'],
  ['key:secret@bucket', 'key:***@bucket'],
  ['s3://bucket?secretKey=secret', 's3://bucket?***'],
  ['s3://bucket#secret', 's3://bucket#***'],
  ['s3://bucket?endpoint=http://key:secret@host', 's3://***'],
])('%s is shown as %s', (location, shown) => {
  expect(shownLocation(location)).toBe(shown);
});

test('no secret is shown, whatever it is made of', () => {
  const secret = fc.string({ unit: fc.constantFrom('Z', '/', '?', '#', '&', '=', '@', ':'), minLength: 1 });
  fc.assert(
    fc.property(secret, (text) => {
      expect(shownLocation(`s3://key:${text}@bucket`)).not.toContain('Z');
      expect(shownLocation(`s3://bucket/prefix?secretKey=${text}`)).not.toContain('Z');
    }),
    { seed: 1 },
  );
});
