/** Whose memory is whose, and how much is kept. */
import { LentMemory } from '../../datasets/lent-memory';

test('two at once have memory of their own; what is given back is lent again where it is large enough', () => {
  const memory = new LentMemory(1 << 20);
  const [one, other] = [memory.borrow(100_000), memory.borrow(100_000)];
  expect(other.buffer).not.toBe(one.buffer);
  expect(one.length).toBe(131_072);
  memory.giveBack(one);
  expect(memory.borrow(131_072)).toBe(one);
  memory.giveBack(other);
  const larger = memory.borrow(131_073);
  expect(larger.length).toBe(262_144);
  expect(memory.borrow(1)).not.toBe(other); // was let go for the larger one
});

test('what is larger than the most that is kept is not', () => {
  const memory = new LentMemory(1 << 20);
  const large = memory.borrow((1 << 20) + 1);
  memory.giveBack(large);
  expect(memory.borrow((1 << 20) + 1)).not.toBe(large);
});
