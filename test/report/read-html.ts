/**
 * Reads the HTML that report/ writes into a tree, and refuses it where tags do not close in order: a name that had become
 * markup would show as an element. Knows the part of HTML that the pages use, and selectors of tags, ids, classes and attributes.
 */
export class HtmlNode {
  readonly children: (HtmlNode | string)[] = [];

  constructor(
    readonly tag: string,
    readonly attributes: ReadonlyMap<string, string>,
  ) {}

  attribute(name: string): string {
    return this.attributes.get(name) ?? '';
  }

  /** All text inside, white space folded. */
  get text(): string {
    return this.rawText().replace(/\s+/g, ' ').trim();
  }

  /** Elements inside, in order; `section#a tr.b [role=img]` is the kind of selector understood. */
  all(selector: string): HtmlNode[] {
    const [first, ...rest] = selector.split(' ');
    const found = this.descendants().filter((node) => matches(node, first));
    return rest.length === 0 ? found : [...new Set(found.flatMap((node) => node.all(rest.join(' '))))];
  }

  first(selector: string): HtmlNode {
    const [found] = this.all(selector);
    if (found === undefined) throw new Error(`no ${selector} in the page`);
    return found;
  }

  private descendants(): HtmlNode[] {
    return this.children.flatMap((child) => (typeof child === 'string' ? [] : [child, ...child.descendants()]));
  }

  private rawText(): string {
    return this.children.map((child) => (typeof child === 'string' ? child : child.rawText())).join('');
  }
}

const voidTags = new Set(['meta', 'link', 'img', 'br', 'hr']);

export function readHtml(text: string): HtmlNode {
  const root = new HtmlNode('#root', new Map());
  const open = [root];
  const token =
    /<style>([^]*?)<\/style>|<!doctype html>|<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*(\/?)>|([^<]+)|</gy;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [whole, style, closing, tag, attributes, selfClosing, content] = found;
    const parent = open[open.length - 1];
    if (content !== undefined) parent.children.push(decoded(content));
    else if (style !== undefined) {
      const node = new HtmlNode('style', new Map());
      node.children.push(style);
      parent.children.push(node);
    } else if (whole === '<') throw new Error(`a lone < before: ${text.slice(found.index, found.index + 80)}`);
    else if (closing === '/') {
      if (parent.tag !== tag) throw new Error(`</${tag}> closes <${parent.tag}>`);
      open.pop();
    } else if (tag !== undefined) {
      const node = new HtmlNode(tag, attributesOf(attributes));
      parent.children.push(node);
      if (selfClosing !== '/' && !voidTags.has(tag)) open.push(node);
    }
  }
  if (open.length > 1) throw new Error(`<${open[open.length - 1].tag}> is never closed`);
  return root;
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name, decoded(value ?? '')]),
  );
}

function decoded(text: string): string {
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&([a-z]+|#39);/g, (whole, name: string) => entities[name] ?? whole);
}

function matches(node: HtmlNode, selector: string): boolean {
  const parts = /^([a-z0-9]*)(?:#([\w-]+))?(?:\.([\w-]+))?(?:\[([\w-]+)=([\w-]+)\])?$/.exec(selector);
  if (parts === null) throw new Error(`selector not understood: ${selector}`);
  const [, tag, id, className, attribute, value] = parts;
  return (
    (tag === '' || node.tag === tag) &&
    (id === undefined || node.attribute('id') === id) &&
    (className === undefined || node.attribute('class').split(' ').includes(className)) &&
    (attribute === undefined || node.attribute(attribute) === value)
  );
}
