/** The parts every endpoint of the protocol works with. `pawl.ts` builds them once; nothing here is made twice. */

import type { Background } from '../domain/background.ts'
import type { PresentedCertificate } from '../domain/certificate/presented-certificate.ts'
import type { ClientDocuments } from '../domain/client/client-documents.ts'
import type { ClientKeys } from '../domain/client/client-keys.ts'
import type { DpopNonces } from '../domain/dpop/dpop-nonces.ts'
import type { DpopProofs } from '../domain/dpop/dpop-proofs.ts'
import type { Entropy } from '../domain/entropy.ts'
import type { Caller } from '../domain/event/new-event.ts'
import type { StepFamily } from '../domain/family/step.ts'
import type { KeyedHasher } from '../domain/keys/keyed-hash.ts'
import type { RequestDecryption } from '../domain/keys/request-decryption.ts'
import type { Sealer } from '../domain/keys/seal.ts'
import type { SigningKeys } from '../domain/keys/signing-keys.ts'
import type { Outbound } from '../domain/outbound/outbound.ts'
import type { Courier } from '../domain/outbox/courier.ts'
import type { RegistrationRules } from '../domain/registration/registration-rules.ts'
import type { Mailer } from '../domain/mail/mail.ts'
import type { FeedCursors } from '../domain/revocation/feed-cursor.ts'
import type { ReaderSeats } from '../domain/revocation/reader-seats.ts'
import type { RevocationFeed } from '../domain/revocation/revocation-feed.ts'
import type { StatusLists } from '../domain/status/status-lists.ts'
import type { Store } from '../domain/store.ts'
import type { ClaimsHook } from '../domain/token/claims-hook.ts'
import type { TokenCodec } from '../domain/token/codec.ts'
import type { FamilyHandle } from '../domain/token/family-handle.ts'
import type { OpaqueAccessTokens } from '../domain/token/opaque-access-token.ts'
import type { Subjects } from '../domain/token/subjects.ts'
import type { FamilyRate } from '../domain/throttle/family-rate.ts'
import type { ChangeEnding } from '../domain/user/ends.ts'
import type { PasswordHasher } from '../domain/user/password.ts'
import type { SignInLimits } from '../domain/user/sign-in-limits.ts'
import type { UpstreamProviders } from './upstream/provider.ts'

export interface AuthorizationServer {
  /** Without a trailing slash. The only source of every link and of `iss`. */
  readonly issuer: string
  readonly store: Store
  readonly entropy: Entropy
  readonly stepFamily: StepFamily
  readonly familyRate: FamilyRate
  readonly codec: TokenCodec
  /** The master key that tags new tokens. */
  readonly currentKeyId: number
  readonly hasher: KeyedHasher
  readonly sealer: Sealer
  readonly handles: FamilyHandle
  readonly opaqueAccessTokens: OpaqueAccessTokens
  /** Under which name a client knows a user. */
  readonly subjects: Subjects
  /** Null where none are published. */
  readonly statusLists: StatusLists | null
  /** What has been revoked, for those who check tokens by themselves. */
  readonly revocations: { readonly feed: RevocationFeed; readonly cursors: FeedCursors; readonly seats: ReaderSeats }
  /** The operator's own say in tokens; null where there is none. */
  readonly claimsHook: ClaimsHook | null
  readonly signingKeys: SigningKeys
  readonly firstKeyPublishSeconds: number
  readonly requestDecryption: RequestDecryption
  readonly dpop: { readonly proofs: DpopProofs; readonly nonces: DpopNonces }
  /** Every URL an endpoint is known by: below the issuer, and below the name for client certificates if there is one. */
  readonly urlsOf: (path: string) => readonly string[]
  /** How clients show certificates, or null where they cannot; the URL where that is not the issuer (RFC 8705 §5). */
  readonly clientCertificates: { readonly url: string | null } | null
  readonly passwords: PasswordHasher
  readonly background: Background
  /** The only way to anybody outside. */
  readonly outbound: Outbound
  /** The public keys of clients, registered or published. */
  readonly clientKeys: ClientKeys
  /** The documents that clients publish about themselves. */
  readonly clientDocuments: ClientDocuments
  /** Other OpenID providers at which people may sign in. */
  readonly upstreamProviders: UpstreamProviders
  /** Tells others, in the background. */
  readonly courier: Courier
  readonly rules: ServerRules
  readonly signInLimits: SignInLimits
  /** Null where this server sends no mail. */
  readonly mailer: Mailer | null
}

/** What the operator may set for all clients at once. */
export interface ServerRules extends RegistrationRules {
  readonly codeSeconds: number
  readonly deviceCodeSeconds: number
  readonly deviceIntervalSeconds: number
  readonly branchesPerGrantMax: number
  /** Every DPoP proof must carry a nonce of ours (RFC 9449 §8). */
  readonly dpopNonces: boolean
  readonly sessionSeconds: number
  /** How often a bare predecessor is answered again before the client is asked to slow down. */
  readonly repeatsMax: number
  readonly grantsPerUserAndClientMax: number
  /** What ends when people change how they sign in. */
  readonly passwordChangeEnds: ChangeEnding
  /** Whoever reads mail at an address may have an account for it. */
  readonly signUp: boolean
  /** Of every client, whatever it is registered for (RFC 9126 §5, RFC 9101 §10.5). */
  readonly requirePushedRequests: boolean
  readonly requireSignedRequests: boolean
  /** Whether a client may ask for tokens for a resource that nobody registered (RFC 8707 §2). */
  readonly resources: 'registered' | 'any'
}

/** One request to an endpoint that speaks OAuth, after HTTP has been taken off it. */
export interface ProtocolRequest {
  /** Upper case. */
  readonly method: string
  /** Of the endpoint, below the issuer. */
  readonly path: string
  readonly parameters: Parameters
  /** The Authorization header as sent. */
  readonly authorization: string | undefined
  /** The DPoP header as sent; two of them are joined by a comma, which is in no proof (RFC 9449 §4.3). */
  readonly dpop: string | undefined
  readonly certificate: PresentedCertificate | null
  /** What vouches for this instance of a client; null where no such header was sent. */
  readonly attestation: ShownAttestation | null
  /** The retry key, without quotes, or null. */
  readonly retryKey: string | null
  readonly caller: Caller
}

/** The headers `OAuth-Client-Attestation` and `OAuth-Client-Attestation-PoP` as sent; a missing one is empty. */
export interface ShownAttestation {
  readonly attestation: string
  readonly proof: string
}

/** What was sent, each name once but for those that may repeat. A name sent empty is there, and empty. */
export interface Parameters {
  readonly get: (name: string) => string | undefined
  readonly all: (name: string) => readonly string[]
  readonly has: (name: string) => boolean
}

/** The value, or undefined when it is missing or empty (RFC 6749 §3.1: empty is as if omitted). */
export function valueOf(parameters: Parameters, name: string): string | undefined {
  const value = parameters.get(name)
  return value === '' ? undefined : value
}

/** The URLs of each path below these bases, made once: paths are our own, so there are as many as endpoints. */
export function endpointUrls(bases: readonly string[]): AuthorizationServer['urlsOf'] {
  const known = new Map<string, readonly string[]>()
  return path => {
    const urls = known.get(path) ?? bases.map(base => base + path)
    known.set(path, urls)
    return urls
  }
}
