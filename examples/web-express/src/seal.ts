/**
 * Everything secret that leaves this process, to the disk or into a cookie, leaves it sealed: AES-256-GCM, with what it
 * belongs to as associated data, so that one session's tokens cannot be moved into another's row.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export interface Keys {
  readonly sealing: Uint8Array
  /** Held together with the tokens and never sent: whoever holds it may ask for a lost answer again. */
  readonly custody: Uint8Array<ArrayBuffer>
}

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** One secret to look after; a key for each use of it. */
export function deriveKeys(sessionKey: Uint8Array): Keys {
  const derive = (use: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array(hkdfSync('sha256', sessionKey, '', use, keyBytes))
  return { sealing: derive('web-express sealing'), custody: derive('web-express custody') }
}

export function seal(keys: Keys, text: string, belongsTo: string): Uint8Array {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', keys.sealing, nonce).setAAD(Buffer.from(belongsTo))
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** Null for what another key sealed, what belongs elsewhere, and what was changed. */
export function unseal(keys: Keys, sealed: Uint8Array, belongsTo: string): string | null {
  if (sealed.length < nonceBytes + tagBytes) return null
  const nonce = sealed.subarray(0, nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', keys.sealing, nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(belongsTo)).setAuthTag(sealed.subarray(-tagBytes))
  const text = decipher.update(sealed.subarray(nonceBytes, -tagBytes))
  try {
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch {
    // The tag does not fit: this was not sealed here, for this, by this key. All three mean that there is nothing.
    return null
  }
}
