/**
 * A client's own statement of who it is (RFC 7523 §3 as updated by RFC 10070): for this server alone, for a short while,
 * and good for one request. Signed with a key of the client (`private_key_jwt`) or with its secret (`client_secret_jwt`).
 */

import { parseClientId } from '../domain/identifiers.ts'
import type { ClientId } from '@pawl/family'
import { type Client, type ClientReading, secretAlgorithm } from '../domain/client/client.ts'
import { allowsAlgorithm, wantsPlainAudience } from '../domain/client/client-profile.ts'
import { openSecrets, resealedSecrets } from '../domain/client/client-secret.ts'
import type { Mark } from '../domain/mark/mark-store.ts'
import {
  type ForeignJwt,
  isSignedByNobody,
  isSignedByOneOf,
  isSignedWithSecret,
  numericDateMs,
  parseForeignJwt,
  soleAudienceOf,
} from '../domain/token/foreign-jwt.ts'
import type { AuthorizationServer } from './authorization-server.ts'

export const clientAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** How far ahead of ours a client's clock may be. */
export const clockSkewSeconds = 30
/** The furthest `exp` we take: a mark is kept as long. */
export const assertionSecondsMax = 3600
export const tokenIdCharactersMax = 256

/** RFC 10070 §4; the clients of before it say `JWT` or nothing. Any other type is another kind of token (RFC 8725 §3.11). */
const assertionTypes: ReadonlySet<string | null> = new Set([null, 'jwt', 'client-authentication+jwt'])

/** Who the assertion says it is from; null where it is no assertion at all. Nothing is proven. */
export function assertedClient(text: string): { readonly clientId: ClientId; readonly assertion: ForeignJwt } | null {
  const assertion = parseForeignJwt(text)
  if (assertion === null) return null
  const { sub } = assertion.claims
  const clientId = typeof sub === 'string' ? parseClientId(sub) : null
  return clientId === null ? null : { clientId, assertion }
}

/** What an assertion came to: a sentence against it, or the mark to take once nothing else speaks against the client. */
export type Judged = { readonly flaw: string } | { readonly mark: Mark }

/** Judges the assertion for the client it names. Where there is none, or one of another method, it does the same work. */
export async function judgeAssertion(
  server: AuthorizationServer,
  reading: ClientReading | null,
  assertion: ForeignJwt,
): Promise<Judged> {
  const nowMs = await server.store.now()
  if (!(await isGenuine(server, reading, assertion, nowMs))) return { flaw: 'no key of it has signed the assertion' }
  const client = reading?.client ?? null
  if (client === null) return { flaw: 'there is no such client' }
  const flaw = judgeClaims(client, assertion, { issuer: server.issuer, nowMs })
  return flaw === null ? { mark: markOf(client, assertion) } : { flaw }
}

async function isGenuine(
  server: AuthorizationServer,
  reading: ClientReading | null,
  assertion: ForeignJwt,
  nowMs: number,
): Promise<boolean> {
  if (reading === null) return isSignedByNobody(assertion)
  const { client } = reading
  const { algorithm } = assertion
  const isAllowed = (client.authAlgorithm ?? algorithm) === algorithm && allowsAlgorithm(client.profile, algorithm)
  if (isAllowed && client.authMethod === 'private_key_jwt') {
    return isSignedByOneOf(assertion, await server.clientKeys.of(client, assertion.kid))
  }
  if (isAllowed && client.authMethod === 'client_secret_jwt') {
    return isSignedBySecret(server, reading, assertion, nowMs)
  }
  return isSignedByNobody(assertion)
}

export interface Moment {
  readonly issuer: string
  readonly nowMs: number
}

/** The claims of RFC 7523 §3, each with its sentence. */
function judgeClaims(client: Client, assertion: ForeignJwt, { issuer, nowMs }: Moment): string | null {
  const { type, claims } = assertion
  if (!assertionTypes.has(type)) return 'the assertion is a token of another type'
  if (claims['iss'] !== client.id || claims['sub'] !== client.id) return 'iss and sub are not both the client'
  if (soleAudienceOf(assertion) !== issuer) return 'aud is not the issuer alone'
  if (wantsPlainAudience(client.profile) && claims['aud'] !== issuer) return 'aud is a list'
  const { jti } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > tokenIdCharactersMax) return 'jti is no short text'
  return judgeTimes(claims, nowMs)
}

/** `exp` there, ahead and near; `iat` and `nbf`, where they are there, not ahead of us by more than a clock may be. */
export function judgeTimes(claims: ForeignJwt['claims'], nowMs: number): string | null {
  const expiresAtMs = numericDateMs(claims['exp'])
  if (expiresAtMs === null) return 'exp is no time'
  if (expiresAtMs <= nowMs) return 'exp has passed'
  if (expiresAtMs > nowMs + assertionSecondsMax * 1000) return 'exp is too far ahead'
  for (const name of ['iat', 'nbf']) {
    if (claims[name] === undefined) continue
    const atMs = numericDateMs(claims[name])
    if (atMs === null) return `${name} is no time`
    if (atMs > nowMs + clockSkewSeconds * 1000) return `${name} is in the future`
  }
  return null
}

/** Every secret is tried, so that the time tells nothing of which one it was. */
async function isSignedBySecret(
  server: AuthorizationServer,
  reading: ClientReading,
  assertion: ForeignJwt,
  nowMs: number,
): Promise<boolean> {
  let isSigned = false
  for (const { secret, expiresAtMs } of openSecrets(server.sealer, reading.client)) {
    const fits = await isSignedWithSecret(assertion, secret, secretAlgorithm)
    isSigned ||= fits && (expiresAtMs === null || nowMs < expiresAtMs)
  }
  if (isSigned) resealSecrets(server, reading)
  return isSigned
}

/** Behind the answer, so that a master key can be retired: where the client changed meanwhile, its next request comes by. */
function resealSecrets(server: AuthorizationServer, { client, version }: ClientReading): void {
  const secretHashes = resealedSecrets(server.sealer, client)
  if (secretHashes === null) return
  server.background.run(async () => {
    await server.store.clients.change({ ...client, secretHashes }, version, false, [])
  })
}

/** Kept until the assertion is over by itself. */
function markOf(client: Client, { claims }: ForeignJwt): Mark {
  const expiresAtMs = numericDateMs(claims['exp']) ?? 0
  return { use: 'client_assertion', value: `${client.id} ${String(claims['jti'])}`, expiresAtMs }
}
