/** A client as a store keeps it: one JSON document, which an earlier version of this program may have written. */

import { noClientAbout } from './client-about.ts'
import type { Client, SecretHash } from './client.ts'
import { noLogoutChannels } from './logout-channels.ts'
import { ordinaryRequests } from './request-rules.ts'
import { ordinaryTokens } from './token-rules.ts'

/** What a document means that was written before these were there: nothing that they turn on. */
const before = {
  profile: null,
  authAlgorithm: null,
  jwks: [],
  jwksUri: null,
  certificateName: null,
  attesterJwks: [],
  exchange: 'none',
  requests: ordinaryRequests,
  dpopBoundAccessTokens: false,
  tlsClientCertificateBoundAccessTokens: false,
  about: noClientAbout,
  tokens: ordinaryTokens,
  logout: noLogoutChannels,
  minimumAcr: null,
  maxAuthAgeSeconds: null,
  source: null,
} as const satisfies Partial<Client>

/** What every document has held since the first. */
type Ever = Omit<Client, keyof typeof before | 'secretHashes'> & {
  readonly secretHashes: readonly (Omit<SecretHash, 'sealed'> & Partial<SecretHash>)[]
}

export function writeKeptClient(client: Client): string {
  return JSON.stringify(client)
}

/** Of a document that `writeKeptClient` of this version or an earlier one made. */
export function readKeptClient(document: string): Client {
  const kept = JSON.parse(document) as Ever & Partial<typeof before>
  return { ...before, ...kept, secretHashes: kept.secretHashes.map(secret => ({ sealed: null, ...secret })) }
}
