/** What goes back to the application through the browser (OAuth 2.1 §4.1.2). Always with `iss` (RFC 9207). */

import type { AuthorizationServer } from '../authorization-server.ts'
import type { OAuthErrorCode } from '../oauth-error.ts'

export type ResponseMode = 'query' | 'form_post'

/** Where answers to one authorization request go. The redirect URI has been found to be registered. */
export interface ReturnAddress {
  readonly redirectUri: string
  readonly responseMode: ResponseMode
  readonly state: string | null
}

export interface AuthorizationResponse {
  readonly redirectUri: string
  readonly responseMode: ResponseMode
  readonly parameters: { readonly [name: string]: string }
}

export function successResponse(server: AuthorizationServer, to: ReturnAddress, code: string): AuthorizationResponse {
  return response(server, to, { code })
}

/** The code says it to the client; the description is fixed text that names no secret. */
export function errorResponse(
  server: AuthorizationServer,
  to: ReturnAddress,
  error: { readonly code: OAuthErrorCode; readonly description: string },
): AuthorizationResponse {
  return response(server, to, { error: error.code, error_description: error.description })
}

/** The URL of a `query` response: what was registered, with our parameters added to any it has. */
export function locationOf(answer: AuthorizationResponse): string {
  const added = new URLSearchParams(answer.parameters).toString()
  return answer.redirectUri + (answer.redirectUri.includes('?') ? '&' : '?') + added
}

function response(
  server: AuthorizationServer,
  to: ReturnAddress,
  parameters: { readonly [name: string]: string },
): AuthorizationResponse {
  const { redirectUri, responseMode, state } = to
  return {
    redirectUri,
    responseMode,
    parameters: { ...parameters, ...(state === null ? {} : { state }), iss: server.issuer },
  }
}
