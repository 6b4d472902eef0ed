/** How a guard is set up, and what is refused at once because it could never be safe. */

import { type DpopAlgorithm, dpopAlgorithms } from '@pawl/protocol'
import { judgeAlgorithms, type SignatureAlgorithm, usualAlgorithms } from './algorithms.ts'
import { isSafeUrl } from './bounded-fetch.ts'
import type { ApiCredentials } from './credentials.ts'
import { GuardMisconfigured } from './fault.ts'
import { clockSkewSecondsMax, clockSkewSecondsUsual } from './tokens/access-token-claims.ts'
import type { Report } from './report.ts'
import { type DpopNonces, keyedNonces, noNonces } from './tokens/dpop-nonces.ts'
import { activeKeptSecondsMax } from './tokens/introspection.ts'
import { memoryMarks, type ProofMarks } from './tokens/proof-marks.ts'
import { machineWorld, type World } from './world.ts'

export interface GuardOptions {
  /** Of the authorization server, to the letter: everything else of it is found from there (RFC 8414). */
  readonly issuer: string
  /** Who this API is in `aud`; a token for any of them is for us. */
  readonly audience: string | readonly string[]
  /** Where clients call this API: what `htu` of a DPoP proof must begin with. Those of the audiences that are URLs, unless named. */
  readonly origins?: readonly string[]
  /** `ES256 EdDSA Ed25519 PS256 RS256` unless named. */
  readonly algorithms?: readonly SignatureAlgorithm[]
  /** Who this API is at the server: for `introspect`, and to follow the feed. */
  readonly credentials?: ApiCredentials
  /** How the guard learns of revocations between the signing of a token and its end. `nothing` unless named. */
  readonly follow?: 'feed' | 'status-lists' | 'nothing'
  /** A feed or list that is away for longer closes the API with 503. 600: as long as tokens of Pawl live, unless told otherwise. */
  readonly failClosedAfterSeconds?: number
  /** Which tokens the server is asked about: those that are no JWT (`opaque`, with credentials the default), `every` one, or `none`. */
  readonly introspect?: 'opaque' | 'every' | 'none'
  /** So long an active answer is taken again. 0: the server is asked for each request. */
  readonly introspectionSeconds?: number
  /** The answers are JWTs (RFC 9701); this API must be registered for it. */
  readonly signedIntrospection?: boolean
  readonly clockSkewSeconds?: number
  /** Bearer tokens are refused. */
  readonly boundTokensOnly?: boolean
  /** Asks for nonces in DPoP proofs; 32 random bytes that all processes of this API share. */
  readonly dpopNonceKey?: Uint8Array<ArrayBuffer>
  /** Where several processes remember used proofs together. In the memory of this one, unless given. */
  readonly proofMarks?: ProofMarks
  /** Where `protectedResource` answers (RFC 9728); callers are pointed there. */
  readonly resourceMetadata?: string
  /** The keys of the server, where it has no metadata. */
  readonly jwksUri?: string
  /** Hears when something of the server's is lost, and when it is back: for the log. */
  readonly report?: Report
  readonly world?: World
}

export interface GuardSettings {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly origins: readonly string[]
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly dpopAlgorithms: readonly DpopAlgorithm[]
  readonly credentials: ApiCredentials | null
  readonly follow: 'feed' | 'status-lists' | 'nothing'
  readonly failClosedAfterSeconds: number
  readonly introspect: 'opaque' | 'every' | 'none'
  readonly introspectionSeconds: number
  readonly isIntrospectionSigned: boolean
  readonly clockSkewSeconds: number
  readonly boundTokensOnly: boolean
  readonly nonces: DpopNonces
  readonly marks: ProofMarks
  readonly resourceMetadata: string | null
  readonly jwksUri: string | null
  readonly report: Report
  readonly world: World
}

/** The life of an access token of Pawl where nobody chose another: without the feed a revoked one would last as long. */
export const failClosedAfterSecondsUsual = 600

/** Throws `GuardMisconfigured` with a sentence that says what to change. */
export function settingsOf(options: GuardOptions): GuardSettings {
  const { issuer, credentials = null, world = machineWorld, resourceMetadata = null, jwksUri = null } = options
  const audiences = [options.audience].flat()
  if (audiences.length === 0 || audiences.includes('')) throw new GuardMisconfigured('audience: name one at least')
  judgeUrl('issuer', issuer)
  if (resourceMetadata !== null) judgeUrl('resourceMetadata', resourceMetadata)
  if (jwksUri !== null) judgeUrl('jwksUri', jwksUri)
  const { follow = 'nothing', introspect = credentials === null ? 'none' : 'opaque' } = options
  if (credentials === null && follow === 'feed') throw new GuardMisconfigured("follow: 'feed' needs credentials")
  if (credentials === null && introspect !== 'none') throw new GuardMisconfigured('introspect: it needs credentials')
  return {
    issuer,
    audiences,
    origins: originsOf(options.origins ?? audiences.filter(each => URL.canParse(each)), options.origins !== undefined),
    algorithms: judgeAlgorithms(options.algorithms ?? usualAlgorithms),
    dpopAlgorithms,
    credentials,
    follow,
    failClosedAfterSeconds: within(
      'failClosedAfterSeconds',
      options.failClosedAfterSeconds ?? failClosedAfterSecondsUsual,
      86_400,
    ),
    introspect,
    introspectionSeconds: within('introspectionSeconds', options.introspectionSeconds ?? 0, activeKeptSecondsMax),
    isIntrospectionSigned: options.signedIntrospection ?? false,
    clockSkewSeconds: within(
      'clockSkewSeconds',
      options.clockSkewSeconds ?? clockSkewSecondsUsual,
      clockSkewSecondsMax,
    ),
    boundTokensOnly: options.boundTokensOnly ?? false,
    nonces: options.dpopNonceKey === undefined ? noNonces : keyedNonces(options.dpopNonceKey),
    marks: options.proofMarks ?? memoryMarks(world.nowMs),
    resourceMetadata,
    jwksUri,
    report: options.report ?? (() => undefined),
    world,
  }
}

function judgeUrl(name: string, url: string): void {
  if (!isSafeUrl(url)) throw new GuardMisconfigured(`${name}: ${url} is neither https nor on this machine`)
}

/** An audience may be a URN, which has none; an origin that somebody wrote must be one. */
function originsOf(urls: readonly string[], areNamed: boolean): readonly string[] {
  const origins = urls.filter(url => URL.canParse(url)).map(url => new URL(url).origin)
  const known = [...new Set(origins.filter(origin => origin !== 'null'))]
  if (areNamed && (known.length === 0 || urls.some(url => !known.includes(url)))) {
    throw new GuardMisconfigured('origins: an origin is written like https://api.example, without a path')
  }
  return known
}

function within(name: string, seconds: number, secondsMax: number): number {
  if (seconds >= 0 && seconds <= secondsMax) return seconds
  throw new GuardMisconfigured(`${name}: it is a number from 0 to ${secondsMax}`)
}
