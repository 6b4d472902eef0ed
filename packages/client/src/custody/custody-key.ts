/**
 * The one secret of a credential store: 32 bytes out of which everything else is derived. It seals what is kept
 * (AES-256-GCM, bound to where it is kept) and makes the retry keys (HMAC-SHA-256 of the code or refresh token that is
 * presented), so that every process and tab that shares the store asks alike, and nobody else can. A nonce of 96 random
 * bits (NIST SP 800-38D §8.2.2) is good for 2^32 seals, which is a refresh every minute for eight thousand years.
 */

import { drawBytes } from './entropy.ts'

/** What a sealed text belongs to; it opens nowhere else. */
export interface Place {
  readonly issuer: string
  readonly clientId: string
  readonly name: string
  readonly version: string
}

export interface CustodyKey {
  /** Base64url and dots only. The same text sealed twice gives two different answers. */
  seal(text: string, place: Place): Promise<string>
  /** Rejects with `CustodyKeyWrong` when it was sealed under another key, for another place, or was changed. */
  open(sealed: string, place: Place): Promise<string>
  /** 43 base64url characters, the same for the same credential. */
  retryKeyFor(credential: string): Promise<string>
}

/** What is kept does not open with this key at this place. Says nothing of the text or the key. */
export class CustodyKeyWrong extends Error {
  constructor(place: Place, options?: ErrorOptions) {
    super(`what is kept as '${place.name}' does not open with this custody key, client and issuer`, options)
    this.name = 'CustodyKeyWrong'
  }
}

export const custodyKeyBytes = 32

const encoder = new TextEncoder()

/**
 * A custody key out of 32 random bytes. `older` are keys that what is kept may still be sealed under; new seals are made
 * with the first. Rejects with `RangeError` when one has not 32 bytes.
 */
export async function custodyKeyFrom(
  bytes: Uint8Array<ArrayBuffer>,
  ...older: readonly Uint8Array<ArrayBuffer>[]
): Promise<CustodyKey> {
  const roots = await Promise.all([bytes, ...older].map(importRoot))
  return custodyKeyFromRoots(roots[0] as CryptoKey, roots.slice(1))
}

/** The same out of HKDF keys that may not be extractable; IndexedDB keeps such keys without showing them to anyone. */
export async function custodyKeyFromRoots(root: CryptoKey, older: readonly CryptoKey[] = []): Promise<CustodyKey> {
  const current = await deriveKeys(root)
  const all = [current, ...(await Promise.all(older.map(deriveKeys)))]
  return {
    seal: (text, place) => seal(current, text, place),
    open: (sealed, place) => open(all, sealed, place),
    async retryKeyFor(credential) {
      return encodeBase64Url(
        new Uint8Array(await crypto.subtle.sign('HMAC', current.retry, encoder.encode(credential))),
      )
    },
  }
}

/** The root of a custody key from its 32 bytes. */
export async function importRoot(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (bytes.length !== custodyKeyBytes) throw new RangeError(`a custody key has ${custodyKeyBytes} bytes`)
  return crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey', 'deriveBits'])
}

interface DerivedKeys {
  /** Names the key in what it sealed; tells nothing of it. */
  readonly id: string
  readonly sealing: CryptoKey
  readonly retry: CryptoKey
}

async function deriveKeys(root: CryptoKey): Promise<DerivedKeys> {
  const hkdf = (purpose: string) => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(0),
    info: encoder.encode(`pawl custody ${purpose}`),
  })
  const [id, sealing, retry] = await Promise.all([
    crypto.subtle.deriveBits(hkdf('id'), root, 48),
    crypto.subtle.deriveKey(hkdf('seal'), root, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']),
    crypto.subtle.deriveKey(hkdf('retry'), root, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']),
  ])
  return { id: encodeBase64Url(new Uint8Array(id)), sealing, retry }
}

async function seal(keys: DerivedKeys, text: string, place: Place): Promise<string> {
  const nonce = drawBytes(nonceBytes)
  const sealed = await crypto.subtle.encrypt(cipher(nonce, place), keys.sealing, encoder.encode(text))
  return `${envelopeVersion}.${keys.id}.${encodeBase64Url(nonce)}.${encodeBase64Url(new Uint8Array(sealed))}`
}

async function open(all: readonly DerivedKeys[], sealed: string, place: Place): Promise<string> {
  const [version, id, nonce, text, ...rest] = sealed.split('.')
  const keys = all.find(each => each.id === id)
  if (
    version !== envelopeVersion ||
    keys === undefined ||
    nonce === undefined ||
    text === undefined ||
    rest.length > 0
  ) {
    throw new CustodyKeyWrong(place)
  }
  try {
    const algorithm = cipher(decodeBase64Url(nonce), place)
    const plain = await crypto.subtle.decrypt(algorithm, keys.sealing, decodeBase64Url(text))
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(plain)
  } catch (cause) {
    throw new CustodyKeyWrong(place, { cause })
  }
}

const envelopeVersion = 'pc1'
const nonceBytes = 12

function cipher(iv: Uint8Array<ArrayBuffer>, { issuer, clientId, name, version }: Place): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: encoder.encode(JSON.stringify([issuer, clientId, name, version])) }
}

/** RFC 4648 §5, without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Throws where the text is no base64url, or is not the one way to write its bytes. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]*$/.test(text)) throw new TypeError('not base64url')
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), each => each.charCodeAt(0))
  if (encodeBase64Url(bytes) !== text) throw new TypeError('not base64url as it is written')
  return bytes
}
