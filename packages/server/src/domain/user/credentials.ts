/**
 * What a person can show besides the password: a key for one-time codes with its recovery codes, and passkeys. They are
 * kept apart from the user, so that nothing of them is read where nobody asks.
 */

import type { Subject } from '@pawl/family'
import type { AuditEvent } from '../event/event.ts'
import type { Ends } from './ends.ts'

/** A key for one-time codes (RFC 6238). */
export interface Totp {
  readonly subject: Subject
  /** Sealed under its subject. */
  readonly sealedKey: Uint8Array
  /** The step of the last code that was accepted: it and those before are spent (RFC 6238 §5.2). */
  readonly lastStep: number
  readonly createdAtMs: number
}

export interface Passkey {
  /** The credential id, in base64url, as the authenticator chose it. */
  readonly id: string
  readonly subject: Subject
  /** As its owner calls it. */
  readonly name: string
  /** COSE, as WebAuthn §6.5.1 has it. */
  readonly publicKey: Uint8Array
  /** The highest signature count seen; stays 0 with authenticators that do not count (WebAuthn §6.1.1). */
  readonly counter: number
  readonly transports: readonly string[]
  readonly createdAtMs: number
  readonly usedAtMs: number | null
}

export interface Credentials {
  readonly totp: Totp | null
  readonly recoveryCodesLeft: number
  readonly passkeys: readonly Passkey[]
}

/** Whoever has more devices than this removes one first. */
export const passkeysPerUserMax = 20
export const passkeyNameCharactersMax = 60
export const recoveryCodesCount = 10

/** What a change ends, it ends in its own transaction. */
export interface CredentialStore {
  ofUser(subject: Subject): Promise<Credentials>
  /** Takes the place of an earlier key, and its recovery codes that of earlier ones. */
  setTotp(totp: Totp, recoveryHashes: readonly string[], ends: Ends, events: readonly AuditEvent[]): Promise<void>
  /** Spends a code. `moved`: this step or a later one is spent already, or the key is gone. */
  spendTotp(subject: Subject, step: number): Promise<'done' | 'moved'>
  /** Puts the same key under another seal, where nobody has set another one meanwhile. */
  resealTotp(totp: Totp, sealedKey: Uint8Array): Promise<void>
  /** The key goes, and its recovery codes with it. */
  removeTotp(subject: Subject, ends: Ends, events: readonly AuditEvent[]): Promise<void>
  /** In the place of all there were. `moved`: there is no key that they could stand in for. */
  setRecoveryCodes(
    subject: Subject,
    hashes: readonly string[],
    events: readonly AuditEvent[],
  ): Promise<'done' | 'moved'>
  /** Spends the first of `hashes` that is there, for there is one under each master key. `moved`: none is. */
  spendRecoveryCode(
    subject: Subject,
    hashes: readonly string[],
    events: readonly AuditEvent[],
  ): Promise<'done' | 'moved'>
  readPasskey(id: string): Promise<Passkey | null>
  /** `moved`: the id is taken, or the user has `passkeysPerUserMax`. */
  addPasskey(passkey: Passkey, ends: Ends, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** Moves the counter from what was read. `moved`: another use came first, or the passkey is gone. */
  usePasskey(passkey: Passkey, counter: number, usedAtMs: number): Promise<'done' | 'moved'>
  /** `moved`: its owner had none of that id already, and that is as durable. */
  removePasskey(
    passkey: Pick<Passkey, 'id' | 'subject'>,
    ends: Ends,
    events: readonly AuditEvent[],
  ): Promise<'done' | 'moved'>
}
