import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { nextNonce } from '../../oauth/dpop-proof.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import { howToAsk, type ProtectedRequest } from '../../oauth/protected-request.ts'
import { userinfo } from '../../oauth/userinfo.ts'
import type { HttpRequest } from '../exchange.ts'
import { isForm, readForm } from '../form.ts'
import type { Endpoint } from '../router.ts'
import { uncachedText } from './protocol-request.ts'

/** OIDC Core §5.3. The token comes in the Authorization header, or in a form post (RFC 6750 §2.1, §2.2); never in the URL. */
export function userinfoEndpoint(server: AuthorizationServer): Endpoint {
  return async request => {
    const asked = protectedRequest(request)
    const { text, isJose } = await userinfo(server, asked)
    return uncachedText(text, isJose ? 'application/jwt' : 'application/json', await nextNonce(server, asked))
  }
}

function protectedRequest(request: HttpRequest): ProtectedRequest {
  const { method, path, headers, certificate = null } = request
  return { ...tokenIn(request), method, path, dpop: headers['dpop'], certificate }
}

function tokenIn(request: HttpRequest): Pick<ProtectedRequest, 'scheme' | 'accessToken'> {
  if (request.query !== '')
    throw new OAuthError('invalid_request', 'parameters were sent in the query', { headers: challenge })
  const header = request.headers['authorization']
  const posted = request.method === 'POST' && isForm(request) ? readForm(request).get('access_token') : undefined
  if (header !== undefined && posted !== undefined) {
    throw new OAuthError('invalid_request', 'the access token was sent in two ways', { headers: challenge })
  }
  if (posted !== undefined && posted !== '') return { scheme: 'Bearer', accessToken: posted }
  const [, scheme, accessToken] = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header ?? '') ?? []
  if (accessToken !== undefined) return { scheme: /^b/i.test(scheme ?? '') ? 'Bearer' : 'DPoP', accessToken }
  // RFC 6750 §3.1: a request without a token learns how to ask, and nothing else.
  throw new OAuthError('invalid_token', 'no access token was sent', { headers: challenge })
}

const challenge = { 'WWW-Authenticate': howToAsk }
