import { progressBeats } from '../../activities/heartbeat';
import { persisting } from '../../activities/persisting';
import type { HeartbeatDetails } from '../../activities/requests';
import { LodestoneError } from '../../errors';

const details = (step: number): HeartbeatDetails => ({
  phase: 'train',
  epoch: 1,
  epochs: 2,
  step,
  steps: 10,
  imagesPerSecond: null,
  loss: null,
});

test('S7: while a commit is held up, each beat says why beside the newest progress; afterwards none does', async () => {
  const beats: HeartbeatDetails[] = [];
  const beat = progressBeats((one) => beats.push(one));
  let full = true;
  const commit = (): Promise<string> =>
    full ? Promise.reject(new LodestoneError('DiskFull', 'store: no space left. Free some.')) : Promise.resolve('key');
  beat.progress(details(1));
  const committed = persisting(commit, beat.holdUp);
  await new Promise(setImmediate);
  beat.progress(details(2));
  full = false;
  await expect(committed).resolves.toBe('key');

  const why = 'store: no space left. Free some.';
  expect(beats.map(({ step, holdUp }) => [step, holdUp])).toEqual([
    [1, undefined],
    [1, why],
    [2, why],
    [2, undefined],
  ]);
});

test('a failure that waiting does not mend is thrown at once, and nothing is told', async () => {
  const tell = jest.fn();
  const commit = (): Promise<never> => Promise.reject(new LodestoneError('ArtifactCorrupt', 'blob: wrong digest'));
  await expect(persisting(commit, tell)).rejects.toThrow('blob: wrong digest');
  expect(tell).not.toHaveBeenCalled();
});
