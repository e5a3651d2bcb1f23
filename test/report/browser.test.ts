import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { renderComparison } from '../../report/comparison-report';
import { renderProfile } from '../../report/profile-report';
import { renderRecovery } from '../../report/recovery-report';
import { renderRunReport } from '../../report/run-report';
import { Browser, findChromium, type View } from './browser';
import { exampleComparison, exampleRecovery, exampleRun } from './example';
import { exampleProfile } from './example-speed';

const program = findChromium();
if (program === null) {
  console.warn('Skipped: pages in a browser. Install chromium or set CHROMIUM_PATH to run these tests.');
}

const phone: View = { width: 390, height: 844, scheme: 'light' };
const desktop: View = { width: 1280, height: 900, scheme: 'light' };
const night: View = { width: 1280, height: 900, scheme: 'dark' };

/** What a page turned out to be, asked inside it. */
interface Findings {
  overflow: number;
  scripts: number;
  handlers: string[];
  brokenImages: number;
  imagesWithoutText: number;
  tablesWithoutHeaders: number;
  headingLevels: number[];
  danglingLinks: string[];
  background: string;
  lowContrast: string[];
}

const inspect = `(() => {
  const all = [...document.querySelectorAll('*')];
  const images = [...document.images];
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const contrast = (element) => {
    const a = luminance(getComputedStyle(element).color);
    const b = luminance(ground(element));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const written = all.filter(
    (element) => element.closest('body') && !element.closest('svg') &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''),
  );
  return {
    overflow: document.documentElement.scrollWidth - innerWidth,
    scripts: document.scripts.length,
    handlers: all.flatMap((e) => [...e.attributes]).filter((a) => a.name.startsWith('on')).map((a) => a.name),
    brokenImages: images.filter((image) => image.complete && image.naturalWidth === 0).length,
    imagesWithoutText: images.filter((image) => !image.alt).length,
    tablesWithoutHeaders: [...document.querySelectorAll('table')].filter((t) => !t.querySelector('th[scope]')).length,
    headingLevels: [...document.querySelectorAll('h1,h2,h3,h4')].map((heading) => Number(heading.tagName[1])),
    danglingLinks: [...document.links].map((link) => link.getAttribute('href'))
      .filter((href) => !href.startsWith('#') || !document.getElementById(href.slice(1))),
    background: getComputedStyle(document.body).backgroundColor,
    lowContrast: written.filter((e) => contrast(e) < 4.5).map((e) => e.tagName + '.' + e.className + ': ' + e.textContent.trim().slice(0, 40)),
  };
})()`;

(program === null ? describe.skip : describe)('pages in a browser', () => {
  const pages = [
    { name: 'run', page: renderRunReport(exampleRun()) },
    { name: 'comparison', page: renderComparison(exampleComparison()) },
    { name: 'recovery', page: renderRecovery(exampleRecovery()) },
    { name: 'profile', page: renderProfile(exampleProfile()) },
  ];
  let folder: string;
  let browser: Browser;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lodestone-pages-'));
    browser = new Browser(program ?? '');
    for (const { name, page } of pages) writeFileSync(join(folder, `${name}.html`), page);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  async function open(name: string, view: View) {
    const url = pathToFileURL(join(folder, `${name}.html`)).href;
    const visit = await browser.visit(url, view, inspect);
    return { ...visit, url, found: visit.value as Findings };
  }

  describe.each(pages.map(({ name }) => name))('%s', (name) => {
    test.each([phone, desktop, night])('nothing is wider than the window: $width, $scheme', async (view) => {
      expect((await open(name, view)).found.overflow).toBeLessThanOrEqual(0);
    });

    test('the console stays empty and nothing but the page itself is asked for', async () => {
      const { console: said, requests, url } = await open(name, desktop);
      expect(said).toEqual([]);
      expect(requests.filter((address) => !address.startsWith('data:'))).toEqual([url]);
    });

    test('names from the data set became no script and no handler', async () => {
      const { found } = await open(name, desktop);
      expect(found.scripts).toBe(0);
      expect(found.handlers).toEqual([]);
    });

    test('pictures have texts, tables have headers, links lead somewhere, headings skip no level', async () => {
      const { found } = await open(name, desktop);
      expect(found.brokenImages).toBe(0);
      expect(found.imagesWithoutText).toBe(0);
      expect(found.tablesWithoutHeaders).toBe(0);
      expect(found.danglingLinks).toEqual([]);
      expect(found.headingLevels[0]).toBe(1);
      expect(found.headingLevels.filter((level, i, all) => i > 0 && level > all[i - 1] + 1)).toEqual([]);
      expect(found.headingLevels.filter((level) => level === 1)).toHaveLength(1);
    });

    test.each([desktop, night])('text keeps a contrast of 4.5 to 1: $scheme', async (view) => {
      expect((await open(name, view)).found.lowContrast).toEqual([]);
    });
  });

  test('a dark setting gives a dark page', async () => {
    const colours = [await open('run', desktop), await open('run', night)];
    const [light, dark] = colours.map(({ found }) => Number(/\d+/.exec(found.background)?.[0]));
    expect(light).toBeGreaterThan(200);
    expect(dark).toBeLessThan(60);
  });

  test('control: a page with a script, a request and a wide box is caught by all of this', async () => {
    const bad = pages[0].page.replace(
      '<main id="main">',
      '<main id="main"><script>1</script><img src="https://example.invalid/x.png"><pre class="digest">' +
        `${'x'.repeat(4000)}</pre><svg width="5000" height="1" class="raw"></svg>` +
        '<table><tbody><tr><td class="nowrap">' +
        'wide '.repeat(400) +
        '</td></tr></tbody></table>',
    );
    writeFileSync(join(folder, 'bad.html'), bad);
    const { found, console: said } = await open('bad', phone);
    expect(found.scripts).toBe(1);
    expect(found.overflow).toBeGreaterThan(0);
    expect(found.imagesWithoutText).toBe(1);
    expect(said.join('\n')).toContain('Content Security Policy');
  });
});
