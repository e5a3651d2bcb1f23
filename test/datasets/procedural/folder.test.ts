import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSpeciesFolder } from '../../../datasets/procedural/folder';
import { type SpeciesOptions } from '../../../datasets/procedural/species';
import { readSource } from '../../../datasets/sources/source';
import { speciesDefaults } from './defaults';
import { withFolder } from '../temporary-folder';

const options: SpeciesOptions = { seed: 4, coarseClasses: 2, speciesPerClass: 2, imagesPerSpecies: 8, size: 12 };

const usual = { table: null, splitColumn: null };

describe('writeSpeciesFolder', () => {
  test('the folder it writes is a data set like any other', async () => {
    await withFolder({}, async (root) => {
      const progress: number[] = [];
      const written = await writeSpeciesFolder(join(root, 'species'), options, (done) => progress.push(done));
      expect(written).toMatchObject({ images: 32, written: true });
      expect(progress.at(-1)).toBe(32);

      const source = await readSource(written.directory, usual);
      expect(source.columnNames).toEqual(['coarse', 'fine', 'texture']);
      expect(source.records.length).toBe(32);
      expect(new Set(source.records.map(({ split }) => split))).toEqual(new Set(['train', 'validation', 'test']));
    });
  });

  test('golden: the default set of seed 0 has the digest that docs/datasets.md names', async () => {
    await withFolder({}, async (root) => {
      const { digest, images } = await writeSpeciesFolder(join(root, 'species'), speciesDefaults);
      expect(images).toBe(4320);
      expect(digest).toBe('6b8fdf5c6f0954803ecb65a9764fff6c1590bd050f87a38a1fae0bf43c63d2d0');
      expect(await readFile(join(__dirname, '../../../docs/datasets.md'), 'utf8')).toContain(digest);
    });
  });

  test('F2: a second call writes nothing and returns the same digest; so does a call that lost a race', async () => {
    await withFolder({}, async (root) => {
      const target = join(root, 'species');
      const [one, other] = await Promise.all([
        writeSpeciesFolder(target, options),
        writeSpeciesFolder(target, options),
      ]);
      const before = await stat(join(target, 'metadata.csv'));
      const again = await writeSpeciesFolder(target, options);
      expect([one.written, other.written].filter(Boolean).length).toBe(1);
      expect(again).toEqual({ ...one, written: false });
      expect(other.digest).toBe(one.digest);
      expect((await stat(join(target, 'metadata.csv'))).mtimeMs).toBe(before.mtimeMs);
      expect(await readdir(root)).toEqual(['species']);
    });
  });

  test('F2: other options, another version and foreign folders are refused and left as they are', async () => {
    await withFolder({ 'mine/photo.jpg': 'mine' }, async (root) => {
      const target = join(root, 'species');
      await writeSpeciesFolder(target, options);
      await expect(writeSpeciesFolder(target, { ...options, seed: 5 })).rejects.toThrow(/nothing there is overwritten/);

      const marker = join(target, 'species.json');
      await writeFile(marker, (await readFile(marker, 'utf8')).replace('"version": 1', '"version": 0'));
      await expect(writeSpeciesFolder(target, options)).rejects.toThrow(/nothing there is overwritten/);

      await expect(writeSpeciesFolder(join(root, 'mine'), options)).rejects.toThrow(/nothing there is overwritten/);
      expect(await readdir(join(root, 'mine'))).toEqual(['photo.jpg']);
    });
  });

  test('F1: an error on the way leaves no folder, and what a killed writer left long ago is removed', async () => {
    await withFolder({}, async (root) => {
      const target = join(root, 'species');
      const abandoned = join(root, '.species.partial-dead');
      const fresh = join(root, '.species.partial-alive');
      await mkdir(abandoned);
      await mkdir(fresh);
      await utimes(abandoned, 1, 1);
      const stopped = writeSpeciesFolder(target, options, (done) => {
        if (done === 5) throw new Error('disk is full');
      });
      await expect(stopped).rejects.toThrow('disk is full');
      expect(await readdir(root)).toEqual(['.species.partial-alive']);
    });
  });

  test('an empty folder that is there already is filled', async () => {
    await withFolder({}, async (root) => {
      expect((await writeSpeciesFolder(root, options)).written).toBe(true);
      expect(await readdir(root)).toEqual(['images', 'metadata.csv', 'species.json']);
    });
  });
});
