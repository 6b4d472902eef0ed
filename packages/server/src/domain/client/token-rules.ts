/**
 * What the tokens and answers of a client look like (OpenID Connect Dynamic Client Registration 1.0 §2, RFC 9701 §6):
 * in which format, signed with what, encrypted to its key or not, and under which name a user is known to it.
 */

import type { AccessTokenFormat } from '../resource/resource.ts'
import type { SigningAlgorithm } from './signing-algorithm.ts'

/** How a content key reaches the client (RFC 7518 §4). PKCS #1 v1.5 is not among them: its padding is an oracle. */
export const encryptionAlgorithms = ['RSA-OAEP-256', 'RSA-OAEP', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'] as const
export type EncryptionAlgorithm = (typeof encryptionAlgorithms)[number]

/** RFC 7518 §5. The first is what counts where a client names none (OIDC Registration §2). */
export const contentAlgorithms = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'] as const
export type ContentAlgorithm = (typeof contentAlgorithms)[number]

export interface Encryption {
  readonly algorithm: EncryptionAlgorithm
  readonly content: ContentAlgorithm
}

/** An answer is plain JSON where it is neither signed nor encrypted. */
export interface Dress {
  readonly signed: SigningAlgorithm | null
  readonly encrypted: Encryption | null
}

/** OIDC Core §8. */
export const subjectTypes = ['public', 'pairwise'] as const
export type SubjectType = (typeof subjectTypes)[number]

export interface TokenRules {
  /** Of access tokens whose resource does not say. */
  readonly accessTokenFormat: AccessTokenFormat
  /** Null: ID tokens are signed only. */
  readonly idTokenEncryption: Encryption | null
  readonly userinfo: Dress
  /** Of answers to its introspection requests as a JWT (RFC 9701); not signed: it gets none. */
  readonly introspection: Dress
  readonly subjectType: SubjectType
  /** Where the redirect URIs of everybody in its sector are listed; null: the host of its own is the sector. */
  readonly sectorIdentifierUri: string | null
}

const plain: Dress = { signed: null, encrypted: null }

export const ordinaryTokens: TokenRules = {
  accessTokenFormat: 'jwt',
  idTokenEncryption: null,
  userinfo: plain,
  introspection: plain,
  subjectType: 'public',
  sectorIdentifierUri: null,
}

/** True where something is encrypted to a key of the client. */
export function encryptsAnything({ idTokenEncryption, userinfo, introspection }: TokenRules): boolean {
  return idTokenEncryption !== null || userinfo.encrypted !== null || introspection.encrypted !== null
}
