/**
 * Tokens that the server alone can read, asked for there (RFC 7662, RFC 9701). What is kept is the server's answer, never
 * a judgement: audience, scope, time and binding are held against it anew with every request, and no two guards share a
 * cache. Without a cache, the answer was asked for after the request came: what was revoked before is refused.
 */

import { objectOf, isObject } from '../bounded-fetch.ts'
import type { AskServer } from '../ask-server.ts'
import { ServerUnavailable } from '../fault.ts'
import type { IssuerJwts } from '../keys/issuer-jwt.ts'
import type { Claims } from '../verdict.ts'
import type { World } from '../world.ts'
import { sha256 } from './sha256.ts'

/** Answers that are kept, of either kind. The one kept longest makes room. */
export const introspectionsKeptMax = 10_000
/** Tokens that are asked about at one time; beyond it requests are put off. */
export const introspectionsAtOnceMax = 1024
/** A token that was not good is not asked about again for so long. */
export const inactiveKeptSeconds = 10
/** A good one is not asked about again for at most so long, where the operator wants that at all. */
export const activeKeptSecondsMax = 300
const answerBytesMax = 262_144

export interface Introspection {
  /** Null: it is not active, or not for this API. */
  readonly claims: Claims | null
  /** When the server was asked. */
  readonly askedAtMs: number
}

export interface IntrospectionParts {
  readonly world: World
  readonly issuer: string
  readonly endpoint: () => Promise<string>
  readonly server: AskServer
  readonly activeKeptSeconds: number
  /** The answers come signed to this client (RFC 9701); null: as JSON. */
  readonly signedFor: { readonly clientId: string; readonly jwts: IssuerJwts } | null
}

/** Rejects with `ServerUnavailable` where there is no answer. */
export type Introspect = (token: string) => Promise<Introspection>

interface Asking {
  readonly current: Promise<Introspection>
  /** For those who came after it was asked. */
  next: Promise<Introspection> | null
}

export function introspections(parts: IntrospectionParts): Introspect {
  const { world, activeKeptSeconds } = parts
  const kept = new Map<string, Introspection>()
  const asking = new Map<string, Asking>()

  function keptOne(key: string): Introspection | null {
    const known = kept.get(key)
    if (known === undefined) return null
    const seconds = known.claims === null ? inactiveKeptSeconds : activeKeptSeconds
    const ageMs = world.nowMs() - known.askedAtMs
    if (ageMs >= 0 && ageMs < seconds * 1000) return known
    kept.delete(key)
    return null
  }

  function keep(key: string, answer: Introspection): void {
    if (answer.claims !== null && activeKeptSeconds === 0) return
    const [oldest] = kept.keys()
    if (kept.size >= introspectionsKeptMax && oldest !== undefined) kept.delete(oldest)
    kept.set(key, answer)
  }

  async function begin(key: string, token: string): Promise<Introspection> {
    if (asking.size >= introspectionsAtOnceMax) throw new ServerUnavailable('too many tokens are asked about at once')
    const current = ask(parts, token)
    const mine: Asking = { current, next: null }
    asking.set(key, mine)
    try {
      const answer = await current
      keep(key, answer)
      return answer
    } finally {
      asking.delete(key)
    }
  }

  return async token => {
    const key = await sha256(token)
    const known = keptOne(key)
    if (known !== null) return known
    const running = asking.get(key)
    if (running === undefined) return begin(key, token)
    if (activeKeptSeconds > 0) return running.current
    running.next ??= running.current.then(
      () => keptOne(key) ?? begin(key, token),
      () => begin(key, token),
    )
    return running.next
  }
}

async function ask(parts: IntrospectionParts, token: string): Promise<Introspection> {
  const { world, server, signedFor } = parts
  const askedAtMs = world.nowMs()
  const accept = signedFor === null ? 'application/json' : 'application/token-introspection+jwt'
  const asked = { url: await parts.endpoint(), accept, bytesMax: answerBytesMax }
  const text = await server.post({ token, token_type_hint: 'access_token' }, asked)
  const answer = signedFor === null ? objectOf(text) : await signedAnswer(parts, signedFor, text)
  if (answer === null || typeof answer['active'] !== 'boolean') {
    throw new ServerUnavailable('the answer to introspection says nothing')
  }
  return { claims: answer['active'] ? answer : null, askedAtMs }
}

/** RFC 9701 §5: for this very API, by the server, and of a type that nothing else has. */
async function signedAnswer(
  { issuer }: IntrospectionParts,
  { clientId, jwts }: NonNullable<IntrospectionParts['signedFor']>,
  text: string,
): Promise<Claims | null> {
  const claims = await jwts.read(text, 'token-introspection+jwt')
  if (typeof claims === 'string') throw new ServerUnavailable(`the answer to introspection is refused: ${claims}`)
  if (claims['iss'] !== issuer || claims['aud'] !== clientId) {
    throw new ServerUnavailable('the answer to introspection is for somebody else')
  }
  const answer = claims['token_introspection']
  return isObject(answer) ? answer : null
}
