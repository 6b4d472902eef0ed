/** Sealed client secrets: what `client_secret_jwt` is verified with, bound to the client they belong to. */

import type { Sealer } from '../keys/seal.ts'
import type { Client } from './client.ts'

export const clientSecretSealPurpose = 'client secret'

export interface OpenSecret {
  readonly secret: string
  /** Null: no end. */
  readonly expiresAtMs: number | null
}

/** The secrets of a client that can be read back; none where its method keeps hashes alone. */
export function openSecrets(sealer: Sealer, { id, secretHashes }: Client): readonly OpenSecret[] {
  return secretHashes.flatMap(({ sealed, expiresAtMs }) => {
    const secret = sealed === null ? null : sealer.openText(clientSecretSealPurpose, id, sealed)
    return secret === null ? [] : [{ secret, expiresAtMs }]
  })
}

/** The client's secrets sealed anew under the current master key; null where they are. */
export function resealedSecrets(sealer: Sealer, { id, secretHashes }: Client): Client['secretHashes'] | null {
  const isCurrent = secretHashes.every(
    ({ sealed }) => sealed === null || sealer.isUnderCurrentKey(Buffer.from(sealed, 'base64url')),
  )
  if (isCurrent) return null
  return secretHashes.map(each => {
    const secret = each.sealed === null ? null : sealer.openText(clientSecretSealPurpose, id, each.sealed)
    return secret === null ? each : { ...each, sealed: sealer.sealText(clientSecretSealPurpose, id, secret) }
  })
}
