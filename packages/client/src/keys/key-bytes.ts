/**
 * The 32 bytes of a custody key as text, and what tells a drawn key from a typed one. Each rule refuses a random key less
 * than once in 10^9 draws; what passes may still be guessable: this is a net under mistakes, not a measure of strength.
 */

import { custodyKeyBytes, decodeBase64Url, encodeBase64Url } from '../custody/custody-key.ts'
import { CustodyKeyUnavailable } from './custody-key-unavailable.ts'

export const howToMakeAKey = "Make one with: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"

const distinctBytesMin = 16

/** The bytes that `text` says. Throws `CustodyKeyUnavailable`, which calls the key `origin` and does not show it. */
export function parseKey(text: string, origin: string): Uint8Array<ArrayBuffer> {
  return judgeKey(decoded(text, origin), origin)
}

/** The same bytes, if they can be a key. Throws `CustodyKeyUnavailable`. */
export function judgeKey(bytes: Uint8Array, origin: string): Uint8Array<ArrayBuffer> {
  const fault = faultOf(bytes)
  if (fault !== null) throw new CustodyKeyUnavailable('unusable', `${origin} ${fault}. ${howToMakeAKey}`)
  return Uint8Array.from(bytes)
}

function decoded(text: string, origin: string): Uint8Array {
  try {
    return decodeBase64Url(text)
  } catch {
    // What the decoder says of the text is of no use, and it must not be shown.
    const what = `${origin} is no base64url without padding, of which a key has 43 characters`
    throw new CustodyKeyUnavailable('unusable', `${what}. ${howToMakeAKey}`)
  }
}

function faultOf(bytes: Uint8Array): string | null {
  if (bytes.length !== custodyKeyBytes) return `has ${bytes.length} bytes instead of ${custodyKeyBytes}`
  if (new Set(bytes).size < distinctBytesMin) return 'has too few different bytes to be random'
  if (bytes.every((byte, at) => byte === bytes[(at + 16) % 32])) return 'is the same pattern twice'
  if (bytes.every(byte => byte >= 0x20 && byte <= 0x7e)) return 'is text, not random bytes'
  if (readsLikeWords(bytes)) return 'reads like words, not like random bytes'
  if (countsUp(bytes)) return 'counts up or down in equal steps'
  return null
}

/** Somebody typed 43 characters that happen to decode; random ones are of mixed kinds, but once in 10^9 draws. */
function readsLikeWords(bytes: Uint8Array): boolean {
  const text = encodeBase64Url(bytes)
  return /^[a-z_-]+.?$/.test(text) || /^[A-Z_-]+.?$/.test(text) || /^[0-9_-]+.?$/.test(text)
}

function countsUp(bytes: Uint8Array): boolean {
  const step = stepAt(bytes, 1)
  return bytes.every((_byte, at) => at === 0 || stepAt(bytes, at) === step)
}

/** Around the end too: 255 is followed by 0. */
function stepAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) - (bytes[at - 1] ?? 0) + 256) % 256
}
