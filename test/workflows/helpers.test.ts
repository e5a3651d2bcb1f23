/** Many trainers, on a real Temporal server above fake activities: who is asked to help, and that nothing waits for it. */
import { queues } from '../../config/queues';
import type { EpochRequest, HelpRequest, Pool, RefreshRequest, TrainerActivities } from '../../activities/requests';
import { answering, failing, untilLetGo, type Call } from './fake-activities';
import { raiseHouse, runInput, type House } from './house';

let house: House;
beforeAll(async () => {
  house = await raiseHouse();
}, 120_000);
afterAll(() => house.end(), 30_000);

/** Trainers that say so many others are there. */
const within = (pool: Pool): Pick<TrainerActivities, 'trainEpoch' | 'refreshIndex'> => ({
  trainEpoch: async (request) => ({ ...(await answering.trainEpoch(request)), pool }),
  refreshIndex: async (request) => ({ ...(await answering.refreshIndex(request)), pool }),
});

const helpOf = (calls: readonly Call[]): HelpRequest[] =>
  calls.flatMap(({ activity, request }) => (activity === 'helpEmbed' ? [request as HelpRequest] : []));

it('others are asked on the shared queue, each with a share of its own, for every refresh and the evaluation', async () => {
  const trainers = within({ trainers: 3, parts: 40 });
  await house.serve({ ...trainers, refreshIndex: slowly(trainers.refreshIndex) }, async (calls) => {
    const handle = await house.run('helped', 1);
    await handle.result();
    const purposes = helpOf(calls).map(({ purpose, share }) => `${purpose.type} ${share.at}/${share.of}`);
    expect(purposes.filter((one) => one.startsWith('refresh')).sort()).toEqual(
      ['refresh 1/3', 'refresh 1/3', 'refresh 2/3', 'refresh 2/3'], // after the warm start and after the epoch
    );
    const refreshes = calls.filter(({ activity }) => activity === 'refreshIndex');
    expect(refreshes.map(({ request }) => (request as RefreshRequest).helpers)).toEqual([2, 2]);
    const { events } = await handle.fetchHistory();
    const asked = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: one }) =>
      one?.activityType?.name === 'helpEmbed' ? [one.taskQueue?.name] : [],
    );
    expect(asked).toEqual(Array(6).fill(queues.gpu));
  });
}, 60_000);

it('H1: help that never ends, or fails for good, holds nothing up and is let go', async () => {
  const letGo: unknown[] = [];
  const helpEmbed: TrainerActivities['helpEmbed'] = ({ share }) =>
    share.at === 1
      ? Promise.reject(failing('InputRejected', { what: 'checkpoint', lastGood: null }))
      : untilLetGo().catch((error: unknown) => {
          letGo.push(error);
          throw error;
        });
  await house.serve({ ...within({ trainers: 3, parts: 3 }), helpEmbed }, async (calls) => {
    const { result } = await (await house.run('hung-help', 3)).result();
    expect(result).toMatchObject({ epochs: 3, status: 'finished' });
    expect(calls.filter(({ activity }) => activity === 'trainEpoch')).toHaveLength(4);
  });
  expect(letGo.length).toBeGreaterThan(0);
}, 60_000);

it.each<[string, Pool]>([
  ['there is one trainer', { trainers: 1, parts: 40 }],
  ['the set is embedded in one part', { trainers: 8, parts: 1 }],
  ['nothing is known of others', { trainers: 0, parts: 0 }],
])(
  'nobody is asked where %s',
  async (why, pool) => {
    await house.serve(within(pool), async (calls) => {
      await (await house.run(`alone-${why.replace(/\W+/g, '-')}`, 1)).result();
      expect(helpOf(calls)).toEqual([]);
    });
  },
  60_000,
);

it('a refresh asks at most 15 others, and no more than there are parts', async () => {
  for (const [pool, most] of [
    [{ trainers: 100, parts: 1000 }, 15],
    [{ trainers: 100, parts: 4 }, 3],
  ] as const)
    await house.serve(
      { ...within(pool), refreshIndex: slowly((request) => within(pool).refreshIndex(request)) },
      async (calls) => {
        await (await house.run(`asked-${most}`, 1)).result();
        expect(new Set(helpOf(calls).map(({ share }) => share.at)).size).toBe(most);
        expect(helpOf(calls).every(({ share }) => share.of === most + 1)).toBe(true);
      },
    );
}, 60_000);

describe('W4: a comparison', () => {
  const begun = (calls: readonly Call[]): string[] =>
    calls.flatMap(({ activity, request }) =>
      activity === 'trainEpoch' && (request as EpochRequest).phase === 'train'
        ? [(request as EpochRequest).recipe.objective]
        : [],
    );

  /** Objectives whose epochs were under way at the same time, at most. */
  async function atOnce(name: string, pool: Pool, parallel?: number): Promise<number> {
    let now = 0;
    let most = 0;
    const trainers = within(pool);
    const trainEpoch: TrainerActivities['trainEpoch'] = async (request) => {
      if (request.phase === 'warm-start') return trainers.trainEpoch(request);
      most = Math.max(most, ++now);
      await pause(300);
      now -= 1;
      return trainers.trainEpoch(request);
    };
    await house.serve({ ...trainers, trainEpoch }, async (calls) => {
      const handle = await house.start(
        name,
        { ...runInput(1), objectives: ['softmax', 'triplet', 'magnet'], ...(parallel ? { parallel } : {}) },
        'compareObjectives',
      );
      await handle.result();
      expect(begun(calls).sort()).toEqual(['magnet', 'softmax', 'triplet']);
    });
    return most;
  }

  it('trains as many objectives at a time as there are trainers', async () => {
    expect(await atOnce('compared-by-one', { trainers: 1, parts: 1 })).toBe(1);
    expect(await atOnce('compared-by-three', { trainers: 3, parts: 1 })).toBe(3);
  }, 60_000);

  it('or as many as it was told', async () => {
    expect(await atOnce('compared-as-told', { trainers: 3, parts: 1 }, 1)).toBe(1);
  }, 60_000);
});

/** Leaves helpers the time to be asked. */
function slowly(refresh: TrainerActivities['refreshIndex']): TrainerActivities['refreshIndex'] {
  return async (request) => {
    await pause(300);
    return refresh(request);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
