import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readSource } from '../../../datasets/sources/source';
import { withFolder } from '../temporary-folder';

const pixels = 'any bytes: the reader opens no image';

const usual = { table: null, splitColumn: null };

describe('class folders', () => {
  test('gives every image its first folder as class, sorted bytewise, whatever the locale says', async () => {
    const files = { 'b/2.png': pixels, 'a/1.JPG': pixels, 'Z/9.webp': pixels, 'é/1.jpeg': pixels };
    await withFolder(files, async (root) => {
      const source = await readSource(root, usual);
      expect(source.layout).toBe('class-folders');
      expect(source.records.map(({ path, split, columns }) => [path, split, columns])).toEqual([
        ['Z/9.webp', undefined, { class: 'Z' }],
        ['a/1.JPG', undefined, { class: 'a' }],
        ['b/2.png', undefined, { class: 'b' }],
        ['é/1.jpeg', undefined, { class: 'é' }],
      ]);
    });
  });

  test('passes over hidden and ._ files, and counts files that are no images in a note', async () => {
    const files = {
      'a/1.jpg': pixels,
      'a/._1.jpg': pixels,
      'a/.DS_Store': pixels,
      'a/notes.txt': '',
      '.git/x.jpg': pixels,
      'b/1.png': pixels,
      'cover.jpg': pixels,
    };
    await withFolder(files, async (root) => {
      const source = await readSource(root, usual);
      expect(source.records.map(({ path }) => path)).toEqual(['a/1.jpg', 'b/1.png']);
      expect(source.notes).toEqual([
        '1 image directly in the folder left aside: they lie in no class',
        '1 file left aside: no image by the extension',
      ]);
    });
  });

  test('reads train, val and test folders as splits, in any case of letters', async () => {
    const files = { 'Train/a/1.jpg': pixels, 'Train/b/1.jpg': pixels, 'valid/a/2.jpg': pixels, 'test/b/3.jpg': pixels };
    await withFolder(files, async (root) => {
      const { records } = await readSource(root, usual);
      expect(records.map(({ path, split, columns }) => [path, split, columns['class']])).toEqual([
        ['Train/a/1.jpg', 'train', 'a'],
        ['Train/b/1.jpg', 'train', 'b'],
        ['test/b/3.jpg', 'test', 'b'],
        ['valid/a/2.jpg', 'validation', 'a'],
      ]);
    });
  });

  test('a class may be called test when there is no train folder', async () => {
    await withFolder({ 'test/1.jpg': pixels, 'other/1.jpg': pixels }, async (root) => {
      expect((await readSource(root, usual)).records.map(({ columns }) => columns['class'])).toEqual(['other', 'test']);
    });
  });

  test('folders inside classes give a second column, subclass', async () => {
    await withFolder(
      { 'apple/fuji/1.jpg': pixels, 'apple/gala/x/1.jpg': pixels, 'pear/1.jpg': pixels },
      async (root) => {
        const source = await readSource(root, usual);
        expect(source.columnNames).toEqual(['class', 'subclass']);
        expect(source.records.map(({ columns }) => columns)).toEqual([
          { class: 'apple', subclass: 'apple/fuji' },
          { class: 'apple', subclass: 'apple/gala/x' },
          { class: 'pear', subclass: 'pear' },
        ]);
      },
    );
  });

  test('follows links, but a link back to a folder above ends', async () => {
    await withFolder({ 'a/1.jpg': pixels, 'b/1.jpg': pixels, 'elsewhere/.keep': '' }, async (root) => {
      await symlink(join(root, 'a'), join(root, 'b', 'more'));
      await symlink(join(root, 'b'), join(root, 'a', 'back'));
      const { records } = await readSource(root, usual).catch((error: unknown) => {
        expect(String(error)).toContain('class folder elsewhere: holds no image');
        return { records: [] };
      });
      expect(records).toEqual([]);
    });
    await withFolder({ 'a/1.jpg': pixels, 'b/1.jpg': pixels }, async (root) => {
      await symlink(join(root, 'b'), join(root, 'b', 'self'));
      await symlink(join(root, 'a'), join(root, 'c'));
      expect((await readSource(root, usual)).records.map(({ path }) => path)).toEqual([
        'a/1.jpg',
        'b/1.jpg',
        'c/1.jpg',
      ]);
    });
  });

  test('an empty class is named', async () => {
    await withFolder({ 'a/1.jpg': pixels }, async (root) => {
      await mkdir(join(root, 'bare'));
      await expect(readSource(root, usual)).rejects.toMatchObject({
        kind: 'DataRejected',
        message: expect.stringContaining('class folder bare: holds no image'),
      });
    });
  });

  test('splits with another folder beside them are refused', async () => {
    await withFolder({ 'train/a/1.jpg': pixels, 'test/a/1.jpg': pixels, 'extra/1.jpg': pixels }, async (root) => {
      await expect(readSource(root, usual)).rejects.toThrow(
        /test, train are splits, but extra beside them is not|train, test are splits, but extra beside them is not/,
      );
    });
  });

  test('a missing folder, a file, and a folder without images each say what to do', async () => {
    await withFolder({ 'a.jpg': pixels }, async (root) => {
      await expect(readSource(join(root, 'nowhere'), usual)).rejects.toThrow(
        /nowhere: there is no such folder\. Name the folder that holds the images/,
      );
      await expect(readSource(join(root, 'a.jpg'), usual)).rejects.toThrow(/is a file, must be a folder/);
      await expect(readSource(root, usual)).rejects.toThrow(/holds no image in a class folder\. Give it the layout/);
    });
  });
});
