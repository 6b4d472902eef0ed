/** Signing out: on an application's word, or by the person's own click. */

import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { emailOf } from '../../oauth/browser.ts'
import { askToSignOut, confirmLogout, type LogoutOutcome, logOut, type SignedOut } from '../../oauth/logout.ts'
import { endpointPaths } from '../../oauth/metadata.ts'
import type { HttpResponse } from '../exchange.ts'
import { readForm, readQueryOrForm } from '../form.ts'
import { homePage } from '../pages/home-page.ts'
import { signedOutPage, signOutPage } from '../pages/sign-out-pages.ts'
import type { Endpoint } from '../router.ts'
import { type Browser, browserOf, signedOutCookies, withCookies } from './browser-cookies.ts'
import { comeBackByGet } from './come-back-by-get.ts'
import { hostOf, issuerHostOf, pageResponse, refuseForeignPost, seeOther, staleForm } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'

/** OIDC RP-Initiated Logout §2, GET and POST. */
export function logoutEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const parameters = readQueryOrForm(request)
    const browser = await browserOf(server, request)
    if (request.method === 'POST' && browser.secrets.session === null) {
      return comeBackByGet(server, endpointPaths.logout, request)
    }
    const outcome = await logOut(server, {
      parameters,
      sessionSecret: browser.secrets.session,
      browserHash: browser.hash,
      caller: callerOf(request, requestId),
    })
    return logoutResponse(server, outcome, browser)
  }
}

/** The posts of our own pages. */
export function signOutEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    refuseForeignPost(request)
    const parameters = readForm(request)
    const browser = await browserOf(server, request)
    if (parameters.get('decision') !== 'sign_out') return seeOther(`${server.issuer}/`)
    const outcome = await confirmLogout(server, {
      stateToken: parameters.get('state_token') ?? '',
      sessionSecret: browser.secrets.session,
      browserHash: browser.hash,
      caller: callerOf(request, requestId),
    })
    if (outcome === null) throw staleForm()
    return logoutResponse(server, outcome, browser)
  }
}

/** The address of the server itself. */
export function homeEndpoint(server: AuthorizationServer): Endpoint {
  return async request => {
    const browser = await browserOf(server, request)
    const issuerHost = issuerHostOf(server)
    const { session, hash } = browser
    if (session === null) return pageResponse(homePage({ issuerHost, signedIn: null }))
    const signedIn = { email: await emailOf(server, session), stateToken: askToSignOut(server, session, hash) }
    return withCookies(pageResponse(homePage({ issuerHost, signedIn })), browser.setCookies)
  }
}

async function logoutResponse(
  server: AuthorizationServer,
  outcome: LogoutOutcome,
  browser: Browser,
): Promise<HttpResponse> {
  const issuerHost = issuerHostOf(server)
  if (outcome.kind === 'ask') {
    const userEmail = browser.session === null ? '' : await emailOf(server, browser.session)
    const client = outcome.client === null ? null : { name: outcome.client.name, host: null }
    const page = signOutPage({ issuerHost, stateToken: outcome.stateToken, userEmail, client })
    return withCookies(pageResponse(page), browser.setCookies)
  }
  return withCookies(signedOutResponse(issuerHost, outcome), signedOutCookies())
}

/** Straight back to the application, unless others have to hear of it in this browser first. */
function signedOutResponse(issuerHost: string, { returnTo, byHand, client, frames }: SignedOut): HttpResponse {
  if (returnTo !== null && frames.length === 0 && !byHand) return seeOther(returnTo)
  const named = { name: client?.name ?? '', host: byHand && returnTo !== null ? hostOf(returnTo) : null }
  const way = returnTo === null ? null : { href: returnTo, byHand, client: named }
  return pageResponse(signedOutPage({ issuerHost, frames, way }))
}
