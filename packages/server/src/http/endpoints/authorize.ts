/**
 * The authorization endpoint, as a browser meets it: GET and POST (OIDC Core §3.1.2.1), then the way through our own
 * pages, each answered by 303 or by the next question.
 */

import type { AuthorizationServer, Parameters } from '../../oauth/authorization-server.ts'
import { startInteraction } from '../../oauth/authorize/interaction.ts'
import { proceed } from '../../oauth/authorize/proceed.ts'
import { keepLongRequest } from '../../oauth/authorize/pushed-requests.ts'
import { readAuthorizationRequest } from '../../oauth/authorize/read-request.ts'
import { endpointPaths } from '../../oauth/metadata.ts'
import { readQuery } from '../form.ts'
import type { Endpoint, RouterParts } from '../router.ts'
import { browserOf, withCookies } from './browser-cookies.ts'
import { carriedCharactersMax, comeBackByGet, tooLongToCarry } from './come-back-by-get.ts'
import { resumed } from './resumed.ts'
import { nextAfterPost, nextResponse, secondFactorResponse } from './next-response.ts'
import { unaskedResponse } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'

export function authorizeEndpoint(server: AuthorizationServer, onRefusal: RouterParts['onRefusal']): Endpoint {
  return async (request, requestId) => {
    if (request.method === 'POST') return comeBackByGet(server, endpointPaths.authorize, request)
    // The request rides, sealed, in a URL of ours.
    if (request.query.length > carriedCharactersMax) throw tooLongToCarry()
    const caller = callerOf(request, requestId)
    const read = await readAuthorizationRequest(server, readQuery(request), caller)
    if (read.kind === 'response') {
      onRefusal(read.fault, request, requestId)
      return unaskedResponse(server, read.client, read.response)
    }
    const { client } = read
    const browser = await browserOf(server, request)
    const kept = await keepLongRequest(server, { client, request: read.request, address: request.address })
    const interaction = await startInteraction(server, kept)
    const situation = {
      interaction,
      client,
      session: browser.session,
      hasConsented: false,
      caller,
    }
    const next = await proceed(server, situation)
    if (next.kind === 'respond') {
      return withCookies(await unaskedResponse(server, client, next.response), browser.setCookies)
    }
    // A pushed request is soon over, and a person may load the page again: so the page stands at an address that lasts.
    const answer = read.request.pushed === null ? nextResponse : nextAfterPost
    return withCookies(await answer(server, next, { browser, requestId, problem: null }), browser.setCookies)
  }
}

/** Where an interaction goes on after one of our own pages. */
export function continueEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const parameters = readQuery(request)
    const browser = await browserOf(server, request)
    const { interaction, client } = await resumed(server, browser, parameters)
    const situation = {
      interaction,
      client,
      session: browser.session,
      hasConsented: false,
      caller: callerOf(request, requestId),
    }
    const next = await proceed(server, situation)
    const told = parameters.get('problem')
    if (next.kind === 'second_factor' && (told === 'refused' || told === 'passkey_refused')) {
      const problem = { kind: told } as const
      return withCookies(await secondFactorResponse(server, next, { browser, requestId, problem }), browser.setCookies)
    }
    const problem = next.kind === 'sign_in' ? problemOf(parameters, browser.session !== null) : null
    return withCookies(await nextResponse(server, next, { browser, requestId, problem }), browser.setCookies)
  }
}

function problemOf(
  parameters: Parameters,
  isSignedIn: boolean,
): { readonly kind: 'refused' | 'passkey_refused' | 'upstream_refused' | 'upstream_unlinked' | 'other_person' } | null {
  const problem = parameters.get('problem')
  if (problem === 'refused' || problem === 'passkey_refused') return { kind: problem }
  if (problem === 'upstream_refused' || problem === 'upstream_unlinked') return { kind: problem }
  return problem === 'other_person' && isSignedIn ? { kind: 'other_person' } : null
}
