/**
 * One-time codes by time (RFC 6238), as authenticator applications make them: six digits, thirty seconds, SHA-1. The
 * hash is the one that all of them know; HMAC stands on none of the properties that SHA-1 has lost.
 */

import type { Subject } from '@pawl/family'
import { Secret, TOTP } from 'otpauth'
import type { Entropy } from '../entropy.ts'
import type { Sealer } from '../keys/seal.ts'

/** As long as the hash (RFC 4226 §4 R6). */
const keyBytes = 20
const digits = 6
const stepSeconds = 30
/** A code before or after its time is taken too: that much may two clocks differ (RFC 6238 §5.2). */
const driftSteps = 1

export const codePattern = /^\d{6}$/

export function newTotpKey(entropy: Entropy): Uint8Array {
  return entropy.bytes(keyBytes)
}

/** The key as people type it where they cannot take its picture. */
export function totpKeyText(key: Uint8Array): string {
  return secretOf(key).base32
}

/** What the picture says: `otpauth://totp/…` */
export function totpUri(key: Uint8Array, about: { readonly issuer: string; readonly account: string }): string {
  return new TOTP({ ...shape, issuer: about.issuer, label: about.account, secret: secretOf(key) }).toString()
}

/** The step a code belongs to, now or one beside it; null where it belongs to none. */
export function stepOfCode(key: Uint8Array, code: string, nowMs: number): number | null {
  const delta = TOTP.validate({ ...shape, token: code, secret: secretOf(key), timestamp: nowMs, window: driftSteps })
  return delta === null ? null : TOTP.counter({ period: stepSeconds, timestamp: nowMs }) + delta
}

export function sealTotpKey(sealer: Sealer, subject: Subject, key: Uint8Array): Uint8Array {
  return sealer.seal(purpose, subject, key)
}

/** Null where the master key that sealed it is gone. */
export function openTotpKey(sealer: Sealer, subject: Subject, sealed: Uint8Array): Uint8Array | null {
  return sealer.open(purpose, subject, sealed)
}

const purpose = 'totp'
const shape = { algorithm: 'SHA1', digits, period: stepSeconds }

function secretOf(key: Uint8Array): Secret {
  // A copy: a buffer that is a view of another would bring all of that one along.
  return new Secret({ buffer: Uint8Array.from(key).buffer })
}
