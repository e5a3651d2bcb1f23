/** What the reader should know before trusting a figure. */
import { dataName, html, nothing, type Html } from '../html';

export function warningsPart(warnings: readonly string[]): Html {
  if (warnings.length === 0) return nothing;
  return html`${[...new Set(warnings)].map((warning) => html`<p class="note"><strong>Note:</strong> ${dataName(warning)}</p>`)}`;
}
