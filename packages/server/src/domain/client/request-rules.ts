/** How a client asks for an authorization, and how it is answered (RFC 9126, RFC 9101, JARM, RFC 9396). */

import type { ClientSignatureAlgorithm } from './client-key.ts'
import type { SigningAlgorithm } from './signing-algorithm.ts'
import type { Encryption } from './token-rules.ts'

/** What a request object may be signed with. MACs and `none` prove nothing to us (RFC 9101 §10.1). */
export const requestObjectAlgorithms = [
  'ES256',
  'PS256',
  'EdDSA',
  'Ed25519',
  'RS256',
] as const satisfies readonly ClientSignatureAlgorithm[]
export type RequestObjectAlgorithm = (typeof requestObjectAlgorithms)[number]

export interface RequestRules {
  /** Only what it pushed is answered (RFC 9126 §6). */
  readonly requirePushed: boolean
  /** Only what it signed is answered (RFC 9101 §10.5). */
  readonly requireSigned: boolean
  /** The one algorithm of its request objects; null: any of ours that fits its key. */
  readonly objectAlgorithm: RequestObjectAlgorithm | null
  /** What answers as a JWT are signed with (JARM §3). */
  readonly responseAlgorithm: SigningAlgorithm
  /** Null: they are signed only. */
  readonly responseEncryption: Encryption | null
  /** The types of authorization details it may ask for (RFC 9396 §10). */
  readonly authorizationDetailsTypes: readonly string[]
  /** How long ago a sign-in may be where a request does not say (OIDC Registration §2); null: any time. */
  readonly defaultMaxAgeSeconds: number | null
  /** What level it wishes for where a request does not say, the dearest first. */
  readonly defaultAcrValues: readonly string[]
}

export const ordinaryRequests: RequestRules = {
  requirePushed: false,
  requireSigned: false,
  objectAlgorithm: null,
  responseAlgorithm: 'ES256',
  responseEncryption: null,
  authorizationDetailsTypes: [],
  defaultMaxAgeSeconds: null,
  defaultAcrValues: [],
}
