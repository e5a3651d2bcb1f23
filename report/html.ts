/**
 * HTML as values: a tagged template that escapes whatever it is given unless that is HTML already.
 * Knows escaping alone. Attributes in templates are always quoted.
 */
export class Html {
  constructor(readonly text: string) {}
}

export type Part = Html | string | number | readonly Part[];

/** Nothing, for a branch without output. */
export const nothing = new Html('');

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + textOf(parts[i - 1]) + string));
}

/** Markup of our own that is text already: style sheets, drawn paths. Never a string from data. */
export function trusted(text: string): Html {
  return new Html(text);
}

/**
 * A name from the data set: kept apart from the writing direction of its surroundings (a right-to-left name or an
 * override character would turn the rest of the line round) and allowed to break anywhere.
 */
export function dataName(text: string): Html {
  return html`<bdi class="name">${text}</bdi>`;
}

/** Control characters, which no page shows, become U+FFFD; so do halves of surrogate pairs and direction overrides. */
export function escapeText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/gu, (character) =>
      character === '\n' || character === '\t' ? character : '\uFFFD',
    )
    .replace(/[&<>"']/g, (character) => entities[character]);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'string') return escapeText(part);
  if (typeof part === 'number') return String(part);
  return part.map(textOf).join('');
}
