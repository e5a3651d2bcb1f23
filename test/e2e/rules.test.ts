/**
 * The rules under which killing anything loses nothing, each with the tests that hold it: a rule that no test names in its
 * title is a promise that nobody checks. Code cites the same numbers.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const rules = {
  S1: 'Blobs first, by digest; the put of the manifest is the commit.',
  S2: 'What has no manifest does not exist; an object is replaced only by its own bytes.',
  S3: 'Nothing relies on the store for exclusion.',
  S4: 'Recovery follows parents to the checkpoint that the workflow passed in.',
  S5: 'A result lies under the digests of its inputs.',
  S6: 'A checkpoint is one commit; what is not deterministic goes to events.',
  S7: 'Uploads are retried while work goes on; long work commits on its way.',
  S8: 'An unreadable input sends the run back to the last good one.',
  S9: 'A name is bound to what decides its result.',
  B1: 'Every applied step runs the same executable.',
  B2: 'What a batch depends on is in the checkpoint.',
  B3: 'A warm state is exactly a committed one, or it is loaded anew.',
  B4: 'Checkpoints change nothing.',
  P1: 'A trainer ends with its host, and with nothing else.',
  P2: 'One trainer a device; busy is said.',
  P3: 'A stop returns a checkpoint; shutdown, pause and reset rethrow; what is lost is killed.',
  P4: 'A dead trainer is respawned; five times without progress is an end.',
  P5: 'A hung trainer is found by its deadline, a dead host by its heartbeat.',
  P6: 'A private queue is left for the shared one when its host is gone.',
  P7: 'A cache is believed by its mark; training does not wait for a whole data set.',
  W1: 'Input is parsed first.',
  W2: 'No accepted update is lost.',
  W3: 'The same command again finds its run.',
  W4: 'Children end by request, each for itself.',
  E1: 'One guardian owns the local stack for as long as somebody holds it.',
  E2: 'The local stack’s data belong together, and half a database is none.',
} as const;

/** Titles that begin with rules: 'S4: …' or 'S4, P4: …'. */
const titles = /['"`]((?:[SBPWE]\d, )*[SBPWE]\d): /g;

const citations = new Map<string, string[]>();
const root = resolve(__dirname, '..');
for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.test.ts')) continue;
  for (const [, cited] of readFileSync(join(root, name), 'utf8').matchAll(titles))
    for (const rule of cited.split(', ')) citations.set(rule, [...(citations.get(rule) ?? []), name]);
}

it.each(Object.entries(rules))('%s is held by a test: %s', (rule) => {
  expect(citations.get(rule) ?? []).not.toEqual([]);
});

it('no test names a rule that there is not', () => {
  expect([...citations.keys()].filter((rule) => !(rule in rules))).toEqual([]);
});
