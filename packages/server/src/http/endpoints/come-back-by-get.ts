import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readForm } from '../form.ts'
import { seeOther } from './page-answers.ts'

/** With this much, the URL that carries a request stays within what servers and browsers take. */
export const carriedCharactersMax = 12_000

/**
 * A cross-site post carries no `SameSite=Lax` cookie, so it could not see who is signed in. The browser comes back with
 * GET, and then brings them. Throws `invalid_request` for what is no form post, or too long to be carried.
 */
export function comeBackByGet(server: AuthorizationServer, path: string, request: HttpRequest): HttpResponse {
  readForm(request)
  const query = new TextDecoder('utf-8', { ignoreBOM: true })
    .decode(request.body)
    .replace(notInQuery, encodeURIComponent)
  if (query.length > carriedCharactersMax) throw tooLongToCarry()
  return seeOther(`${server.issuer}${path}?${query}`)
}

export function tooLongToCarry(): OAuthError {
  const description = `This request has more than ${carriedCharactersMax} characters.`
  return new OAuthError('invalid_request', description, { description })
}

/** What a form body may hold and a query may not (RFC 3986 §3.4): a raw `#` would end it, a line break the header. */
const notInQuery = /[^\x21\x22\x24-\x7e]+/gu
