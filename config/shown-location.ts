/**
 * Where a store is, as messages say it: without what may be a secret. People put keys before an @ and into a query.
 */

/** Neither user and password nor a query's values; a key may itself hold /, ? and @, so a doubtful text is left out whole. */
export function shownLocation(location: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/{0,3}/i.exec(location)?.[0] ?? '';
  const rest = location.slice(scheme.length);
  const end = rest.search(/[?#]/);
  const [place, query] = end < 0 ? [rest, ''] : [rest.slice(0, end), rest.slice(end)];
  if (query.includes('@')) return `${scheme}***`;
  return `${scheme}${place.replace(/^.*@/s, '***@')}${query === '' ? '' : `${query[0]}***`}`;
}
