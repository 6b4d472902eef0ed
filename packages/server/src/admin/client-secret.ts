/** What is kept of a client's secret: a keyed hash, and the sealed secret itself only where its method cannot do without. */

import { type AuthMethod, type Client, type SecretHash, usesSecret } from '../domain/client/client.ts'
import { clientSecretSealPurpose } from '../domain/client/client-secret.ts'
import type { Workbench } from './workbench.ts'

export interface NewClientSecret {
  /** For its owner's eyes, once. */
  readonly secret: string
  readonly kept: SecretHash
}

/** A fresh secret for the client, without an end. */
export function newClientSecret(
  { hasher, sealer }: Pick<Workbench, 'hasher' | 'sealer'>,
  { id, authMethod }: Pick<Client, 'id' | 'authMethod'>,
): NewClientSecret {
  const { secret, hash } = hasher.newSecret('client_secret')
  const sealed = authMethod === 'client_secret_jwt' ? sealer.sealText(clientSecretSealPurpose, id, secret) : null
  return { secret, kept: { hash, expiresAtMs: null, sealed } }
}

/** The secrets that go on when a client's method changes: no more is kept of them than the new method needs. */
export function secretsFor(authMethod: AuthMethod, secretHashes: readonly SecretHash[]): readonly SecretHash[] {
  if (!usesSecret(authMethod)) return []
  if (authMethod === 'client_secret_jwt') return secretHashes.filter(({ sealed }) => sealed !== null)
  return secretHashes.map(each => ({ ...each, sealed: null }))
}
