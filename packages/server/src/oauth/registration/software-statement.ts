/**
 * Software statements (RFC 7591 §2.3): somebody the operator named says what a client is, in a signed JWT. What it says
 * wins over what stands beside it.
 */

import type { ClientId } from '@pawl/family'
import { decodeProtectedHeader, decodeJwt, jwtVerify } from 'jose'
import { clientSignatureAlgorithms } from '../../domain/client/client-key.ts'
import type { JsonObject } from '../../domain/strict-json.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'

export const softwareStatementCharactersMax = 12_288

export interface ApprovedMetadata {
  readonly metadata: JsonObject
  /** The issuer of the statement; null where none was sent. */
  readonly approvedBy: string | null
}

/** The metadata with what its statement says. Throws `invalid_software_statement` or `unapproved_software_statement`. */
export async function withSoftwareStatement(server: AuthorizationServer, sent: JsonObject): Promise<ApprovedMetadata> {
  const { software_statement: statement, ...metadata } = sent
  if (statement === undefined || statement === null) return { metadata, approvedBy: null }
  if (typeof statement !== 'string' || statement.length > softwareStatementCharactersMax) {
    throw invalid('it is no text, or too long')
  }
  const { issuer, kid } = headOf(statement)
  const keysUrl = keysUrlOf(server, issuer)
  if (keysUrl === null) {
    const description = 'The issuer of the software statement is not known here.'
    throw new OAuthError('unapproved_software_statement', `statements of ${issuer} are not taken`, { description })
  }
  const claims = await verified(server, { statement, issuer, kid, keysUrl })
  return { metadata: { ...metadata, ...metadataOf(claims) }, approvedBy: issuer }
}

function headOf(statement: string): { readonly issuer: string; readonly kid: string | null } {
  try {
    const { iss } = decodeJwt(statement)
    const { kid } = decodeProtectedHeader(statement)
    if (typeof iss === 'string' && iss !== '') return { issuer: iss, kid: kid ?? null }
  } catch (cause) {
    throw invalid('it is no JWT', cause)
  }
  throw invalid('it has no iss')
}

function keysUrlOf(server: AuthorizationServer, issuer: string): string | null {
  const line = server.rules.softwareIssuers.find(one => one.startsWith(`${issuer} `))
  return line === undefined ? null : line.slice(issuer.length + 1)
}

async function verified(
  server: AuthorizationServer,
  from: { readonly statement: string; readonly issuer: string; readonly kid: string | null; readonly keysUrl: string },
): Promise<JsonObject> {
  // Keys of others are kept and fetched as those of clients are; a space keeps the name apart from every client id.
  const owner = { id: `statements of ${from.issuer}` as ClientId, jwks: [], jwksUri: from.keysUrl }
  const keys = await server.clientKeys.of(owner, from.kid)
  const currentDate = new Date(await server.store.now())
  for (const { publicKey } of keys) {
    try {
      const rules = { issuer: from.issuer, algorithms: [...clientSignatureAlgorithms], currentDate }
      return (await jwtVerify(from.statement, publicKey, rules)).payload
    } catch {
      // Another key of the set may fit; where none does, the statement is refused below.
    }
  }
  throw invalid('no key of its issuer verifies it, or it is over')
}

/** Members of the JWT itself are no metadata (RFC 7519 §4.1). */
function metadataOf(claims: JsonObject): JsonObject {
  const { iss: _iss, sub: _sub, aud: _aud, exp: _exp, nbf: _nbf, iat: _iat, jti: _jti, ...metadata } = claims
  return metadata
}

function invalid(detail: string, cause?: unknown): OAuthError {
  const description = 'The software statement is not valid.'
  return new OAuthError('invalid_software_statement', detail, { description, ...(cause !== undefined && { cause }) })
}
