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

test('what TensorFlow logs in passing is no reason', () => {
  const passing = [
    'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n',
    'I0000 00:00:1795728124.175805    8012 port.cc:153] oneDNN custom operations are on.\n',
    'W0000 00:00:1795728178.164305    9495 gpu_bfc_allocator.cc:47] Overriding orig_value setting\n',
  ];
  expect(wordsOf(...passing).line).toBe('');
  expect(wordsOf('E0000 00:00:1795 1 cuda_dnn.cc:1] no algorithm worked\n', ...passing).line).toMatch(
    /^E0000 .*worked$/,
  );
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
