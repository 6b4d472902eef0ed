/**
 * Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6): who says so, to whom, about which session, and only
 * once. `jose` checks the signature with the keys of the server.
 */

import type { AuthorizationServer } from 'oauth4webapi'
import { createRemoteJWKSet, customFetch, type JWTPayload, jwtVerify } from 'jose'
import type { Custody } from '@pawl/client'
import { dateAt } from '@pawl/client/clock'
import { serverOf } from '@pawl/client/server'
import type { Settings } from './bff-options.ts'
import { clockOf } from './browser-session.ts'

export interface LoggedOut {
  readonly subject: string | null
  readonly sessionId: string | null
}

export interface LogoutTokens {
  /** Rejects with an `Error` whose sentence is for a log where the token is not to be obeyed. */
  check(token: string): Promise<LoggedOut>
}

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
/** Asymmetric ones alone: the client's secret is no proof of who the server is. */
const algorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']
/** So old a token may be, however long it says it is good for; its `jti` is remembered as long. */
export const logoutTokenSecondsMax = 300
export const logoutTokenSkewSeconds = 30
export const logoutTokenCharactersMax = 8192

export function logoutTokens(settings: Settings, custody: Custody): LogoutTokens {
  const keysOf = keysByAddress(custody)
  return {
    async check(token) {
      if (token.length > logoutTokenCharactersMax) throw new Error('the logout token is too long')
      const server = await serverOf(custody)()
      const { payload, protectedHeader } = await jwtVerify(token, keysOf(server), {
        issuer: server.issuer,
        audience: settings.client.client_id,
        algorithms,
        requiredClaims: ['iat', 'exp', 'jti', 'events'],
        clockTolerance: logoutTokenSkewSeconds,
        maxTokenAge: logoutTokenSecondsMax,
        currentDate: dateAt(clockOf(settings).nowMs()),
      })
      if (protectedHeader.typ?.toLowerCase().replace(/^application\//, '') !== 'logout+jwt') {
        throw new Error('typ is not logout+jwt')
      }
      const told = judgeClaims(payload)
      await markUsed(settings, payload.jti ?? '')
      return told
    },
  }
}

function keysByAddress(custody: Custody): (server: AuthorizationServer) => ReturnType<typeof createRemoteJWKSet> {
  const known = new Map<string, ReturnType<typeof createRemoteJWKSet>>()
  const { fetch: through } = custody
  return ({ jwks_uri: address }) => {
    if (address === undefined) throw new Error('the server publishes no keys')
    const found =
      known.get(address) ??
      createRemoteJWKSet(
        new URL(address),
        through === undefined ? {} : { [customFetch]: (url, init) => through(url, init) },
      )
    // One server has one address of keys; a new one replaces it.
    known.clear()
    known.set(address, found)
    return found
  }
}

function judgeClaims(payload: JWTPayload): LoggedOut {
  const { events, sub, nonce } = payload
  const sid = payload['sid']
  if (typeof events !== 'object' || events === null || !(logoutEvent in events))
    throw new Error('events has no logout in it')
  if (nonce !== undefined) throw new Error('a logout token has no nonce')
  const subject = typeof sub === 'string' ? sub : null
  const sessionId = typeof sid === 'string' ? sid : null
  if (subject === null && sessionId === null) throw new Error('neither sub nor sid says whose sessions')
  return { subject, sessionId }
}

/** Each is obeyed once, by all processes together. */
async function markUsed(settings: Settings, tokenId: string): Promise<void> {
  const { store, custodyKey } = settings
  const name = `bff-jti:${await custodyKey.retryKeyFor(`\nlogout token\n${tokenId}`)}`
  const expiresAtMs = clockOf(settings).nowMs() + (logoutTokenSecondsMax + 2 * logoutTokenSkewSeconds) * 1000
  const version = name.slice(-22)
  if ((await store.save(name, { version, sealed: 'used', expiresAtMs }, null)) === 'moved') {
    throw new Error('this logout token was obeyed before')
  }
}
