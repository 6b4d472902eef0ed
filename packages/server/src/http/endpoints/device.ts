/** The device endpoints: the one devices ask (RFC 8628 §3.1), and the page on which a person enters a code (§3.3). */

import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { answerDeviceAuthorization } from '../../oauth/device-authorization.ts'
import { enterUserCode, userCodeAsShown } from '../../oauth/device.ts'
import type { HttpResponse } from '../exchange.ts'
import { readForm, readQuery } from '../form.ts'
import { userCodeCharactersMax, userCodePage, type UserCodeProblem } from '../pages/device-pages.ts'
import type { Endpoint } from '../router.ts'
import { browserOf, withCookies } from './browser-cookies.ts'
import { continueWith } from './next-response.ts'
import { issuerHostOf, pageResponse, refuseForeignPost } from './page-answers.ts'
import { callerOf, protocolRequest, uncachedJson } from './protocol-request.ts'

export function deviceAuthorizationEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) =>
    uncachedJson(await answerDeviceAuthorization(server, protocolRequest(request, requestId)))
}

/** GET looks and does nothing else, so that whoever follows links by machine ties no device to itself. */
export function deviceEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const browser = await browserOf(server, request)
    if (request.method !== 'POST') {
      const userCode = userCodeAsShown(readQuery(request).get('user_code') ?? '')
      return withCookies(shown(server, userCode, null), browser.setCookies)
    }
    refuseForeignPost(request)
    const typed = readForm(request).get('user_code') ?? ''
    const { hash: browserHash, session, setCookies } = browser
    const caller = callerOf(request, requestId)
    const found = await enterUserCode(server, { typed, browserHash, session, caller })
    const response =
      found.kind === 'found'
        ? continueWith(server, found.interaction, browser, null)
        : shown(server, typed.slice(0, userCodeCharactersMax), found)
    return withCookies(response, setCookies)
  }
}

function shown(server: AuthorizationServer, userCode: string, problem: UserCodeProblem | null): HttpResponse {
  const isThrottled = problem?.kind === 'throttled'
  const response = pageResponse(
    userCodePage({ issuerHost: issuerHostOf(server), userCode, problem }),
    isThrottled ? 429 : 200,
  )
  if (!isThrottled) return response
  return { ...response, headers: { ...response.headers, 'Retry-After': String(problem.retryAfterSeconds) } }
}
