/** Reads protobuf's wire format field by field. Knows the format; does not know messages. */

export interface WireField {
  readonly field: number;
  /** A varint or fixed number; exact, as 64-bit times need. */
  readonly number: bigint;
  /** Of a string, bytes or inner message; empty for numbers. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** Throws RangeError where the bytes end inside a field. */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const field = key >> 3;
    switch (key & 7) {
      case 0:
        yield { field, number: varint(), bytes: NOTHING };
        break;
      case 1:
        yield { field, number: view.getBigInt64(at, true), bytes: NOTHING };
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (at + length > bytes.length) throw new RangeError(`protobuf: field ${field} ends after its message`);
        yield { field, number: 0n, bytes: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      case 5:
        yield { field, number: BigInt(view.getInt32(at, true)), bytes: NOTHING };
        at += 4;
        break;
      default:
        throw new RangeError(`protobuf: field ${field} has the wire type ${key & 7}, must be 0, 1, 2 or 5`);
    }
  }
}

/** The fields of one message by their numbers, the last where one comes again. */
export function lastFields(bytes: Uint8Array): Map<number, WireField> {
  return new Map([...wireFields(bytes)].map((one) => [one.field, one]));
}

export function textOf({ bytes }: WireField): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
