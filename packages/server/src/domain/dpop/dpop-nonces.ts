/**
 * The server's nonces for DPoP proofs (RFC 9449 §8): each is the HMAC of a window of time, so that every node makes and
 * knows the same ones and none of them keeps any. The current and the previous are taken, older ones and guesses are not.
 */

import { timingSafeEqual } from 'node:crypto'
import { hmacSha256 } from '../keys/hmac.ts'
import { deriveKey, type MasterKey, type MasterKeys } from '../keys/master-keys.ts'

export const nonceWindowSeconds = 60
/** From the beginning of its own window to the end of the next one. */
export const nonceSecondsMax = 2 * nonceWindowSeconds
const nonceBytes = 16

export interface DpopNonces {
  readonly current: (nowMs: number) => string
  readonly isLiving: (nonce: string, nowMs: number) => boolean
}

/** Nonces of this issuer. Under a master key that is being replaced they are still known, so that no node asks again. */
export function dpopNonces(keys: MasterKeys, issuer: string): DpopNonces {
  const nonceOf = rememberingLast((key: MasterKey, window: number): string => {
    const message = Buffer.from(`${issuer} ${window}`)
    return hmacSha256(deriveKey(key, 'dpop nonce'), message).subarray(0, nonceBytes).toString('base64url')
  })
  return {
    current: nowMs => nonceOf(keys.current, windowOf(nowMs)),
    isLiving: (nonce, nowMs) => {
      const window = windowOf(nowMs)
      return keys.all.some(key => isSame(nonce, nonceOf(key, window)) || isSame(nonce, nonceOf(key, window - 1)))
    },
  }
}

function windowOf(nowMs: number): number {
  return Math.floor(nowMs / (nonceWindowSeconds * 1000))
}

/** Remembers the two windows in use for each key: as many entries as there are keys, twice. */
function rememberingLast(make: (key: MasterKey, window: number) => string): typeof make {
  const made = new Map<string, { readonly window: number; readonly nonce: string }>()
  return (key, window) => {
    const slot = `${key.id} ${window % 2}`
    const known = made.get(slot)
    if (known?.window === window) return known.nonce
    const nonce = make(key, window)
    made.set(slot, { window, nonce })
    return nonce
  }
}

function isSame(one: string, other: string): boolean {
  const bytes = Buffer.from(one)
  const others = Buffer.from(other)
  return bytes.length === others.length && timingSafeEqual(bytes, others)
}
