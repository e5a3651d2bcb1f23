import { dataName, escapeText, html, trusted } from '../../report/html';

test('what is interpolated is text, in content and in quoted attributes', () => {
  const attack = "\"><script>alert('x')</script>&";
  expect(html`<a title="${attack}">${attack}</a>`.text).toBe(
    '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">' +
      '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</a>',
  );
});

test('HTML inside HTML is kept, lists are joined, numbers are printed', () => {
  expect(html`<p>${[html`<b>${1}</b>`, '<', trusted('<hr>')]}</p>`.text).toBe('<p><b>1</b>&lt;<hr></p>');
});

test('control characters, half surrogates and direction overrides are shown as unknown; emoji and Hebrew stay', () => {
  expect(escapeText('a\u0000b\u202Ec\u2066d\uD800e')).toBe('a\uFFFDb\uFFFDc\uFFFDd\uFFFDe');
  expect(escapeText('👩🏽‍🌾 תפוחים\n')).toBe('👩🏽‍🌾 תפוחים\n');
});

test('a name from the data set is isolated from the direction of the text around it', () => {
  expect(dataName('תפוחים').text).toMatch(/^<bdi[^>]*>תפוחים<\/bdi>$/);
});
