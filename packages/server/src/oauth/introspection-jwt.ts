/**
 * The answer to introspection as a JWT (RFC 9701): signed proof for a resource server of what this server said, which it
 * can keep. Only who is registered for it gets one.
 */

import type { Client } from '../domain/client/client.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { dressedAnswer } from './dressed-answer.ts'
import type { Introspection } from './introspect.ts'
import { OAuthError } from './oauth-error.ts'

export const introspectionJwtType = 'application/token-introspection+jwt'

/** Throws `invalid_request` with status 406 for a client that is not registered for it. */
export async function introspectionJwt(
  server: AuthorizationServer,
  client: Client,
  introspection: Introspection,
): Promise<string> {
  const dress = client.tokens.introspection
  if (dress.signed === null) {
    const description = 'The client is not registered for introspection answers as a JWT.'
    throw new OAuthError('invalid_request', description, { status: 406, description, context: { clientId: client.id } })
  }
  const iat = Math.floor((await server.store.now()) / 1000)
  // RFC 9701 §5: `iss`, `aud` and `iat` of this JWT speak of the answer, and stand apart from those of the token.
  const claims = { iss: server.issuer, aud: client.id, iat, token_introspection: introspection }
  return (await dressedAnswer(server, client, dress, { typ: 'token-introspection+jwt', claims, signedClaims: {} })).text
}

/** True where the header names the media type, with whatever weight but 0 (RFC 9110 §12.5.1). */
export function acceptsIntrospectionJwt(accept: string | undefined): boolean {
  if (accept === undefined || accept.length > acceptCharactersMax) return false
  return accept.split(',').some(range => {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    return type === introspectionJwtType && !parameters.some(parameter => /^q=0(?:\.0{0,3})?$/.test(parameter))
  })
}

const acceptCharactersMax = 1024
