/** States and indices of training as local files: safetensors and JSON, written whole or not at all. */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../config/canonical-json';
import { LodestoneError } from '../../errors';
import type { RunIndex } from '../../learning/index/run-index';
import type { SessionState } from '../../learning/training/state';
import { explainDisk } from '../../storage/local-file';
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../storage/safetensors';
import { parseCurve } from '../curve';
import type { IndexFile, SavedState, StateFiles } from './protocol';

export async function writeState(folder: string, sequence: number, state: SessionState): Promise<SavedState> {
  const tensors = join(folder, `${sequence}.safetensors`);
  const curve = join(folder, `${sequence}.curve.json`);
  await writeWhole(tensors, writeSafetensors(state.tensors as ReadonlyMap<string, StoredTensor>));
  await writeWhole(curve, Buffer.from(canonicalJson(state.curve)));
  return { sequence, position: state.position, tensors, curve };
}

export async function readState(files: StateFiles): Promise<SessionState> {
  return {
    position: files.position,
    tensors: readSafetensors(await readFile(files.tensors)),
    curve: parseCurve(await readFile(files.curve, 'utf8')),
  };
}

export async function writeIndex(path: string, index: RunIndex): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  const E = index.embeddingSize;
  switch (index.type) {
    case 'clusters':
      tensors.set('centroids', { dtype: 'F32', shape: [index.centroids.length / E, E], values: index.centroids });
      tensors.set('clusterClass', { dtype: 'I32', shape: [index.clusterClass.length], values: index.clusterClass });
      tensors.set('assignments', { dtype: 'I32', shape: [index.assignments.length], values: index.assignments });
      tensors.set('variance', { dtype: 'F64', shape: [1], values: Float64Array.of(index.variance) });
      break;
    case 'embeddings':
      tensors.set('embeddings', { dtype: 'F32', shape: [index.embeddings.length / E, E], values: index.embeddings });
      break;
  }
  await writeWhole(path, writeSafetensors(tensors));
}

export async function readIndex({ tensors: path }: IndexFile): Promise<RunIndex> {
  const tensors = readSafetensors(await readFile(path));
  const embeddings = tensors.get('embeddings');
  if (embeddings) {
    return { type: 'embeddings', embeddings: valuesOf(embeddings, Float32Array), embeddingSize: embeddings.shape[1] };
  }
  const need = (name: string): StoredTensor => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new LodestoneError(
        'ArtifactCorrupt',
        `index ${path}: has no tensor ${name}, it must hold centroids, clusterClass, assignments and variance. Refresh it.`,
      );
    return tensor;
  };
  const centroids = need('centroids');
  return {
    type: 'clusters',
    centroids: valuesOf(centroids, Float32Array),
    clusterClass: valuesOf(need('clusterClass'), Int32Array),
    assignments: valuesOf(need('assignments'), Int32Array),
    variance: valuesOf(need('variance'), Float64Array)[0],
    embeddingSize: centroids.shape[1],
  };
}

/** Temp, fsync, rename: the host never sees half a file. Throws DiskFull where there is no room: trying again makes none. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.part`;
  try {
    const file = await open(partial, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    throw explainDisk(error, path, 'DiskFull');
  }
}

function valuesOf<T extends StoredTensor['values']>(
  tensor: StoredTensor,
  type: abstract new (...args: never[]) => T,
): T {
  if (tensor.values.constructor.name !== type.name) {
    throw new LodestoneError(
      'ArtifactCorrupt',
      `index: got a tensor of ${tensor.dtype}, must be ${type.name}. Refresh it.`,
    );
  }
  return tensor.values as unknown as T;
}
