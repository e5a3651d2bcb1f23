/** Who runs beside whom. */
import { Turns } from '../../datasets/turns';

/** A work that ends when it is told to. */
function held(log: string[], name: string): { work: () => Promise<string>; end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const work = async (): Promise<string> => {
    log.push(`${name} begins`);
    await ended;
    log.push(`${name} ends`);
    return name;
  };
  return { work, end: () => end() };
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('some run beside each other; one alone waits for them, and those after it wait for that', async () => {
  const log: string[] = [];
  const turns = new Turns();
  const [one, two, alone, other, later] = ['one', 'two', 'alone', 'other', 'later'].map((name) => held(log, name));
  const all = [
    turns.beside(one.work),
    turns.beside(two.work),
    turns.alone(alone.work),
    turns.alone(other.work),
    turns.beside(later.work),
  ];
  await settle();
  expect(log).toEqual(['one begins', 'two begins']);
  one.end();
  await settle();
  expect(log).not.toContain('alone begins');
  two.end();
  await settle();
  expect(log.at(-1)).toBe('alone begins');
  for (const each of [alone, other, later]) each.end();
  expect(await Promise.all(all)).toEqual(['one', 'two', 'alone', 'other', 'later']);
  const solo = log.slice(log.indexOf('alone begins'));
  for (const name of ['alone', 'other']) expect(solo[solo.indexOf(`${name} begins`) + 1]).toBe(`${name} ends`);
});

test('work that fails gives its turn up too', async () => {
  const turns = new Turns();
  const failing = (): Promise<never> => Promise.reject(new Error('no'));
  await expect(turns.alone(failing)).rejects.toThrow('no');
  await expect(turns.beside(failing)).rejects.toThrow('no');
  expect(await turns.alone(() => Promise.resolve(1))).toBe(1);
});
