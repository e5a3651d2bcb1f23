import { readSource, type SourceOptions } from '../../../datasets/sources/source';
import { withFolder } from '../temporary-folder';

const pixels = 'any bytes: the reader opens no image';
const images = { 'a.jpg': pixels, 'b.jpg': pixels, 'sub/ç d.png': pixels };

const read = (table: Record<string, string | Uint8Array>, options: Partial<SourceOptions> = {}) =>
  withFolder({ ...images, ...table }, (root) => readSource(root, { table: null, splitColumn: null, ...options }));
const csv = (text: string | Uint8Array, options: Partial<SourceOptions> = {}) =>
  read({ 'metadata.csv': text }, options);

describe('CSV tables', () => {
  test('reads path, split and every other column, with byte order mark, CRLF, quotes and unicode names', async () => {
    const { layout, columnNames, records } = await csv(
      '\ufeffsplit,"file_name",name,note\r\ntrain,b.jpg,"Pear, ""Conférence""","two\r\nlines"\r\nVal,sub/ç d.png,Ünï,\r\ntest,./a.jpg,x,y\r\n',
    );
    expect(layout).toBe('table');
    expect(columnNames).toEqual(['name', 'note']);
    expect(records).toEqual([
      { path: 'a.jpg', split: 'test', columns: { name: 'x', note: 'y' }, where: 'metadata.csv line 5' },
      {
        path: 'b.jpg',
        split: 'train',
        columns: { name: 'Pear, "Conférence"', note: 'two\nlines' },
        where: 'metadata.csv line 3',
      },
      { path: 'sub/ç d.png', split: 'validation', columns: { name: 'Ünï', note: '' }, where: 'metadata.csv line 4' },
    ]);
  });

  test('without a split column, records have none', async () => {
    const { records } = await csv('path,label\na.jpg,x\nb.jpg,y\n');
    expect(records.map(({ split }) => split)).toEqual([undefined, undefined]);
  });

  test('the split column may have another name; a wrong one is answered with the nearest', async () => {
    const text = 'path,label,part\na.jpg,x,train\nb.jpg,y,test\n';
    expect((await csv(text, { splitColumn: 'part' })).records.map(({ split }) => split)).toEqual(['train', 'test']);
    await expect(csv(text, { splitColumn: 'parts' })).rejects.toThrow(
      'has no split column parts. Did you mean part? There are path, label, part.',
    );
  });

  test.each([
    ['a row with too few cells', 'path,label\na.jpg,x\nb.jpg\n', /metadata\.csv line 3: has 1 cells, the header has 2/],
    ['an unclosed quote', 'path,label\na.jpg,"x\nb.jpg,y\n', /metadata\.csv line \d: /],
    ['a path twice', 'path,label\na.jpg,x\nb.jpg,y\n./a.jpg,z\n', /line 4: path a\.jpg stands on line 2 already/],
    [
      'a path that leaves the folder',
      'path,label\na.jpg,x\nsub/../../a.jpg,y\n',
      /line 3: path is "sub\/\.\.\/\.\.\/a\.jpg", must not leave the folder/,
    ],
    ['an absolute path', 'path,label\n/etc/passwd,x\n', /line 2: .*must be relative/],
    ['a drive letter', 'path,label\nC:/a.jpg,x\n', /line 2: .*must be relative/],
    ['an address', 'path,label\nhttps://x/a.jpg,x\n', /line 2: .*must be relative/],
    ['a backslash', 'path,label\nsub\\a.jpg,x\n', /line 2: .*must use '\/'/],
    ['an empty path', 'path,label\n"",x\n', /line 2: .*must not be empty/],
    ['a folder as path', 'path,label\nsub/,x\n', /line 2: .*must name a file/],
    [
      'an unknown split',
      'path,split\na.jpg,train\nb.jpg,holdout\n',
      /line 3: split is "holdout"\. It must be train, val/,
    ],
    ['an empty split', 'path,split\na.jpg,train\nb.jpg,\n', /line 3: split is ""/],
    [
      'a missing file',
      'path,label\na.jpg,x\nnone.jpg,y\nsub,z\n',
      /names 2 files that .* does not hold: none\.jpg \(line 3\), sub \(line 4\)/,
    ],
    [
      'no path column',
      'name,label\na.jpg,x\n',
      /has the columns name, label, none of them named file_name, path, image/,
    ],
    ['two path columns', 'path,image,label\na.jpg,a.jpg,x\n', /path and image, only one may hold the paths/],
    ['a column twice', 'path,label,label\na.jpg,x,y\n', /line 1: column label stands twice/],
    ['a column without name', 'path,,label\na.jpg,x,y\n', /line 1: column 2 has no name/],
    ['no row', 'path,label\n', /metadata\.csv: holds no row/],
  ])('refuses %s, naming the line', async (_what, text, message) => {
    await expect(csv(text)).rejects.toMatchObject({ kind: 'DataRejected', message: expect.stringMatching(message) });
  });

  test('refuses bytes that are not UTF-8', async () => {
    await expect(csv(Buffer.from('path,label\na.jpg,caf\xe9\n', 'latin1'))).rejects.toThrow(
      /metadata\.csv: is not UTF-8 text\. Save it as UTF-8/,
    );
  });
});

describe('JSONL tables', () => {
  test('reads objects of plain values; a key that a line lacks is an empty cell', async () => {
    const { columnNames, records } = await read({
      'metadata.jsonl':
        '{"file_name":"a.jpg","label":"x","weight":1.5}\n\n{"file_name":"b.jpg","label":7,"ripe":true,"weight":null}\r\n',
    });
    expect(columnNames).toEqual(['label', 'weight', 'ripe']);
    expect(records.map(({ columns, where }) => [columns, where])).toEqual([
      [{ label: 'x', weight: '1.5', ripe: '' }, 'metadata.jsonl line 1'],
      [{ label: '7', weight: '', ripe: 'true' }, 'metadata.jsonl line 3'],
    ]);
  });

  test.each([
    ['broken JSON', '{"path":"a.jpg"}\n{"path":\n', /metadata\.jsonl line 2: is not valid JSON/],
    ['an array', '["a.jpg"]\n', /line 1: is not a JSON object/],
    ['a nested value', '{"path":"a.jpg","label":{"x":1}}\n', /line 1: label is neither text/],
    ['a line without path', '{"path":"a.jpg"}\n{"label":"x"}\n', /line 2: path is "", must not be empty/],
  ])('refuses %s, naming the line', async (_what, text, message) => {
    await expect(read({ 'metadata.jsonl': text })).rejects.toMatchObject({
      kind: 'DataRejected',
      message: expect.stringMatching(message),
    });
  });

  test('two tables are refused unless one is named; a table that is not there is refused', async () => {
    const both = { 'metadata.csv': 'path\na.jpg\n', 'metadata.jsonl': '{"path":"b.jpg"}\n' };
    await expect(read(both)).rejects.toThrow(/holds metadata\.csv and metadata\.jsonl, must hold one table/);
    expect((await read(both, { table: 'metadata.jsonl' })).records.map(({ path }) => path)).toEqual(['b.jpg']);
    await expect(read(both, { table: 'labels.csv' })).rejects.toThrow(/table labels\.csv: there is no such file/);
  });
});
