/**
 * HTML by tagged template: what is interpolated is escaped unless it is Html itself, so that a file name is never markup.
 * Knows HTML's syntax. Does not know what a page is about.
 */

/** Markup that is safe to put into a page; made by `html` and `trusted` alone. */
export class Html {
  constructor(private readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

export type HtmlValue = Html | string | number | null | readonly HtmlValue[];

/** Text and numbers are escaped, null is nothing, lists are joined. Attribute values stand in double quotes. */
export function html(literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(literals.reduce((text, literal, at) => text + toMarkup(values[at - 1]) + literal));
}

/** Markup that our own code made by other means, such as a style sheet. Never for anything from a data set. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** A name from a data set: isolated, so that right-to-left text does not reorder what stands around it. */
export function name(text: string): Html {
  return html`<bdi>${text}</bdi>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters and lone surrogates, which HTML forbids, become U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]).replace(/(?![\t\n\r])[\p{Cc}\p{Cs}]/gu, '\uFFFD');
}

function toMarkup(value: HtmlValue): string {
  if (value === null) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(toMarkup).join('');
  return escapeText(String(value));
}
