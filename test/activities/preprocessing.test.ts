/** How a set is cut into shards: small ones, and never so many that a history or a payload overflows. */
import { cutIntoShards } from '../../activities/preprocessing';

const numbered = (count: number): number[] => [...Array(count).keys()];

it('shards hold 8 MiB, all records in their order', () => {
  const shards = cutIntoShards(numbered(100), 292 * 292 * 3);
  expect(shards.map(({ length }) => length)).toEqual([32, 32, 32, 4]);
  expect(shards.flat()).toEqual(numbered(100));
});

it.each([96_000, 96_001, 500_000])('%d images at 224 px are at most 3,000 shards', (images) => {
  const shards = cutIntoShards(numbered(images), 292 * 292 * 3);
  expect(shards.length).toBeLessThanOrEqual(3000);
  expect(shards.length).toBeGreaterThan(2800); // and no larger than they have to be
  expect(shards.flat()).toHaveLength(images);
});
