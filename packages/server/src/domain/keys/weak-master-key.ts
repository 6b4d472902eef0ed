/**
 * Tells a master key that was drawn at random from one that was typed. Every rule refuses a truly random key less than
 * once in 10^9 draws; what passes may still be guessable, so this is a net under mistakes, not a measure of strength.
 */

import { type MasterKey, type MasterKeys, masterKeyBytes } from './master-keys.ts'

const distinctBytesMin = 16
const periodBytesMax = 16

/** A sentence that says what to change, without the key; null when nothing speaks against the keys. */
export function judgeMasterKeys(keys: MasterKeys): string | null {
  for (const key of keys.all) {
    const fault = faultOf(key.secret)
    if (fault !== null) return `Master key ${key.id} ${fault}. Replace it with 32 random bytes.`
  }
  const twins = sameSecretTwice(keys.all)
  return twins === null ? null : `Master keys ${twins.join(' and ')} are the same key. Remove one of them.`
}

function faultOf(secret: Uint8Array): string | null {
  if (secret.length < masterKeyBytes) return `has fewer than ${masterKeyBytes} bytes`
  if (secret.every(byte => byte === secret[0])) return 'is one byte over and over'
  if (repeats(secret)) return 'is a short pattern over and over'
  if (new Set(secret).size < distinctBytesMin) return 'has too few different bytes to be random'
  if (secret.every(byte => byte >= 0x20 && byte <= 0x7e)) return 'is text, not random bytes'
  if (readsLikeWords(secret)) return 'reads like words in base64url, not like random bytes'
  if (countsUp(secret) || countsUp(sextetsOf(secret))) return 'counts up or down in equal steps'
  return null
}

function repeats(secret: Uint8Array): boolean {
  for (let period = 2; period <= periodBytesMax; period++) {
    if (secret.every((byte, at) => byte === secret[at % period])) return true
  }
  return false
}

/** Someone typed 43 characters that happen to decode: random ones hold capitals or digits but once in 10^15 draws. */
function readsLikeWords(secret: Uint8Array): boolean {
  const text = Buffer.from(secret).toString('base64url')
  return /^[a-z_-]+.?$/.test(text) || /^[A-Z_-]+.?$/.test(text) || /^[0-9_-]+.?$/.test(text)
}

function countsUp(values: Uint8Array): boolean {
  const step = stepAt(values, 1)
  for (let at = 2; at < values.length; at++) if (stepAt(values, at) !== step) return false
  return true
}

function stepAt(values: Uint8Array, at: number): number {
  return (values[at] ?? 0) - (values[at - 1] ?? 0)
}

/** The key as its base64url characters count, without the last one, which holds fewer bits. */
function sextetsOf(secret: Uint8Array): Uint8Array {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const text = Buffer.from(secret).toString('base64url')
  return Uint8Array.from(text.slice(0, -1), character => alphabet.indexOf(character))
}

function sameSecretTwice(all: readonly MasterKey[]): readonly [number, number] | null {
  const seen = new Map<string, number>()
  for (const { id, secret } of all) {
    const text = Buffer.from(secret).toString('latin1')
    const twin = seen.get(text)
    if (twin !== undefined) return [twin, id]
    seen.set(text, id)
  }
  return null
}
