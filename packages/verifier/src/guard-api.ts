/**
 * The guard of an API: one function that says of a request who calls and what they may, or why not. It is the only place
 * that knows every check and their order: whether the token is good, whether it is still good, whether the caller holds it,
 * and only then whether it is enough.
 */

import { type GuardParts, guardParts } from './guard-parts.ts'
import { type GuardOptions, type GuardSettings, settingsOf } from './guard-options.ts'
import { type Fault, fault, isFault, ServerUnavailable } from './fault.ts'
import { isCompact } from './keys/issuer-jwt.ts'
import type { RevocationHealth } from './revocation/revocation-source.ts'
import { type AccessTokenClaims, readAccessTokenClaims } from './tokens/access-token-claims.ts'
import { refusalOf } from './tokens/challenge.ts'
import { proveHolder } from './tokens/holder.ts'
import { type Presented, readCredential, schemeIn } from './tokens/presented.ts'
import { judgeRequirement, type Requirement } from './tokens/requirement.ts'
import type { Access, Refusal, Verdict } from './verdict.ts'

export interface ApiGuard {
  /**
   * Access or a refusal; never rejects for anything that a caller sent or the server did not answer.
   * Rejects with what a bug, or a port of yours, throws.
   */
  readonly verify: (request: Request | Presented, requirement?: Requirement) => Promise<Verdict>
  /**
   * Fetches what the first request would wait for, and begins to follow: for a start, or a readiness probe. Rejects with
   * a sentence where it cannot be had yet; ask again.
   */
  readonly ready: () => Promise<void>
  readonly health: () => GuardHealth
  /** The protected resource metadata of this API (RFC 9728), for `answerProtectedResource`. */
  readonly settings: Pick<
    GuardSettings,
    'issuer' | 'audiences' | 'algorithms' | 'dpopAlgorithms' | 'boundTokensOnly' | 'resourceMetadata'
  >
  /** Ends what waits at the server. */
  readonly close: () => Promise<void>
}

export interface GuardHealth {
  readonly keys: { readonly ageMs: number | null; readonly failure: string | null }
  readonly revocations: RevocationHealth
}

/** Throws `GuardMisconfigured` for settings that are not safe. Nothing is asked of anybody before the first request. */
export function guardApi(options: GuardOptions): ApiGuard {
  const settings = settingsOf(options)
  const parts = guardParts(settings)
  const { world } = settings

  async function judge(presented: Presented, requirement: Requirement): Promise<Access | Fault> {
    const credential = readCredential(presented)
    if (isFault(credential)) return credential
    const nowMs = world.nowMs()
    const token = await readToken(settings, parts, credential.token)
    if (isFault(token)) return token
    const word = await wordOn(settings, parts, token)
    if (word.revoked !== null) return fault('invalid_token', word.revoked)
    const holder = await proveHolder(
      { ...parts, settings },
      { presented, credential, confirmation: token.claims.confirmation },
    )
    if ('code' in holder) return holder
    // Last: whoever does not hold the token is not told what it is good for.
    const lacking = judgeRequirement(requirement, token.claims, nowMs)
    return lacking ?? accessOf(token.claims, word.staleMs, holder.binding)
  }

  return {
    settings,
    verify: async (request, requirement = {}) => {
      const presented = presentedBy(request)
      const judged = await putOff(() => judge(presented, requirement))
      return 'granted' in judged ? judged : refused(settings, presented, requirement, judged)
    },
    ready: async () => {
      await Promise.all([parts.keys.ready(), parts.revocations.ready()])
    },
    health: () => ({
      keys: { ageMs: parts.keys.ageMs(), failure: parts.keys.failure() },
      revocations: parts.revocations.health(),
    }),
    close: parts.revocations.close,
  }
}

/** What a token says that is good by itself: genuine, of our server, for us, and not over. */
async function readToken(settings: GuardSettings, parts: GuardParts, text: string): Promise<TokenRead | Fault> {
  const { issuer, audiences, clockSkewSeconds, world, introspect } = settings
  const expected = { issuer, audiences, clockSkewSeconds, nowMs: world.nowMs() }
  if (parts.introspect !== null && (introspect === 'every' || !isCompact(text))) {
    const { claims, askedAtMs } = await parts.introspect(text)
    if (claims === null) return fault('invalid_token', 'the server says that it is not active')
    return tokenRead(readAccessTokenClaims(claims, { ...expected, source: 'introspection' }), askedAtMs)
  }
  const claims = await parts.jwts.read(text, 'at+jwt')
  if (typeof claims === 'string') return fault('invalid_token', claims)
  return tokenRead(readAccessTokenClaims(claims, { ...expected, source: 'jwt' }), null)
}

/** Whether it was revoked. Where the server was asked about this very token, nobody else need be. */
function wordOn({ world }: GuardSettings, { revocations }: GuardParts, { claims, askedAtMs }: TokenRead) {
  if (askedAtMs === null) return revocations.judge(claims.claims)
  return { revoked: null, staleMs: Math.max(0, world.nowMs() - askedAtMs) }
}

interface TokenRead {
  readonly claims: AccessTokenClaims
  /** When the server was asked about it; null where nobody was. */
  readonly askedAtMs: number | null
}

function tokenRead(read: AccessTokenClaims | Fault, askedAtMs: number | null): TokenRead | Fault {
  return isFault(read) ? read : { claims: read, askedAtMs }
}

function accessOf(token: AccessTokenClaims, staleMs: number, binding: Access['binding']): Access {
  const { subject, clientId, scopes, expiresAtMs, claims } = token
  return { granted: true, subject, clientId, scopes, expiresAtMs, binding, staleMs, claims }
}

/** What could not be judged is put off, not refused: the token may be as good as ever. */
async function putOff(judging: () => Promise<Access | Fault>): Promise<Access | Fault> {
  try {
    return await judging()
  } catch (error) {
    if (error instanceof ServerUnavailable) return fault('temporarily_unavailable', error.message)
    throw error
  }
}

async function refused(
  settings: GuardSettings,
  presented: Presented,
  requirement: Requirement,
  found: Fault,
): Promise<Refusal> {
  const { resourceMetadata, boundTokensOnly, dpopAlgorithms, nonces, world } = settings
  const isDpop = presented.dpop !== null || found.code === 'use_dpop_nonce'
  const [living] = isDpop ? await nonces.living(world.nowMs()) : []
  const scheme = found.scheme ?? schemeIn(presented.authorization)
  const nonce = living?.nonce ?? null
  return refusalOf(found, { scheme, requirement, resourceMetadata, isDpopOnly: boundTokensOnly, dpopAlgorithms, nonce })
}

function presentedBy(request: Request | Presented): Presented {
  if (!('headers' in request)) return request
  const { method, url, headers } = request
  return { method, url, authorization: headers.get('authorization'), dpop: headers.get('dpop') }
}
