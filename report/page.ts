/**
 * The shell of every page: one file that opens offline, may load nothing from anywhere and runs no script.
 */
import { createHash } from 'node:crypto';
import { html, trusted, type Html } from './html';
import { styleSheet } from './style';

export interface PageParts {
  readonly title: string;
  /** Small print above the title: what kind of page this is. */
  readonly kind: string;
  /** What came out, in one or two plain sentences. */
  readonly headline: Html;
  readonly sections: readonly Section[];
  readonly version: string;
}

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

export function renderPage({ title, kind, headline, sections, version }: PageParts): string {
  const contents = sections.map((section) => html`<li><a href="#${section.id}">${section.title}</a></li>`);
  const bodies = sections.map(
    (section) =>
      html`<section id="${section.id}" aria-labelledby="${section.id}-title">
        <h2 id="${section.id}-title">${section.title}</h2>
        ${section.body}
      </section> `,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${title} – lodestone</title>
        <link rel="icon" href="data:," />
        ${trusted(`<style>${styleSheet}</style>`)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the results</a>
        <header>
          <p class="kind">${kind}</p>
          <h1><bdi>${title}</bdi></h1>
          <p class="headline">${headline}</p>
          <nav aria-label="Contents">
            <ul>
              ${contents}
            </ul>
          </nav>
        </header>
        <main id="main">${bodies}</main>
        <footer><p>Written by lodestone ${version}. This page is whole in itself: it loads nothing.</p></footer>
      </body>
    </html> `.text;
}

/** Only the one style sheet, by its hash, and pictures inside the page. */
const policy = [
  "default-src 'none'",
  'img-src data:',
  `style-src 'sha256-${createHash('sha256').update(styleSheet).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
