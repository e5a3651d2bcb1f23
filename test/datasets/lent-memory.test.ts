/** Whose memory is whose, and for how long. */
import { cachedDataVersionTag, setFlagsFromString } from 'node:v8';
import { LentMemory, letGarbageGather } from '../../datasets/lent-memory';

const MIB = 1 << 20;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('two at once have memory of their own; what is given back is lent again where it is large enough', () => {
  const memory = new LentMemory();
  const [one, other] = [memory.borrow(MIB), memory.borrow(MIB)];
  expect(other.buffer).not.toBe(one.buffer);
  memory.giveBack(one);
  expect(memory.borrow(MIB)).toBe(one);
  memory.giveBack(other);
  const larger = memory.borrow(MIB + 1);
  expect(larger.length).toBe(1.25 * MIB);
  expect(memory.borrow(1)).not.toBe(other); // was let go for the larger one
});

test('the smallest that fits is lent, and the smallest is let go where none fits', () => {
  const memory = new LentMemory();
  const pieces = [3 * MIB, MIB, 2 * MIB].map((bytes) => memory.borrow(bytes));
  for (const piece of pieces) memory.giveBack(piece);
  expect(memory.borrow(1.5 * MIB)).toBe(pieces[2]);
  memory.borrow(4 * MIB);
  expect(memory.borrow(1)).toBe(pieces[0]);
});

test('none is lent to two: giving back twice is a fault', () => {
  const memory = new LentMemory();
  const piece = memory.borrow(1);
  memory.giveBack(piece);
  expect(() => memory.giveBack(piece)).toThrow('given back twice');
});

test('what nobody borrowed for a second is let go, however busy the rest is', () => {
  const memory = new LentMemory();
  const [large, small] = [memory.borrow(2 * MIB), memory.borrow(MIB)];
  memory.giveBack(large);
  for (let turn = 0; turn < 3; turn++) {
    memory.giveBack(small);
    jest.advanceTimersByTime(900);
    expect(memory.borrow(MIB)).toBe(small);
  }
  expect(memory.borrow(2 * MIB)).not.toBe(large);
  memory.giveBack(small);
  jest.advanceTimersByTime(3000);
  expect(jest.getTimerCount()).toBe(0);
  expect(memory.borrow(MIB)).not.toBe(small);
});

test.each([
  [1, 65_536],
  [65_537, 81_920],
  [MIB, MIB],
  [33 * MIB, 40 * MIB],
])('for %d bytes %d are had', (bytes, had) => {
  expect(new LentMemory().borrow(bytes).length).toBe(had);
});

test('V8 is told to let garbage gather, by a flag that it knows', () => {
  setFlagsFromString('--heap-growing-percent=0'); // another suite in this process may have set it
  const before = cachedDataVersionTag(); // of the flags in force; one that V8 does not know changes nothing
  letGarbageGather();
  expect(cachedDataVersionTag()).not.toBe(before);
});
