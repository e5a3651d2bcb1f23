/**
 * Stored runs for end-to-end tests, made out of a finished one: the same run as it stood inside its last epoch, under
 * another name, with a chosen value in its state exchanged. Every digest fits what is stored, so that only the value is
 * wrong. Starting the name goes on from there.
 */
import { CheckpointManifest, IndexManifest, type ObjectRef } from '../../config/artifacts';
import { canonicalJson, sha256Hex } from '../../config/canonical-json';
import { parseCurve } from '../../activities/curve';
import type { CurveRow } from '../../config/artifacts';
import { Blobs, getVerified } from '../../storage/blobs';
import { commitManifest, findManifest, replaceManifest } from '../../storage/commits';
import { runLayout } from '../../storage/run-layout';
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../storage/safetensors';
import { uriOf, type ObjectStore } from '../../storage/store';

export type Tensors = Map<string, StoredTensor>;

/** What is exchanged in the checkpoint that the fork goes on from. */
export interface Forgery {
  readonly state?: (tensors: Tensors) => void;
  readonly curve?: (rows: CurveRow[]) => CurveRow[];
  /** Of the index in use. */
  readonly index?: (tensors: Tensors) => void;
}

export interface ForkRequest {
  readonly store: ObjectStore;
  readonly from: string;
  readonly to: string;
  /** Where the fork goes on from: a step inside the last epoch at which the run has a checkpoint. */
  readonly epoch: number;
  readonly step: number;
  readonly forgery: Forgery;
  /** Leaves the checkpoint right before it in place, untouched. */
  readonly keepEarlier?: boolean;
}

export interface Forked {
  /** The blob of the weights of the forged checkpoint. */
  readonly tensors: ObjectRef;
  /** Global step of the untouched checkpoint; null: there is none. */
  readonly earlierStep: number | null;
}

export async function forkInsideEpoch(request: ForkRequest): Promise<Forked> {
  const { store, from, to, epoch, step, forgery, keepEarlier = false } = request;
  const [source, target] = [runLayout(from), runLayout(to)];
  const left = [source.blobs, source.events, source.result, source.report, `${source.prefix}epochs/train-${epoch}-`];
  const copied: string[] = [];
  let forked: CheckpointManifest | null = null;
  let earlier: { key: string; globalStep: number } | null = null;
  for await (const key of store.list(source.prefix)) {
    if (left.some((one) => key.startsWith(one))) continue;
    if (!key.startsWith(source.checkpoints('train'))) {
      copied.push(key);
      continue;
    }
    const manifest = CheckpointManifest.parse(JSON.parse(await textOf(store, key)));
    const { position } = manifest;
    if (position.epoch < epoch) copied.push(key);
    else if (position.step < step) earlier = { key, globalStep: position.globalStep };
    else if (position.step === step) forked = manifest;
  }
  if (!forked || !earlier) throw new Error(`${from} has no checkpoint at or before step ${step} of epoch ${epoch}`);
  if (keepEarlier) copied.push(earlier.key);
  for (const key of copied)
    await store.put(target.prefix + key.slice(source.prefix.length), Buffer.from(await textOf(store, key)));

  const manifest = await forge(store, to, forked, forgery);
  const digest = sha256Hex(Buffer.from(canonicalJson(manifest)));
  const key = target.checkpoint('train', forked.position.globalStep, digest);
  await commitManifest(store, key, CheckpointManifest, manifest);
  return { tensors: manifest.tensors, earlierStep: keepEarlier ? earlier.globalStep : null };
}

async function forge(
  store: ObjectStore,
  to: string,
  { tensors, curve, index, ...rest }: CheckpointManifest,
  forgery: Forgery,
): Promise<CheckpointManifest> {
  const blobs = new Blobs(store, runLayout(to).blobs);
  const rows = parseCurve(Buffer.from(await getVerified(store, curve)).toString());
  return CheckpointManifest.parse({
    ...rest,
    tensors: await rewritten(store, blobs, tensors, forgery.state),
    curve: await blobs.putBytes(Buffer.from(canonicalJson(forgery.curve?.(rows) ?? rows))),
    index: forgery.index ? await forgeIndex(store, to, index, forgery.index) : index,
  });
}

/** @returns digest of the index that takes the place of the given one */
async function forgeIndex(
  store: ObjectStore,
  to: string,
  digest: string | null,
  change: (tensors: Tensors) => void,
): Promise<string> {
  const { blobs, prefix } = runLayout(to);
  for await (const key of store.list(`${prefix}indices/`)) {
    const found = await findManifest(store, key, IndexManifest);
    if (found?.ref.sha256 !== digest) continue;
    const tensors = await rewritten(store, new Blobs(store, blobs), found.value.tensors, change);
    return (await replaceManifest(store, key, IndexManifest, { ...found.value, tensors })).sha256;
  }
  throw new Error(`${to} has no index ${digest ?? 'at all'}`);
}

async function rewritten(
  store: ObjectStore,
  blobs: Blobs,
  ref: ObjectRef,
  change: (tensors: Tensors) => void = () => undefined,
): Promise<ObjectRef> {
  const tensors: Tensors = readSafetensors(await getVerified(store, ref));
  change(tensors);
  return blobs.putBytes(writeSafetensors(tensors));
}

/** Flips one bit of the largest value of a tensor. @param bit 0: the smallest of the mantissa; 31: the sign */
export function flipBit(tensors: Tensors, name: string, bit: number): void {
  const values = floatsOf(tensors, name);
  flip(values, largest(values), bit);
}

/**
 * Flips the highest bit of an exponent in the most central row of a matrix: it is far from all others then, whatever they
 * are.
 */
export function flipCentralRow(tensors: Tensors, name: string): void {
  const values = floatsOf(tensors, name);
  const width = tensors.get(name)?.shape[1] ?? 1;
  const rows = Array.from({ length: values.length / width }, (_, row) =>
    values.subarray(row * width, (row + 1) * width),
  );
  const distances = rows.map((a) =>
    rows.reduce((sum, b) => sum + a.reduce((squares, value, e) => squares + (value - b[e]) ** 2, 0), 0),
  );
  const central = rows[distances.indexOf(Math.min(...distances))];
  flip(central, largest(central.map((value) => (Math.abs(value) < 1 ? value : 0))), 30); // of 1 or more it would be less
}

function floatsOf(tensors: Tensors, name: string): Float32Array {
  const values = tensors.get(name)?.values;
  if (!(values instanceof Float32Array)) throw new Error(`there is no float tensor ${name}`);
  return values;
}

function largest(values: Float32Array): number {
  return values.reduce((most, value, i) => (Math.abs(value) > Math.abs(values[most]) ? i : most), 0);
}

function flip(values: Float32Array, at: number, bit: number): void {
  new Uint32Array(values.buffer, values.byteOffset)[at] ^= 1 << bit;
}

/** Exchanges one byte of a stored object under its old name: no digest fits any more. */
export async function damage(store: ObjectStore, { uri }: ObjectRef): Promise<void> {
  const key = uri.slice(uriOf(store, '').length);
  const bytes = Buffer.from((await store.get(key)) ?? []);
  bytes[bytes.length - 1] ^= 1;
  await store.put(key, bytes);
}

async function textOf(store: ObjectStore, key: string): Promise<string> {
  const bytes = await store.get(key);
  if (bytes === null) throw new Error(`${key} is missing`);
  return Buffer.from(bytes).toString();
}
