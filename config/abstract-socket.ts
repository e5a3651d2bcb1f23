/**
 * The address of a Linux abstract socket, which serves as a lock: the kernel frees it with the process, however that ends.
 */

/** Bytes of `sun_path`. Node 20 pads a shorter address with zeros to this length and later versions do not: to each other they would be two sockets. */
const FULL_LENGTH = 108;

/** The same address under every Node version; names of up to 107 ASCII characters. */
export function abstractSocket(name: string): string {
  return `\0${name}`.padEnd(FULL_LENGTH, '-');
}
