/**
 * Opaque access tokens. The first 84 characters are a token of the codec, which names the family and proves its seed; what
 * follows is what the token says, encrypted with AES-256-GCM under a key of master key and seed together, and bound to
 * those characters. So nothing is stored for a token, garbage is refused without the store, neither a database nor a
 * master key alone makes or reads one, and it dies with its family because only the family's row opens it.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { FamilyId } from '@pawl/family'
import type { Entropy } from '../entropy.ts'
import { hmacSha256 } from '../keys/hmac.ts'
import { deriveKey, type MasterKeys } from '../keys/master-keys.ts'
import { type Unprintable, unprintable } from '../keys/unprintable.ts'
import { type Presented, type TokenCodec, tokenCharacters, type TokenOrigin } from './codec.ts'

/** No longer access token is given out, and none is parsed. */
export const accessTokenCharactersMax = 8192

export interface PresentedOpaque extends Unprintable {
  readonly familyId: FamilyId
  readonly head: Presented
  readonly headText: string
  readonly sealed: Buffer
}

export interface OpaqueAccessTokens {
  readonly seal: (family: TokenOrigin, claims: object) => string
  /** Null on anything that we did not make, as far as that can be told without the row. Never throws. */
  readonly parse: (text: string) => PresentedOpaque | null
  /** What it says; null unless it was made for the row with this seed, and is as it was made. */
  readonly open: (presented: PresentedOpaque, seed: Uint8Array) => { readonly [name: string]: unknown } | null
}

const cipherName = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

export function opaqueAccessTokens(codec: TokenCodec, keys: MasterKeys, entropy: Entropy): OpaqueAccessTokens {
  const masters = new Map(keys.all.map(key => [key.id, deriveKey(key, 'opaque access token')]))

  /** One key for each family: a nonce would have to come twice within it. */
  function keyFor(keyId: number, seed: Uint8Array): Buffer {
    const master = masters.get(keyId)
    if (master === undefined) throw new RangeError(`master key ${keyId} is not among those given`)
    return hmacSha256(master, seed)
  }

  return {
    seal: (family, claims) => {
      const headText = codec.mint('access_token', family)
      const nonce = entropy.bytes(nonceBytes)
      const cipher = createCipheriv(cipherName, keyFor(family.keyId, family.seed), nonce)
      cipher.setAAD(Buffer.from(headText, 'latin1'))
      const sealed = [nonce, cipher.update(JSON.stringify(claims), 'utf8'), cipher.final(), cipher.getAuthTag()]
      return headText + Buffer.concat(sealed).toString('base64url')
    },
    parse: text => {
      if (text.length > accessTokenCharactersMax) return null
      const headText = text.slice(0, tokenCharacters)
      const sealed = Buffer.from(text.slice(tokenCharacters), 'base64url')
      if (sealed.length <= nonceBytes + tagBytes) return null
      if (headText + sealed.toString('base64url') !== text) return null
      const head = codec.parse('access_token', headText)
      return head === null ? null : { ...unprintable, familyId: head.familyId, head, headText, sealed }
    },
    open: ({ head, headText, sealed }, seed) => {
      if (!codec.provesSeed(head, seed)) return null
      const nonce = sealed.subarray(0, nonceBytes)
      const decipher = createDecipheriv(cipherName, keyFor(head.keyId, seed), nonce, { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(headText, 'latin1'))
      decipher.setAuthTag(sealed.subarray(-tagBytes))
      const text = decipher.update(sealed.subarray(nonceBytes, -tagBytes))
      try {
        const whole = Buffer.concat([text, decipher.final()]).toString('utf8')
        // Only we can have sealed it, and we seal objects.
        return JSON.parse(whole) as { readonly [name: string]: unknown }
      } catch {
        // The tag does not fit: that is how Node says so, and what was changed helps nobody.
        return null
      }
    },
  }
}
