/** Signing keys as the store keeps them: the private part sealed, the life of each key in three instants. */

import type { SigningAlgorithm } from '../client/signing-algorithm.ts'
import type { AuditEvent } from '../event/event.ts'

export interface StoredSigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  /** AES-256-GCM over the PKCS #8 DER, bound to the kid. */
  readonly sealedPrivateKey: Uint8Array
  /** The public JWK as JSON text. */
  readonly publicJwk: string
  readonly createdAtMs: number
  /** From when it signs: published well before that, so that no verifier meets an unknown kid. */
  readonly signsFromMs: number
  /** Until when it verifies: null while it signs or will sign. */
  readonly verifiesUntilMs: number | null
}

export interface SigningKeyStore {
  list(): Promise<readonly StoredSigningKey[]>
  /** Keeps the same private key in another seal. Durable before it resolves; nothing else of the key changes. */
  reseal(kid: string, sealedPrivateKey: Uint8Array): Promise<void>
  /** Adds keys and sets when others stop verifying. `moved`: the set changed since it was listed (by count of keys). */
  add(
    keys: readonly StoredSigningKey[],
    retire: readonly { readonly kid: string; readonly verifiesUntilMs: number }[],
    expectedCount: number,
    events: readonly AuditEvent[],
  ): Promise<'done' | 'moved'>
}
