/** What benches read off a run: the times of its activities by its history, and the memory of a process. */
import { activityTimes, residentBytes, type RunHandle } from '../../../bench/support/own-stack';

const at = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 });

test('an activity has the times of its events, in the order in which activities ended', async () => {
  const asked = (eventId: number, name: string, ms: number) => ({
    eventId,
    eventTime: at(ms),
    activityTaskScheduledEventAttributes: { activityType: { name } },
  });
  const events = [
    asked(5, 'trainEpoch', 1000),
    asked(6, 'packShard', 1001),
    { eventId: 7, eventTime: at(1100), activityTaskStartedEventAttributes: { scheduledEventId: 6 } },
    { eventId: 8, eventTime: at(1200.5), activityTaskCompletedEventAttributes: { scheduledEventId: 6 } },
    { eventId: 9, eventTime: at(1010), activityTaskStartedEventAttributes: { scheduledEventId: 5 } },
    { eventId: 10, eventTime: at(3000), activityTaskCompletedEventAttributes: { scheduledEventId: 5 } },
    asked(11, 'refreshIndex', 3001), // under way
  ];
  const handle = { fetchHistory: () => Promise.resolve({ events }) } as unknown as RunHandle;
  expect(await activityTimes(handle)).toEqual([
    { type: 'packShard', scheduledMs: 1001, startedMs: 1100, completedMs: 1200.5 },
    { type: 'trainEpoch', scheduledMs: 1000, startedMs: 1010, completedMs: 3000 },
  ]);
});

test('resident bytes of this process, and none of one that is gone', () => {
  const found = residentBytes(process.pid);
  expect(found?.now).toBeGreaterThan(10 * 2 ** 20);
  expect(found?.most).toBeGreaterThanOrEqual(found?.now ?? NaN);
  expect(residentBytes(2 ** 22 + 1)).toBeNull(); // above the largest pid
});
