import type { RequestId } from '../../domain/identifiers.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import { type Errand, leaveFor } from '../../oauth/upstream/upstream-sign-in.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import type { Browser } from './browser-cookies.ts'
import { seeOther } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'

export interface Departing {
  readonly upstreamId: string
  readonly errand: Errand
  readonly loginHint: string | null
  /** How long ago the person may have signed in there; null where it does not matter. */
  readonly maxAgeSeconds: number | null
  readonly browser: Browser
  readonly request: HttpRequest
  readonly requestId: RequestId
}

/** Sends the browser to an upstream provider. */
export async function departure(server: AuthorizationServer, departing: Departing): Promise<HttpResponse> {
  const { upstreamId, errand, loginHint, maxAgeSeconds, browser, request, requestId } = departing
  const caller = callerOf(request, requestId)
  const leaving = { upstreamId, errand, loginHint, maxAgeSeconds, browserHash: browser.hash, caller }
  const url = await leaveFor(server, leaving)
  if (url === null) throw new OAuthError('invalid_request', 'there is no such upstream provider')
  return seeOther(url)
}
