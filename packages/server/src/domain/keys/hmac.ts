/**
 * HMAC-SHA-256 (RFC 2104, FIPS 198-1) as two one-shot hashes. A refresh computes seven of them, and `createHmac` costs
 * twice as much: it builds and frees an OpenSSL context each time. `hmac.test.ts` holds the two against each other.
 */

import { hash } from 'node:crypto'

export const hmacBytes = 32
const blockBytes = 64
const scratchMessageBytes = 448

/** One thread, no `await` between filling and hashing: the scratch space is never shared by two computations. */
const innerScratch = Buffer.alloc(blockBytes + scratchMessageBytes)
/** The scratch space cut to each length of message that was met: a view costs as much as a quarter of a hash. */
const innerViews: Buffer[] = []
const outerBlock = Buffer.alloc(blockBytes + hmacBytes)

/** The 32-byte tag. Keys are ours and at most one block long; a longer one is a mistake and throws. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Buffer {
  return Buffer.from(hmacText(key, message), 'latin1')
}

/** Writes the first `bytes` of the tag into the target: the hot path's way, without a buffer of its own. */
export function writeHmac(
  { key, message }: { readonly key: Uint8Array; readonly message: Uint8Array },
  target: Buffer,
  offset: number,
  bytes: number,
): void {
  target.write(hmacText(key, message), offset, bytes, 'latin1')
}

/** One character a byte: hashes are cheapest to take from OpenSSL as text. */
function hmacText(key: Uint8Array, message: Uint8Array): string {
  if (key.length > blockBytes) throw new RangeError(`an HMAC key of ${key.length} bytes; at most ${blockBytes} belong`)
  const inner = innerBlockFor(message.length)
  padWith(key, inner)
  inner.set(message, blockBytes)
  outerBlock.write(hash('sha256', inner, 'latin1'), blockBytes, hmacBytes, 'latin1')
  return hash('sha256', outerBlock, 'latin1')
}

function innerBlockFor(messageBytes: number): Buffer {
  if (messageBytes > scratchMessageBytes) return Buffer.alloc(blockBytes + messageBytes)
  return (innerViews[messageBytes] ??= innerScratch.subarray(0, blockBytes + messageBytes))
}

function padWith(key: Uint8Array, inner: Buffer): void {
  for (let at = 0; at < blockBytes; at++) {
    const byte = at < key.length ? (key[at] as number) : 0
    inner[at] = byte ^ 0x36
    outerBlock[at] = byte ^ 0x5c
  }
}
