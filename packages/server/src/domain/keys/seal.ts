/**
 * Sealing: what must be read back is kept as AES-256-GCM (NIST SP 800-38D) under a key derived per purpose, bound to
 * the identity of its row, so that a sealed value moved elsewhere does not open. Layout: version 1, key id 1, nonce 12,
 * ciphertext, tag 16. Nonces are random: at most 2^32 values may be sealed under one key id and purpose.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Entropy } from '../entropy.ts'
import { deriveKey, type MasterKey, type MasterKeys } from './master-keys.ts'

const version = 1
const nonceOffset = 2
const nonceBytes = 12
const textOffset = nonceOffset + nonceBytes
const tagBytes = 16

/** Bytes that sealing adds. */
export const sealOverheadBytes = textOffset + tagBytes
/** A sealed text travels in a form post and comes back; what is longer is refused before it is decoded. */
export const sealedTextCharactersMax = 32_768

export interface Sealer {
  readonly seal: (purpose: string, identity: string, plain: Uint8Array) => Uint8Array
  /** Null when anything differs: purpose, identity, a bit, or the key is no longer there. */
  readonly open: (purpose: string, identity: string, sealed: Uint8Array) => Uint8Array | null
  /** True when the current master key sealed it: then the others may go. */
  readonly isUnderCurrentKey: (sealed: Uint8Array) => boolean
  /** The same for text, in base64url. Throws a RangeError where the sealed text would be too long to be opened. */
  readonly sealText: (purpose: string, identity: string, plain: string) => string
  readonly openText: (purpose: string, identity: string, sealed: string) => string | null
}

export function sealer(keys: MasterKeys, entropy: Entropy): Sealer {
  const byId = new Map(keys.all.map(key => [key.id, key]))

  function seal(purpose: string, identity: string, plain: Uint8Array): Uint8Array {
    const head = Buffer.concat([Uint8Array.of(version, keys.current.id), entropy.bytes(nonceBytes)])
    const cipher = createCipheriv('aes-256-gcm', keyFor(keys.current, purpose), nonceOf(head))
    cipher.setAAD(boundTo(head, purpose, identity))
    return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  function open(purpose: string, identity: string, sealed: Uint8Array): Uint8Array | null {
    if (sealed.length < sealOverheadBytes || sealed[0] !== version) return null
    const key = byId.get(sealed[1] ?? 0)
    return key === undefined ? null : unsealed(keyFor(key, purpose), sealed, boundTo(sealed, purpose, identity))
  }

  return {
    seal,
    open,
    isUnderCurrentKey: sealed => sealed[0] === version && sealed[1] === keys.current.id,
    sealText: (purpose, identity, plain) => {
      const text = Buffer.from(seal(purpose, identity, Buffer.from(plain))).toString('base64url')
      if (text.length > sealedTextCharactersMax) throw new RangeError(`a sealed text of ${text.length} characters`)
      return text
    },
    openText: (purpose, identity, text) => {
      const sealed = decoded(text)
      const plain = sealed === null ? null : open(purpose, identity, sealed)
      return plain === null ? null : Buffer.from(plain).toString('utf8')
    },
  }
}

function keyFor(key: MasterKey, purpose: string): Uint8Array {
  return deriveKey(key, `seal ${purpose}`)
}

function nonceOf(sealed: Uint8Array): Uint8Array {
  return sealed.subarray(nonceOffset, textOffset)
}

/** The associated data. The purpose is length-prefixed, so that no two pairs of purpose and identity read the same. */
function boundTo(sealed: Uint8Array, purpose: string, identity: string): Uint8Array {
  return Buffer.concat([sealed.subarray(0, nonceOffset), Buffer.from(`${purpose.length} ${purpose} ${identity}`)])
}

function unsealed(key: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | null {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(sealed), { authTagLength: tagBytes })
  decipher.setAAD(associated)
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  const plain = decipher.update(sealed.subarray(textOffset, -tagBytes))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    // `final` throws for one reason here: the tag does not fit. That is an answer, and it must not say more.
    return null
  }
}

function decoded(text: string): Uint8Array | null {
  if (text.length > sealedTextCharactersMax) return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}
