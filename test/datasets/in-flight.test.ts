import { Lanes, mapInFlight } from '../../datasets/in-flight';

describe('mapInFlight', () => {
  test('keeps order and bounds the calls under way', async () => {
    let underWay = 0;
    let most = 0;
    const results = await mapInFlight([...Array(20).keys()], 3, async (n) => {
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
      return n * 2;
    });
    expect(results).toEqual([...Array(20).keys()].map((n) => n * 2));
    expect(most).toBe(3);
  });

  test('the first failure is thrown once nothing is under way any more', async () => {
    let underWay = 0;
    const mapping = mapInFlight([...Array(20).keys()], 4, async (n) => {
      underWay++;
      await new Promise(setImmediate);
      underWay--;
      if (n === 5) throw new Error('five');
      return n;
    });
    await expect(mapping).rejects.toThrow('five');
    expect(underWay).toBe(0);
  });
});

describe('Lanes', () => {
  test('bound all works together, and serve the oldest first', async () => {
    const lanes = new Lanes(3);
    const begun: string[] = [];
    let underWay = 0;
    let most = 0;
    const work = (name: string): Promise<void[]> => {
      const inLane = lanes.forWork();
      return mapInFlight([...Array(8).keys()], 6, () =>
        inLane(async () => {
          begun.push(name);
          most = Math.max(most, ++underWay);
          await new Promise(setImmediate);
          underWay--;
        }),
      );
    };
    await Promise.all([work('old'), work('young'), work('youngest')]);
    expect(most).toBe(3);
    expect(begun).toEqual(['old', 'young', 'youngest'].flatMap((name) => Array<string>(8).fill(name)));
  });

  test('a work that fails or is aborted makes none of its calls that wait, at once, and keeps no lane', async () => {
    const lanes = new Lanes(2);
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const older = lanes.forWork();
    const holding = [older(() => held), older(() => held)];

    const stopped = new AbortController();
    const [aborted, failing] = [lanes.forWork(stopped.signal), lanes.forWork()];
    const made: string[] = [];
    const call =
      (name: string, fails = false) =>
      (): Promise<string> => {
        made.push(name);
        return fails ? Promise.reject(new Error(name)) : Promise.resolve(name);
      };
    const waiting = [aborted(call('aborted')), aborted(call('aborted'))];
    const doomed = [failing(call('first', true)), failing(call('second')), failing(call('third'))];
    stopped.abort(new Error('stopped'));
    for (const one of waiting) await expect(one).rejects.toThrow('stopped'); // while the older work has both lanes
    await expect(aborted(call('too late'))).rejects.toThrow('stopped');

    letGo();
    await Promise.all(holding);
    const ends = await Promise.allSettled(doomed);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']); // two lanes: two were made
    expect(made).toEqual(['first', 'second']);
    const next = lanes.forWork();
    expect(await mapInFlight([1, 2, 3], 3, (n) => next(() => Promise.resolve(n)))).toEqual([1, 2, 3]);
  });
});
