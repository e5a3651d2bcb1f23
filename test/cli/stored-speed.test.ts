/** What a run cost and its profile, read back from what its trainers left in the store. */
import { writeEvent } from '../../activities/events';
import { profilePage, storedSpeed, storedSpeeds } from '../../cli/stored-speed';
import { FileStore } from '../../storage/file-store';
import { runLayout } from '../../storage/run-layout';
import { exampleProfile } from '../report/example-speed';
import { freshFolder } from '../storage/support/temporary-folder';
import { resultOf } from './support';

const { profile } = exampleProfile();
const { speed } = profile;

test('epochs after the warm start add up; other events and other runs do not count', async () => {
  const store = new FileStore(await freshFolder());
  const event = { type: 'speed', epoch: 1, speed } as const;
  await writeEvent(store, 'mine', { ...event, phase: 'warm-start', speed: { ...speed, peakBytes: 9e9 } });
  await writeEvent(store, 'mine', { type: 'attempt', phase: 'train', epoch: 1, resumedFrom: null, skipped: [] });
  for (const epoch of [1, 2]) await writeEvent(store, 'mine', { ...event, phase: 'train', epoch });
  const figures = await storedSpeed(store, 'mine');
  expect(figures).toMatchObject({
    peakMemoryBytes: speed.peakBytes,
    compileSeconds: 2 * speed.seconds.compile,
    tensors: speed.tensors,
  });
  expect(await storedSpeed(store, 'other')).toBeNull();
  expect([...(await storedSpeeds(store, [resultOf('mine'), resultOf('other')]))]).toEqual([
    ['mine', figures],
    ['other', null],
  ]);
});

test('the page of a stored profile; none where none was traced; a damaged one is named', async () => {
  const store = new FileStore(await freshFolder());
  expect(await profilePage(store, 'mine')).toBeNull();
  const key = runLayout('mine').profile;
  await store.put(key, Buffer.from(JSON.stringify(profile)));
  expect(await profilePage(store, 'mine')).toContain('Profile of training steps, epoch 3');
  await store.put(key, Buffer.from(JSON.stringify({ ...profile, traced: 'five' })));
  await expect(profilePage(store, 'mine')).rejects.toMatchObject({
    kind: 'ArtifactCorrupt',
    message: expect.stringContaining('traced'),
  });
});
