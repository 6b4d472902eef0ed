/**
 * An authorization server in memory, for the tests of applications: a `fetch` without any socket, policies and faults by
 * name, and the truth for whoever asks. It serves metadata (RFC 8414), an authorization endpoint that approves at once,
 * codes with PKCE (RFC 7636), refresh, revocation (RFC 7009), DPoP (RFC 9449) and an API. It signs nothing in: there are
 * no ID tokens. For a whole server in a test, embed Pawl.
 */

import type { Fetch, TokenAnswer } from '../holder/holder.ts'
import { type FlakyEndpoints, type FlakyState, flakyEndpoints, type SignedInAs } from './flaky-endpoints.ts'
import { type FamilyTruth, newToken, presentTo, truthOf } from './flaky-families.ts'
import { type FlakyNetwork, flakyNetwork } from './flaky-network.ts'
import { flakyPolicies, type FlakyPolicy, type FlakyPolicyName } from './flaky-policy.ts'
import { seededChance } from './seeded-chance.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface FlakyServerOptions {
  readonly clock: VirtualClock
  readonly policy?: FlakyPolicyName | FlakyPolicy
  readonly issuer?: string
  /** By client id; null is a public one. Without it there is `app`, public. */
  readonly clients?: { readonly [clientId: string]: string | null }
  readonly seed?: string
}

export interface FlakyServer extends FlakyNetwork {
  readonly issuer: string
  /** A token for it is answered 200, any other 401. */
  readonly api: string
  /** What a user who approves brings back to the redirect URI: `?code=…&state=…&iss=…`. */
  approve(authorizationUrl: string): string
  /** What a sign-in brings, without the detour: of a bearer that is not keyed, unless `as` says otherwise. */
  signIn(as?: SignedInAs): TokenAnswer
  /** Every family there ever was, the first one first. */
  families(): readonly FamilyTruth[]
  /** Whether this is the current token of a family that lives. */
  isCurrent(refreshToken: string): boolean
  /** Somebody who copied what is current now, and nothing else: no custody key, no DPoP key, no client secret. */
  thief(family?: string): Thief
  /** The administrator ends a family; the first one if none is named. */
  end(family?: string): void
  changePolicy(policy: FlakyPolicyName | FlakyPolicy): void
}

export interface Thief {
  /** Moves on with what the thief has; null when that is refused. A thief who is refused has what it had. */
  steal(retryKey?: string): 'robbed' | 'refused'
  /** Whether what the thief has got by stealing still opens the API, or could be refreshed. */
  isIn(): boolean
}

export function flakyServer(options: FlakyServerOptions): FlakyServer {
  const { clock, issuer = 'https://flaky.example', clients = { app: null }, seed = 'flaky' } = options
  const state: FlakyState = {
    issuer,
    clients,
    clock,
    chance: seededChance(seed),
    policy: policyOf(options.policy ?? 'reuse-revokes'),
    families: [],
    codes: new Map(),
    proofs: new Set(),
  }
  const endpoints = flakyEndpoints(state)
  const network = flakyNetwork(clock, fetchOf(issuer, endpoints))
  const named = (name = state.families[0]?.name) => {
    const found = state.families.find(family => family.name === name)
    if (found === undefined) throw new RangeError('there is no such family')
    return found
  }
  return {
    ...network,
    issuer,
    api: `${issuer}/api`,
    approve: endpoints.approve,
    signIn: endpoints.signIn,
    families: () => state.families.map(truthOf),
    isCurrent: token => state.families.some(({ tokens, end }) => end === null && tokens.at(-1) === token),
    thief: name => thiefOf(state, named(name).tokens.at(-1) ?? ''),
    end: name => endpoints.end(named(name)),
    changePolicy: policy => {
      state.policy = policyOf(policy)
    },
  }
}

function policyOf(policy: FlakyPolicyName | FlakyPolicy): FlakyPolicy {
  return typeof policy === 'string' ? flakyPolicies[policy] : policy
}

const metadataPath = /^\/\.well-known\/(?:openid-configuration|oauth-authorization-server)$/

function fetchOf(issuer: string, endpoints: FlakyEndpoints): Fetch {
  return async (input, init) => {
    const url = new URL(input)
    if (url.origin !== new URL(issuer).origin) throw new TypeError('fetch failed')
    if (metadataPath.test(url.pathname)) return endpoints.metadata()
    switch (url.pathname) {
      case '/token':
        return endpoints.token(url, init)
      case '/revoke':
        return endpoints.revoke(init)
      case '/api':
        return endpoints.api(init)
      default:
        return new Response(null, { status: 404 })
    }
  }
}

function thiefOf(state: FlakyState, copied: string): Thief {
  const family = state.families.find(({ tokens }) => tokens.includes(copied))
  if (family === undefined) throw new RangeError('there is nothing to copy')
  let has = copied
  let accessToken: string | null = null
  return {
    steal: (retryKey = `rk1.${state.chance.text(43)}`) => {
      const asked = { token: has, retryKey, keyThumbprint: null, isAuthenticated: false }
      const world = { policy: state.policy, nowMs: state.clock.nowMs(), chance: state.chance }
      const came = presentTo(family, asked, world)
      if (came.kind === 'refused') return 'refused'
      has = came.refreshToken
      accessToken = newToken(state.chance, 'at')
      family.accessTokens.set(accessToken, world.nowMs + state.policy.accessTokenSeconds * 1000)
      return 'robbed'
    },
    isIn: () => {
      if (accessToken === null || family.end !== null) return false
      const opens = (family.accessTokens.get(accessToken) ?? 0) > state.clock.nowMs()
      return opens || family.tokens.at(-1) === has
    },
  }
}
