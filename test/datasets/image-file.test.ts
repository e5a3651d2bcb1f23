/** What is known of files by their identity. */
import { KnownDigests } from '../../datasets/image-file';

test('what is noted under an identity is found, the last where it was noted again; nothing is under none', () => {
  const digests = new KnownDigests();
  digests.note('one', 'a');
  digests.note('two', 'b');
  digests.note('one', 'c');
  digests.note(null, 'd');
  expect(['one', 'two', 'three', null].map((identity) => digests.find(identity))).toEqual([
    'c',
    'b',
    undefined,
    undefined,
  ]);
});

test('those noted longest ago are forgotten', () => {
  const digests = new KnownDigests(2);
  for (const identity of ['one', 'two', 'one', 'three']) digests.note(identity, `of ${identity}`);
  expect(['one', 'two', 'three'].map((identity) => digests.find(identity))).toEqual(['of one', undefined, 'of three']);
});
