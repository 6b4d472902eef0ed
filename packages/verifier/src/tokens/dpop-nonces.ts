/**
 * Nonces of an API (RFC 9449 §9): a keyed hash of the minute, so that every process with the same key gives and takes the
 * same ones and nothing is kept. One is good in its own minute and in the next.
 */

import { GuardMisconfigured } from '../fault.ts'
import { encodeBase64Url } from './sha256.ts'

export const nonceWindowSeconds = 60
export const nonceKeyBytes = 32

export interface LivingNonce {
  readonly nonce: string
  readonly expiresAtMs: number
}

export interface DpopNonces {
  /** Those that are good now, the newest first. */
  readonly living: (nowMs: number) => Promise<readonly LivingNonce[]>
}

/** No nonces are asked for. */
export const noNonces: DpopNonces = { living: () => Promise.resolve([]) }

/** Throws `GuardMisconfigured` for a key that has not 32 bytes. */
export function keyedNonces(key: Uint8Array<ArrayBuffer>): DpopNonces {
  if (key.length !== nonceKeyBytes) throw new GuardMisconfigured(`dpopNonceKey: it has not ${nonceKeyBytes} bytes`)
  const imported = importKey(key)
  let known: { readonly window: number; readonly living: Promise<readonly LivingNonce[]> } | null = null
  return {
    living: nowMs => {
      const window = Math.floor(nowMs / 1000 / nonceWindowSeconds)
      if (known?.window !== window) known = { window, living: livingIn(imported, window) }
      return known.living
    },
  }
}

async function livingIn(imported: Promise<CryptoKey>, window: number): Promise<readonly LivingNonce[]> {
  const key = await imported
  return Promise.all(
    [window, window - 1].map(async each => ({
      nonce: await nonceOf(key, each),
      expiresAtMs: (each + 2) * nonceWindowSeconds * 1000,
    })),
  )
}

async function nonceOf(key: CryptoKey, window: number): Promise<string> {
  const text = new TextEncoder().encode(`dpop nonce ${window}`)
  return encodeBase64Url(new Uint8Array(await globalThis.crypto.subtle.sign('HMAC', key, text)))
}

function importKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return globalThis.crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
}
