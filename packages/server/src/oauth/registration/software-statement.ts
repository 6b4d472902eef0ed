/**
 * Software statements (RFC 7591 §2.3): somebody the operator named says what a client is, in a signed JWT. What it says
 * wins over what stands beside it.
 */

import type { ClientId } from '@pawl/family'
import { type ForeignJwt, isSignedByOneOf, numericDateMs, parseForeignJwt } from '../../domain/token/foreign-jwt.ts'
import type { JsonObject } from '../../domain/strict-json.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'

export const softwareStatementCharactersMax = 12_288
/** How far ahead of ours the clock of its issuer may be. */
const clockSkewMs = 30_000

export interface ApprovedMetadata {
  readonly metadata: JsonObject
  /** The issuer of the statement; null where none was sent. */
  readonly approvedBy: string | null
  /** The issuer again, where the statement itself says the redirect URIs: then it stands behind them. */
  readonly vouchedBy: string | null
  /** RFC 7591 §3.2.1: what was sent is told back as it is. */
  readonly told: JsonObject
}

/** The metadata with what its statement says. Throws `invalid_software_statement` or `unapproved_software_statement`. */
export async function withSoftwareStatement(server: AuthorizationServer, sent: JsonObject): Promise<ApprovedMetadata> {
  const { software_statement: text, ...metadata } = sent
  if (text === undefined || text === null) return { metadata, approvedBy: null, vouchedBy: null, told: {} }
  const statement = typeof text === 'string' ? parseForeignJwt(text, softwareStatementCharactersMax) : null
  if (statement === null) throw invalid('it is no JWT')
  const { iss } = statement.claims
  if (typeof iss !== 'string' || iss === '') throw invalid('it has no iss')
  const keysUrl = keysUrlOf(server, iss)
  if (keysUrl === null) {
    const description = 'The issuer of the software statement is not known here.'
    throw new OAuthError('unapproved_software_statement', `statements of ${iss.slice(0, 200)} are not taken`, {
      description,
    })
  }
  // Keys of others are kept and fetched as those of clients are; a space keeps the name apart from every client id.
  const owner = { id: `statements of ${iss}` as ClientId, jwks: [], jwksUri: keysUrl, source: null }
  const keys = await server.clientKeys.of(owner, statement.kid)
  if (!(await isSignedByOneOf(statement, keys))) throw invalid('no key of its issuer has signed it')
  const flaw = judgeClaims(statement, server.issuer, await server.store.now())
  if (flaw !== null) throw invalid(flaw)
  const said = metadataOf(statement.claims)
  return {
    metadata: { ...metadata, ...said },
    approvedBy: iss,
    // All who have the software have its statement, so where people are sent must stand in it to be believed.
    vouchedBy: Array.isArray(said['redirect_uris']) ? iss : null,
    told: { software_statement: text },
  }
}

/** A line of the setting is the issuer, a space, and the address of its keys. */
function keysUrlOf(server: AuthorizationServer, issuer: string): string | null {
  const line = server.rules.softwareIssuers.find(one => one.slice(0, one.indexOf(' ')) === issuer)
  return line === undefined ? null : line.slice(issuer.length + 1)
}

/** A statement may be good for years and for every server; where it says less, that holds. */
function judgeClaims({ claims, type }: ForeignJwt, issuer: string, nowMs: number): string | null {
  const { exp, nbf, iat, aud } = claims
  if (type !== null && type !== 'jwt') return 'it is another kind of token (RFC 8725 §3.11)'
  const expiresAtMs = numericDateMs(exp)
  if (exp !== undefined && (expiresAtMs === null || expiresAtMs <= nowMs)) return 'it is over'
  for (const from of [nbf, iat]) {
    const fromMs = numericDateMs(from)
    if (from !== undefined && (fromMs === null || fromMs > nowMs + clockSkewMs)) return 'it is not good yet'
  }
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return aud === undefined || audiences.includes(issuer) ? null : 'it is for another server'
}

/** Members of the JWT itself are no metadata (RFC 7519 §4.1). */
function metadataOf(claims: JsonObject): JsonObject {
  const { iss: _iss, sub: _sub, aud: _aud, exp: _exp, nbf: _nbf, iat: _iat, jti: _jti, ...metadata } = claims
  return metadata
}

function invalid(detail: string): OAuthError {
  return new OAuthError('invalid_software_statement', detail, { description: 'The software statement is not valid.' })
}
