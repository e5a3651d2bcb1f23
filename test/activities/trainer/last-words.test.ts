import { LastWords } from '../../../activities/trainer/last-words';

const wordsOf = (...texts: readonly string[]): LastWords => {
  const words = new LastWords();
  for (const text of texts) words.add(text);
  return words;
};

test('a script says why in its last line', () => {
  expect(wordsOf('warning: slow\n', 'Error: no such file\n').line).toBe('Error: no such file');
  expect(wordsOf().line).toBe('');
});

test('a failed check says why before its stack, however long that is and however it arrives', () => {
  const check = 'F1126 09:50:01.000001 42 env.cc:83] Check failed: ret == 0 (11 vs. 0)';
  const stack = Array.from({ length: 400 }, (_, i) => `    @     0x7f1ff3aa${i} (unknown)\n`);
  const words = wordsOf(
    'I1126 started\n',
    `${check.slice(0, 20)}`,
    `${check.slice(20)}\n*** Check failure stack trace: ***\n`,
    ...stack,
  );
  expect(words.line).toBe(check);
  expect(words.text).toMatch(/\(unknown\)$/);
});
