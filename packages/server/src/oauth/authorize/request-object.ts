/**
 * Signed request objects (RFC 9101, by value), under the rules of FAPI 2.0 Message Signing §5.3.1: signed by the client
 * for this server alone, good for an hour at most. Everything is taken from the object, nothing from beside it.
 */

import type { Client } from '../../domain/client/client.ts'
import { allowsAlgorithm } from '../../domain/client/client-profile.ts'
import { requestObjectAlgorithms } from '../../domain/client/request-rules.ts'
import { type ForeignJwt, isSignedByOneOf, numericDateMs, parseForeignJwt } from '../../domain/token/foreign-jwt.ts'
import type { AuthorizationServer, Parameters } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'

/** From `nbf` to `exp`, and from `nbf` to now. */
export const requestObjectSecondsMax = 3600
/** How far ahead of ours a client's clock may be. */
export const requestClockSkewSeconds = 30

/** RFC 9101 §4 and §10.8; older clients say `JWT` or nothing. Any other type is another kind of token. */
const objectTypes: ReadonlySet<string | null> = new Set([null, 'jwt', 'oauth-authz-req+jwt'])
/** What every JWT may say of itself; the rest are parameters. */
const jwtMembers: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub'])

/** The parameters that the client has signed. Throws `invalid_request_object`, with what is wrong, for anything else. */
export async function signedParameters(server: AuthorizationServer, client: Client, text: string): Promise<Parameters> {
  const object = parseForeignJwt(await decrypted(server, client, text))
  if (object === null) throw refused(client, 'The request object is no signed JWT.')
  if (!isAllowed(client, object.algorithm))
    throw refused(client, 'The request object is signed with an algorithm that is not allowed here.')
  if (!objectTypes.has(object.type)) throw refused(client, 'The request object is a token of another type.')
  const keys = await server.clientKeys.of(client, object.kid)
  if (!(await isSignedByOneOf(object, keys)))
    throw refused(client, 'No key of the client has signed the request object.')
  const flaw = judgeClaims(client, object, { issuer: server.issuer, nowMs: await server.store.now() })
  if (flaw !== null) throw refused(client, flaw)
  return parametersIn(object.claims)
}

/** On demand: what has five parts is encrypted to us (RFC 7516 §3.1), and what is inside is signed like any other. */
async function decrypted(server: AuthorizationServer, client: Client, text: string): Promise<string> {
  if (text.split('.', 6).length !== 5) return text
  const inside = await server.requestDecryption.open(text)
  if (inside !== null) return inside
  throw refused(client, 'The request object was not encrypted to a key of this server.')
}

function isAllowed({ profile, requests: { objectAlgorithm } }: Client, algorithm: string): boolean {
  const isChosen = objectAlgorithm === null || objectAlgorithm === algorithm
  return isChosen && requestObjectAlgorithms.some(known => known === algorithm) && allowsAlgorithm(profile, algorithm)
}

function judgeClaims(
  client: Client,
  { claims }: ForeignJwt,
  { issuer, nowMs }: { readonly issuer: string; readonly nowMs: number },
): string | null {
  if (claims['client_id'] !== client.id) return 'client_id in the request object is not the client.'
  if (claims['iss'] !== client.id) return 'iss in the request object is not the client.'
  // A client assertion has a `sub`, and must not pass for a request (RFC 9101 §10.8).
  if ('sub' in claims) return 'The request object has a sub.'
  if ('request' in claims || 'request_uri' in claims) return 'The request object holds another one.'
  const audiences: readonly unknown[] = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']]
  if (!audiences.includes(issuer)) return 'aud in the request object is not the issuer.'
  if (JSON.stringify(claims).includes(String.raw`\u0000`)) return 'The request object holds a NUL.'
  return judgeTimes(claims, nowMs)
}

function judgeTimes(claims: ForeignJwt['claims'], nowMs: number): string | null {
  const [notBeforeMs, expiresAtMs] = [numericDateMs(claims['nbf']), numericDateMs(claims['exp'])]
  if (notBeforeMs === null) return 'nbf in the request object is no time.'
  if (expiresAtMs === null) return 'exp in the request object is no time.'
  const latestMs = nowMs + requestClockSkewSeconds * 1000
  if (notBeforeMs > latestMs) return 'nbf in the request object is in the future.'
  const issuedAtMs = claims['iat'] === undefined ? notBeforeMs : numericDateMs(claims['iat'])
  if (issuedAtMs === null || issuedAtMs > latestMs) return 'iat in the request object is no time, or in the future.'
  if (notBeforeMs < nowMs - requestObjectSecondsMax * 1000) return 'nbf in the request object is more than an hour ago.'
  if (expiresAtMs <= nowMs) return 'exp in the request object has passed.'
  if (expiresAtMs > notBeforeMs + requestObjectSecondsMax * 1000) {
    return 'exp in the request object is more than an hour after nbf.'
  }
  return null
}

/** What the object says, read like a form: texts as they are, lists as repeated, all else as its JSON (RFC 9101 §4). */
function parametersIn(claims: ForeignJwt['claims']): Parameters {
  const has = (name: string): boolean => Object.hasOwn(claims, name) && !jwtMembers.has(name) && claims[name] !== null
  const get = (name: string): string | undefined => (has(name) ? textOf(claims[name]) : undefined)
  return {
    has,
    get,
    all: name => {
      const value = has(name) ? claims[name] : undefined
      if (Array.isArray(value) && value.every(each => typeof each === 'string')) return value
      return value === undefined ? [] : [textOf(value)]
    },
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function refused(client: Client, description: string): OAuthError {
  return new OAuthError('invalid_request_object', description, { description, context: { clientId: client.id } })
}
