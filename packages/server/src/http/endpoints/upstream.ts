/** People who come back from an upstream provider, each to where they left from. */

import type { RequestId } from '../../domain/identifiers.ts'
import { resumeVisit } from '../../oauth/account/visit.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { resumeInteraction } from '../../oauth/authorize/interaction.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import { upstreamCallbackPath } from '../../oauth/upstream/provider.ts'
import { comeBack, type ReturnOutcome } from '../../oauth/upstream/upstream-sign-in.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readQuery } from '../form.ts'
import type { Endpoint } from '../router.ts'
import { accountPath, arrived, goOn } from './account-sign-in.ts'
import { afterSignIn } from './after-sign-in.ts'
import { type Browser, browserOf } from './browser-cookies.ts'
import { continueWith } from './next-response.ts'
import { seeOther, staleForm } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'

export function upstreamCallbackEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const parameters = readQuery(request)
    const browser = await browserOf(server, request)
    const outcome = await comeBack(server, {
      upstreamId: request.path.slice(upstreamCallbackPath.length),
      query: request.query,
      state: parameters.get('state'),
      isRefused: parameters.has('error'),
      browserHash: browser.hash,
      browser: browser.secrets,
      caller: callerOf(request, requestId),
    })
    if (outcome.kind === 'stale') throw staleForm()
    return returned(server, outcome, { browser, request, requestId })
  }
}

interface Returning {
  readonly browser: Browser
  readonly request: HttpRequest
  readonly requestId: RequestId
}

async function returned(
  server: AuthorizationServer,
  outcome: Exclude<ReturnOutcome, { readonly kind: 'stale' }>,
  returning: Returning,
): Promise<HttpResponse> {
  if (outcome.kind === 'link_taken') {
    const description = `That account at ${outcome.name} is connected to somebody here already, or you have too many.`
    throw new OAuthError('access_denied', 'the upstream account is linked already', { description, status: 409 })
  }
  const { errand } = outcome
  if (outcome.kind === 'linked' || errand.kind === 'link') return seeOther(server.issuer + accountPath)
  return errand.kind === 'account'
    ? toAccount(server, outcome, errand.stateToken, returning)
    : toApplication(server, outcome, errand.stateToken, returning)
}

type SignInReturn = Exclude<ReturnOutcome, { readonly kind: 'stale' | 'linked' | 'link_taken' }>

async function toApplication(
  server: AuthorizationServer,
  outcome: SignInReturn,
  stateToken: string,
  returning: Returning,
): Promise<HttpResponse> {
  const { browser, request, requestId } = returning
  const resumed = await resumeInteraction(server, stateToken, browser.hash)
  if (resumed === null) throw staleForm()
  switch (outcome.kind) {
    case 'signed_in': {
      const caller = callerOf(request, requestId)
      return afterSignIn(server, { ...resumed, browser, requestId, caller }, outcome.signedIn)
    }
    case 'half':
      return continueWith(server, { ...resumed.interaction, firstFactor: outcome.firstFactor }, browser, null)
    case 'refused':
      return continueWith(server, resumed.interaction, browser, 'upstream_refused')
    case 'unlinked':
      return continueWith(server, resumed.interaction, browser, 'upstream_unlinked')
  }
}

async function toAccount(
  server: AuthorizationServer,
  outcome: SignInReturn,
  stateToken: string,
  { browser }: Returning,
): Promise<HttpResponse> {
  const visit = await resumeVisit(server, stateToken, browser.hash)
  if (visit === null) return seeOther(server.issuer + accountPath)
  switch (outcome.kind) {
    case 'signed_in':
      return arrived(server, outcome.signedIn)
    case 'half':
      return goOn(server, { ...visit, firstFactor: outcome.firstFactor }, browser, null)
    case 'refused':
      return goOn(server, visit, browser, 'upstream_refused')
    case 'unlinked':
      return goOn(server, visit, browser, 'upstream_unlinked')
  }
}
