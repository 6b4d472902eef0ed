/**
 * What a row remembers of a use: short tags of the retry key, the address and the user agent, each an HMAC under the
 * row's own seed. Equal things are seen to be equal within one family; across families, or without the seed, a tag
 * tells nothing. Two addresses share a tag once in 2^32: enough for an explanation, and no decision stands on them.
 */

import { hash } from 'node:crypto'
import { addressTagBytes, agentTagBytes, retryKeyTagBytes } from '@pawl/family'
import { hmacSha256 } from '../keys/hmac.ts'

/** Of `rk1.<43 base64url characters>` as sent. An all-zero tag, which would read as "none", is moved aside. */
export function retryKeyTag(seed: Uint8Array, retryKey: string): Uint8Array {
  const tag = tagOf(seed, 'retry key', retryKey, retryKeyTagBytes)
  if (tag.every(byte => byte === 0)) tag[0] = 1
  return tag
}

/** A keyed hash of its own, shorter than an HMAC: cut to 4 of its 32 bytes it proves nothing and can be extended to nothing. */
export function addressTag(seed: Uint8Array, address: string): Uint8Array {
  return hintOf(seed, 'address', address, addressTagBytes)
}

export function agentTag(seed: Uint8Array, agent: string): Uint8Array {
  return hintOf(seed, 'agent', agent, agentTagBytes)
}

function hintOf(seed: Uint8Array, purpose: string, text: string, bytes: number): Uint8Array {
  const message = Buffer.concat([seed, Buffer.from(`${purpose}:${text}`)])
  return Buffer.from(hash('sha256', message, 'latin1').slice(0, bytes), 'latin1')
}

/** No token head begins with one of these words, so no tag of a use is ever a tag of a token. */
function tagOf(seed: Uint8Array, purpose: string, text: string, bytes: number): Uint8Array {
  return hmacSha256(seed, Buffer.from(`${purpose}:${text}`)).subarray(0, bytes)
}
