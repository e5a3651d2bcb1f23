/** Prints the digest of compiled embeddings by seeded weights: run in a process of its own by forward.test.ts. */
import { createHash } from 'node:crypto';
import { configFor, data, objectives, withSession } from './toy';

const config = configFor(objectives.magnet, { compile: true });
const examples = data.examples.map((_, i) => i);
void withSession(config, async (session) => {
  const embeddings = await session.embed(examples, () => Promise.resolve());
  console.log(JSON.stringify(createHash('sha256').update(new Uint8Array(embeddings.buffer)).digest('hex')));
});
