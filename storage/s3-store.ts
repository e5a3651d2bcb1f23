/**
 * Objects in a bucket of any S3-compatible store. Knows the protocol's quirks and turns its failures into words that name
 * the host, the bucket, the rule and the way out; never a secret.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type CompletedPart,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createWriteStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { StoreCredentials } from '../config/environment';
import { explainDisk, writeWhole } from './local-file';
import { explainS3, isBrokenTransfer, nameOf, statusOf } from './s3-failures';
import type { ObjectFacts, ObjectStore } from './store';

export interface S3StoreOptions {
  readonly bucket: string;
  /** '' or 'a/b', without slashes at its ends. */
  readonly prefix: string;
  /** Null: that of AWS. */
  readonly endpoint: string | null;
  readonly region: string;
  /** Null: the SDK's own search. */
  readonly credentials: StoreCredentials | null;
  /** An idle connection or a missing answer is given up after this. */
  readonly requestTimeoutMs: number;
}

/** Tries of one request, with the SDK's growing pauses; whoever called retries for longer (S7). */
const ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** A larger file goes in parts of this size, so that no upload holds more than one of them in memory. */
const PART_BYTES = 32 * 2 ** 20;

export class S3Store implements ObjectStore {
  readonly uri: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #start: string;
  readonly #host: string;

  constructor({ bucket, prefix, endpoint, region, credentials, requestTimeoutMs }: S3StoreOptions) {
    this.uri = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#start = prefix === '' ? '' : `${prefix}/`;
    this.#host = endpoint === null ? `s3.${region}.amazonaws.com` : new URL(endpoint).host;
    this.#client = new S3Client({
      region,
      maxAttempts: ATTEMPTS,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: requestTimeoutMs,
        socketTimeout: requestTimeoutMs, // a body that stops coming: the one before ends with the headers
        throwOnRequestTimeout: true,
      }),
      // Others than AWS do not all know its checksums; ours stand in every reference.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === null
        ? {}
        : {
            credentials: {
              accessKeyId: credentials.accessKeyId,
              secretAccessKey: credentials.secretAccessKey,
              ...(credentials.sessionToken === null ? {} : { sessionToken: credentials.sessionToken }),
            },
          }),
    });
  }

  /** Creates the bucket where it is missing: for the local stack, whose server is ours. */
  async ensureBucket(): Promise<void> {
    await this.#said('create the bucket', async () => {
      try {
        await this.#client.send(new CreateBucketCommand({ Bucket: this.#bucket }));
      } catch (error) {
        if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes(nameOf(error))) throw error;
      }
    });
  }

  get(key: string): Promise<Uint8Array | null> {
    return this.#download(key, async ({ Body }) =>
      Body === undefined ? new Uint8Array() : Body.transformToByteArray(),
    );
  }

  getRange(key: string, offset: number, length: number): Promise<Uint8Array | null> {
    return this.#download(
      key,
      async ({ Body }) => (Body === undefined ? new Uint8Array() : Body.transformToByteArray()),
      `bytes=${offset}-${offset + length - 1}`,
    );
  }

  async getToFile(key: string, path: string): Promise<boolean> {
    const file = { path, scratch: dirname(path), createOnly: false, refused: 'DiskFull' } as const;
    const found = await this.#download(key, ({ Body }) =>
      writeWhole(file, (temporary) => pipeline(Body as Readable, createWriteStream(temporary))),
    );
    return found !== null;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#said(`put ${key}`, () =>
      this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: bytes, ContentLength: bytes.length })),
    );
  }

  async create(key: string, bytes: Uint8Array): Promise<boolean> {
    const put = { ...this.#at(key), Body: bytes, ContentLength: bytes.length };
    return this.#said(`create ${key}`, async () => {
      try {
        await this.#client.send(new PutObjectCommand({ ...put, IfNoneMatch: '*' }));
        return true;
      } catch (error) {
        // 412: it exists; 409: another creator is at it. Either way the caller looks at what is there.
        if ([409, 412].includes(statusOf(error))) return false;
        if (statusOf(error) !== 501) throw error;
        await this.#client.send(new PutObjectCommand(put)); // the store does not know the condition
        return true;
      }
    });
  }

  async putFile(key: string, path: string): Promise<void> {
    const { size } = await stat(path);
    // A body in memory can be sent again by the SDK; a stream cannot.
    if (size <= PART_BYTES) return this.put(key, await readFile(path));
    await this.#said(`put ${key}`, () => this.#putInParts(key, path, size));
  }

  async head(key: string): Promise<ObjectFacts | null> {
    return this.#said(`look for ${key}`, async () => {
      try {
        const { ContentLength, LastModified } = await this.#client.send(new HeadObjectCommand(this.#at(key)));
        return { bytes: ContentLength ?? 0, modified: LastModified ?? new Date() };
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    });
  }

  async *list(prefix: string): AsyncIterable<string> {
    const Prefix = `${this.#start}${prefix}`;
    for (let token: string | undefined, more = true; more;) {
      const page = await this.#said(`list ${prefix}`, () =>
        this.#client.send(
          new ListObjectsV2Command({ Bucket: this.#bucket, Prefix, ...(token && { ContinuationToken: token }) }),
        ),
      );
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key.slice(this.#start.length);
      token = page.NextContinuationToken;
      more = token !== undefined;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#said(`delete ${key}`, () => this.#client.send(new DeleteObjectCommand(this.#at(key))));
  }

  async #putInParts(key: string, path: string, size: number): Promise<void> {
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(this.#at(key)));
    const upload = { ...this.#at(key), UploadId };
    const file = await open(path, 'r');
    try {
      const parts: CompletedPart[] = [];
      for (let from = 0; from < size; from += PART_BYTES) {
        const bytes = Buffer.alloc(Math.min(PART_BYTES, size - from));
        await file.read(bytes, 0, bytes.length, from);
        const part = { ...upload, PartNumber: parts.length + 1, Body: bytes, ContentLength: bytes.length };
        const { ETag } = await this.#client.send(new UploadPartCommand(part));
        parts.push({ PartNumber: part.PartNumber, ...(ETag !== undefined && { ETag }) });
      }
      await this.#client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
    } catch (error) {
      // Parts of an upload that did not end are kept and billed; the failure itself is what the caller needs to see.
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
  }

  /** One download, begun again where the connection broke in its middle: the SDK retries only up to the first byte. */
  #download<T>(key: string, use: (answer: GetObjectCommandOutput) => Promise<T>, range?: string): Promise<T | null> {
    const wanted = { ...this.#at(key), ...(range !== undefined && { Range: range }) };
    return this.#said(`get ${key}`, async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await use(await this.#client.send(new GetObjectCommand(wanted)));
        } catch (error) {
          if (nameOf(error) === 'NoSuchKey') return null;
          if (range !== undefined && statusOf(error) === 416) return null; // it ends before: not the object that was meant
          if (!isBrokenTransfer(error) || attempt === ATTEMPTS) throw error;
        }
      }
    });
  }

  async #said<T>(what: string, use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      throw explainS3(explainDisk(error, what, 'StoreUnavailable'), { what, host: this.#host, bucket: this.#bucket });
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#start}${key}` };
  }
}
