/**
 * The user cache under what breaks set-ups: kill -9 in the middle, two at once, a failing step, a damaged download.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { inNode, startInNode, temporaryFolder } from './in-node';

const folder = temporaryFolder();
let count = 0;
const freshRoot = (): string => join(folder, String((count += 1)));

/** Builds entry `tool` in two steps with `between` in the middle; prints what it waits for and the content. */
const buildScript = (root: string, between: string): string => `
  import { appendFileSync, writeFileSync, readFileSync } from 'node:fs';
  const { cacheEntry } = await import(setup('cache.mjs'));
  const root = ${JSON.stringify(root)};
  const entry = await cacheEntry({ root, name: 'tool', waiting: () => console.log('waiting'), build: async (temporary) => {
    appendFileSync(root + '/builds', 'x');
    writeFileSync(temporary + '/first', '1');
    ${between}
    writeFileSync(temporary + '/second', '2');
  } });
  console.log('content', readFileSync(entry + '/first', 'utf8') + readFileSync(entry + '/second', 'utf8'));`;

const hang = `console.log('half way'); setInterval(() => {}, 1000); await new Promise(() => {});`;
const entriesOf = (root: string): string[] => readdirSync(root).filter((name) => name !== 'builds');

describe('cacheEntry', () => {
  test('a build killed half way has made nothing; the next one starts anew and clears what it left', async () => {
    const root = freshRoot();
    const killed = startInNode(buildScript(root, hang));
    await killed.said('half way');
    killed.child.kill('SIGKILL');
    expect((await killed.ended).signal).toBe('SIGKILL');
    expect(existsSync(join(root, 'tool'))).toBe(false);
    expect(entriesOf(root)).toHaveLength(1); // its temporary folder

    const again = await inNode(buildScript(root, ''));
    expect(again.stdout).toContain('content 12');
    expect(entriesOf(root)).toEqual(['tool']);
  });

  test('what another host left, or is building, stays for a day', async () => {
    const root = freshRoot();
    // The young one's name begins with that of this host.
    const [young, old] = [`.tool.${hostname()}.local.7-aa.tmp`, '.tool.another-host.7-bb.tmp'];
    for (const name of [young, old]) mkdirSync(join(root, name), { recursive: true });
    utimesSync(join(root, old), 1000, 1000);
    expect((await inNode(buildScript(root, ''))).stdout).toContain('content 12');
    expect(entriesOf(root).sort()).toEqual([young, 'tool']);
  });

  test('two at once build once; the second waits and gets the first one’s entry', async () => {
    const root = freshRoot();
    const release = join(folder, 'release');
    const first = startInNode(
      buildScript(
        root,
        `console.log('half way'); const { existsSync } = await import('node:fs');
         while (!existsSync(${JSON.stringify(release)})) await new Promise((resolve) => setTimeout(resolve, 20));`,
      ),
    );
    await first.said('half way');
    const second = startInNode(buildScript(root, ''));
    await second.said('waiting');
    writeFileSync(release, '');
    const [one, two] = await Promise.all([first.ended, second.ended]);
    expect(one.stdout).toContain('content 12');
    expect(two.stdout).toContain('content 12');
    expect(readFileSync(join(root, 'builds'), 'utf8')).toBe('x');
  });

  test('whoever waits goes on when the builder is killed', async () => {
    const root = freshRoot();
    const holder = startInNode(buildScript(root, hang));
    await holder.said('half way');
    const waiter = startInNode(buildScript(root, ''));
    await waiter.said('waiting');
    holder.child.kill('SIGKILL');
    expect((await waiter.ended).stdout).toContain('content 12');
    expect(readFileSync(join(root, 'builds'), 'utf8')).toBe('xx');
  });

  test('a build that throws leaves nothing behind and its error passes through', async () => {
    const root = freshRoot();
    const failed = await inNode(buildScript(root, `throw new Error('no compiler today');`));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('no compiler today');
    expect(entriesOf(root)).toEqual([]);
  });

  test('an entry that is there is not built again', async () => {
    const root = freshRoot();
    mkdirSync(join(root, 'tool'), { recursive: true });
    writeFileSync(join(root, 'tool/first'), 'a');
    writeFileSync(join(root, 'tool/second'), 'b');
    expect((await inNode(buildScript(root, ''))).stdout).toContain('content ab');
    expect(existsSync(join(root, 'builds'))).toBe(false);
  });
});

describe('requireSha256', () => {
  const digestOfAbc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-2, appendix B.1
  const check = (file: string): string => `
    const { requireSha256 } = await import(setup('cache.mjs'));
    await requireSha256(${JSON.stringify(file)}, '${digestOfAbc}');
    console.log('accepted');`;

  test('accepts the pinned bytes', async () => {
    const file = join(folder, 'good.whl');
    writeFileSync(file, 'abc');
    expect((await inNode(check(file))).stdout).toContain('accepted');
  });

  test('names the file, both digests and the way out when one byte differs', async () => {
    const file = join(folder, 'bad.whl');
    writeFileSync(file, 'abd');
    const { code, stderr } = await inNode(check(file));
    expect(code).toBe(1);
    expect(stderr).toContain(file);
    expect(stderr).toMatch(new RegExp(`sha256 is [0-9a-f]{64}, must be ${digestOfAbc}`));
    expect(stderr).toContain('Run set-up again');
  });
});
