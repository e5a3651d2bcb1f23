/** The three pages on a made-up run: whole, escaped, offline, bounded, the same each time. */
import { createHash } from 'node:crypto';
import { renderComparison } from '../../report/comparison-report';
import { renderProfile } from '../../report/profile-report';
import { renderRecovery } from '../../report/recovery-report';
import { renderRunReport } from '../../report/run-report';
import { exampleComparison, exampleRecovery, exampleRun } from './example';
import { exampleProfile } from './example-speed';
import { nastyNames } from './nasty-names';
import { readHtml } from './read-html';

const pages: readonly (readonly [string, () => string])[] = [
  ['run', () => renderRunReport(exampleRun())],
  ['comparison', () => renderComparison(exampleComparison())],
  ['recovery', () => renderRecovery(exampleRecovery())],
  ['profile', () => renderProfile(exampleProfile())],
];

describe.each(pages)('the page of a %s', (_kind, render) => {
  const page = render();
  const tree = readHtml(page);

  test('is the same for the same values', () => expect(render() === page).toBe(true));

  test('asks for nothing: no script, no address outside the page', () => {
    const active = ['script', 'iframe', 'object', 'embed', 'form', 'base', 'image', 'use', 'foreignObject'];
    const elements = tree.all('');
    expect(elements.filter(({ tag }) => active.includes(tag))).toEqual([]);
    const names = elements.flatMap(({ attributes }) => [...attributes.keys()]);
    expect(names.filter((name) => /^on|^style$|srcset|xlink/.test(name))).toEqual([]);
    const addresses = elements.flatMap((node) => [node.attribute('src'), node.attribute('href')]);
    expect(addresses.filter((address) => address !== '' && !/^(#|data:)/.test(address))).toEqual([]);
    expect(tree.first('style').text).not.toMatch(/url\(|@import/);
  });

  test('its policy allows its own style sheet and inline pictures alone', () => {
    const policy = tree.first('meta[http-equiv=Content-Security-Policy]').attribute('content');
    const sheet = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(sheet).digest('base64')}'`);
    expect(policy).not.toMatch(/unsafe|https?:|script-src/);
  });

  test('has one main heading, a title, a language, words for every picture, and contents that lead somewhere', () => {
    expect(tree.all('h1')).toHaveLength(1);
    expect(tree.first('html').attribute('lang')).toBe('en');
    expect(tree.first('title').text).toMatch(/lodestone/);
    const targets = tree.all('nav a').map((link) => link.attribute('href'));
    expect(targets.length).toBeGreaterThan(2);
    for (const target of targets) expect(tree.all(target)).toHaveLength(1);
    expect(tree.all('img').filter((picture) => picture.attribute('alt') === '')).toEqual([]);
    expect(tree.all('svg[role=img]').filter((chart) => chart.attribute('aria-label') === '')).toEqual([]);
  });
});

test.each(pages.slice(0, 3))('the page of a %s shows the command that makes it again', (_kind, render) => {
  const { text } = readHtml(render()).first('#reproduce pre');
  expect(text).toMatch(/^npx lodestone (run|compare|recover) /);
});

describe('the page of a profile', () => {
  const { run, version, profile } = exampleProfile();
  const tree = readHtml(renderProfile({ run, version, profile }));

  test('says what a step takes, and shows parts, ops, the longest nodes and the timeline', () => {
    expect(tree.first('p.headline').text).toMatch(/A step takes 122.ms of computing.*5 traced steps/);
    expect(tree.all('#parts tbody tr')).toHaveLength(9);
    expect(tree.all('#ops tbody tr')).toHaveLength(new Set(profile.nodes?.map(({ op }) => op)).size);
    expect(tree.all('#slowest tbody tr')).toHaveLength(40);
    expect(tree.all('#timeline rect title').length).toBeGreaterThan(100);
    expect(tree.all('#timeline svg[role=img]')).toHaveLength(1);
  });

  test('shares of the ops sum up to one, the longest first', () => {
    const shares = tree.all('#ops tbody tr').map((row) => Number(/([\d.]+).%/.exec(row.text)?.[1]));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  });

  test('an epoch with too few steps is still a page', () => {
    const bare = renderProfile({ run, version, profile: { ...profile, traced: 0, nodes: null } });
    expect(bare).not.toMatch(/NaN|Infinity|undefined|\[object/);
    expect(readHtml(bare).first('p.headline').text).toMatch(/too few steps/);
  });
});

describe('the page of a run', () => {
  const input = exampleRun();
  const page = renderRunReport(input);
  const tree = readHtml(page);

  test('says the result in a sentence, beside chance and raw pixels', () => {
    const sentence = tree.first('p.headline').text;
    expect(sentence).toMatch(/errs on 4\.0 % of new images \(25\.4 % from raw pixels, 75\.0 % by chance\)/);
    expect(sentence).toMatch(/error of 33\.2 % \(66\.2 % from raw pixels, 95\.8 % by chance\)/);
  });

  test('shows every read-out and marks the headline of each kind of labels', () => {
    const titleRawPixelsAndChance = 3;
    expect(tree.all('#results tbody.group tr')).toHaveLength(
      input.evaluation.readouts.length + 2 * titleRawPixelsAndChance,
    );
    expect(tree.all('#results tr.chosen')).toHaveLength(2);
  });

  test('shows clusters, neighbours with a symbol, quarantined files, duplicates, digests and the recipe', () => {
    expect(tree.all('article.cluster')).toHaveLength(input.evaluation.clusters.length);
    expect(tree.first('#neighbours').text).toMatch(/✓ right/);
    expect(tree.first('#neighbours').text).toMatch(/✗ wrong/);
    expect(tree.first('#data').text).toContain('premature end of JPEG image');
    expect(tree.first('#data').text).toContain('copy of 001.jpg');
    const reproduce = tree.first('#reproduce').text;
    for (const digest of Object.values(input.result.digests)) expect(reproduce).toContain(digest);
    expect(reproduce).toContain('clustersPerClass: 4');
    expect(tree.all('figure path.resume-head')).toHaveLength(2 * input.resumes.length);
    expect(tree.all('figure path.refresh')).toHaveLength(2 * input.refreshes.length);
  });

  test('says what training cost, without the warm start, and what was not timed', () => {
    const { text } = tree.first('#speed');
    expect(text).toMatch(/Waiting for images/);
    expect(text).toContain(`Where the time of 900 steps went`);
    expect(text).toMatch(/1\.9.GB/);
    expect(tree.all('#speed tbody tr')).toHaveLength(9);
    const untimed = renderRunReport({ ...input, speed: { ...input.speed, epochs: [] } });
    expect(readHtml(untimed).first('#speed').text).toMatch(/No step of this run was timed/);
  });

  test('names from the data set are text, whole and unchanged; a direction override is shown, not obeyed', () => {
    const headings = tree.all('#clusters h3').map(({ text }) => text);
    expect(headings).toContain(nastyNames.script);
    expect(headings).toContain(nastyNames.emoji);
    expect(headings).toContain(nastyNames.long);
    expect(headings).toContain(nastyNames.rightToLeft.replace('\u202E', '\uFFFD'));
    expect(tree.first('#confusions').text).toContain(nastyNames.attribute);
    expect(page).not.toContain('\u202E');
  });

  test('a picture that is no PNG inside the page is not shown', () => {
    const { path } = input.evaluation.neighbours[0];
    const outside = renderRunReport({ ...input, images: new Map([[path, 'https://example.com/track.png']]) });
    expect(outside).not.toContain('example.com');
    expect(readHtml(outside).all('img')).toEqual([]);
  });

  test('a run without fine labels, validation, pictures or curve is still a page', () => {
    const { evaluation, result } = input;
    const bare = renderRunReport({
      ...input,
      result: { ...result, status: 'stopped' },
      evaluation: {
        ...evaluation,
        labels: { trained: 'label', fine: null },
        counts: { ...evaluation.counts, validation: 0, fineClasses: null },
        readouts: evaluation.readouts.filter(({ labels }) => labels === 'trained'),
        headline: { ...evaluation.headline, fine: null },
        retrieval: { ...evaluation.retrieval, fine: null },
        baselines: { chance: { trained: 0.5, fine: null }, rawPixels: { trained: 0.4, fine: null } },
        clusters: [],
        neighbours: [],
        confusions: [],
        warnings: [],
      },
      curve: [],
      refreshes: [],
      resumes: [],
      validationErrors: [null],
      dataSet: { source: 'photos', records: 4, quarantined: [], duplicatesAcrossSplits: [], notes: [] },
      images: new Map(),
    });
    expect(bare).not.toMatch(/NaN|Infinity|undefined|\[object/);
    expect(readHtml(bare).first('p.headline').text).toMatch(/^Stopped after 12 epochs/);
  });

  test('a curve of 200,000 steps and 5,000 quarantined files add little', () => {
    const curve = Array.from({ length: 200_000 }, (_, i) => ({
      phase: 'train' as const,
      step: i + 1,
      epoch: 1,
      loss: 1 + Math.sin(i),
      error: 0.5,
      variance: null,
    }));
    const quarantined = Array.from({ length: 5_000 }, (_, i) => ({ path: `${i}.jpg`, kind: 'corrupt', reason: 'cut' }));
    const long = renderRunReport({ ...input, curve, dataSet: { ...input.dataSet, quarantined } });
    expect(long.length - page.length).toBeLessThan(150_000);
    expect(readHtml(long).first('#data').text).toMatch(/And 4.800 more files/);
  });
});

test('the comparison marks the least error of a row, and tells what the objectives share', () => {
  const input = exampleComparison();
  const tree = readHtml(renderComparison(input));
  const best = tree.all('#results td.best').map(({ text }) => text);
  expect(best.some((cell) => /best: 33\.2/.test(cell))).toBe(true);
  expect(best.some((cell) => /64\.1/.test(cell))).toBe(false);
  expect(tree.first('p.headline').text).toMatch(
    /Magnet errs least: 33\.2 %, against Triplet 47\.2 % and Softmax 64\.1 %/,
  );
  expect(tree.first('#shared').text).toContain(input.warmStart);
  expect(tree.all('#shared tbody tr').map(({ text }) => /43.200/.test(text))).toEqual([true, true, true]);
  expect(tree.all('#training svg[role=img]')).toHaveLength(3);
});

test('the recovery shows mean ± sd of each objective and every pairing', () => {
  const tree = readHtml(renderRecovery(exampleRecovery()));
  expect(tree.first('#results').text).toMatch(/best: 41\.2 ± 1\.1/);
  expect(tree.first('#results').text).toContain('46.8 ± 1.9');
  expect(tree.all('#pairings tbody')).toHaveLength(3);
});

test('control: a name that became markup is noticed', () => {
  const broken = renderRunReport(exampleRun()).replace('&lt;script&gt;', '<script>');
  expect(() => readHtml(broken)).toThrow(/closes <script>/);
});
