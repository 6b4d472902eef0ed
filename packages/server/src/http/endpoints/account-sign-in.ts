/** The way to the account page: the same sign-in as for an application, with nobody waiting behind it. */

import type { RequestId } from '../../domain/identifiers.ts'
import {
  accountSeconds,
  sealVisit,
  nextOfVisit,
  resumeVisit,
  startVisit,
  type Visit,
  visitEndsAtMs,
  type VisitNext,
} from '../../oauth/account/visit.ts'
import type { AuthorizationServer, Parameters } from '../../oauth/authorization-server.ts'
import { signInWithPassword, type SignedIn } from '../../oauth/browser.ts'
import { passkeyRequest, signInWithPasskey } from '../../oauth/passkey-sign-in.ts'
import { upstreamsOnPage } from '../../oauth/upstream/upstreams-on-page.ts'
import { signInWithCode } from '../../oauth/second-factor.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readForm, readQuery } from '../form.ts'
import { forgottenPath } from '../pages/password-pages.ts'
import { secondFactorPage, type SecondFactorProblem } from '../pages/second-factor-page.ts'
import { signInPage, type SignInProblem } from '../pages/sign-in-page.ts'
import type { Endpoint } from '../router.ts'
import { type Browser, browserOf, signedInCookies, withCookies } from './browser-cookies.ts'
import { departure } from './departure.ts'
import { issuerHostOf, pageResponse, refuseForeignPost, seeOther } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'

export const accountPath = '/account'
export const accountSignInPath = '/account/sign-in'

/** GET shows what is asked next, POST is its answer. A page that is too old begins anew: nothing is lost by it. */
export function accountSignInEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    if (request.method === 'POST') return posted(server, request, requestId)
    const browser = await browserOf(server, request)
    const parameters = readQuery(request)
    const visit = await resumeVisit(server, parameters.get('state_token') ?? '', browser.hash)
    if (visit === null) return withCookies(seeOther(server.issuer + accountPath), browser.setCookies)
    return visitResponse(server, visit, { browser, problem: problemOf(parameters) })
  }
}

type VisitProblem = 'refused' | 'passkey_refused' | 'upstream_refused' | 'upstream_unlinked'

function problemOf(parameters: Parameters): { readonly kind: VisitProblem } | null {
  const problem = parameters.get('problem')
  if (problem === 'refused' || problem === 'passkey_refused') return { kind: problem }
  return problem === 'upstream_refused' || problem === 'upstream_unlinked' ? { kind: problem } : null
}

export interface Shown {
  readonly browser: Browser
  readonly problem: SignInProblem | null
}

/** The page that is asked for next; on to the account where nothing is. */
export async function visitResponse(server: AuthorizationServer, visit: Visit, shown: Shown): Promise<HttpResponse> {
  const next = await nextOfVisit(server, visit, shown.browser.session)
  const response = await responseTo(server, visit, next, shown)
  return withCookies(response, shown.browser.setCookies)
}

async function responseTo(
  server: AuthorizationServer,
  visit: Visit,
  next: VisitNext,
  shown: Shown,
): Promise<HttpResponse> {
  if (next.kind === 'account') return seeOther(server.issuer + accountPath)
  const stateToken = sealVisit(server, visit, shown.browser.hash)
  const frame = { issuerHost: issuerHostOf(server), action: accountSignInPath, stateToken, client: null }
  if (next.kind === 'sign_in') {
    const { loginHint } = visit
    const { problem } = shown
    const passkeyOptions = await passkeyRequest(server, stateToken, null)
    const forgottenHref = server.mailer === null ? null : forgottenPath
    const { signedInAs } = next
    const upstreams = await upstreamsOnPage(server)
    const ways = { passkeyOptions, forgottenHref, upstreams }
    const page = signInPage({ ...frame, ...ways, loginHint, problem, signedInAs })
    return pageResponse(page, statusOf(problem))
  }
  const { user, hasPasskey } = next
  const passkeyOptions = hasPasskey ? await passkeyRequest(server, stateToken, user.subject) : null
  const problem = secondFactorProblemOf(shown.problem)
  const page = secondFactorPage({ ...frame, userEmail: user.email, takesCode: true, passkeyOptions, problem })
  return pageResponse(page, statusOf(problem))
}

function secondFactorProblemOf(problem: SignInProblem | null): SecondFactorProblem | null {
  if (problem?.kind === 'throttled') return problem
  if (problem?.kind === 'passkey_refused') return { kind: 'passkey_refused' }
  return problem === null ? null : { kind: 'refused' }
}

function statusOf(problem: { readonly kind: string } | null): number {
  if (problem?.kind === 'throttled') return 429
  return problem?.kind === 'busy' ? 503 : 200
}

interface Posted {
  readonly visit: Visit
  readonly browser: Browser
  readonly parameters: Parameters
  readonly request: HttpRequest
  readonly requestId: RequestId
}

async function posted(server: AuthorizationServer, request: HttpRequest, requestId: RequestId): Promise<HttpResponse> {
  refuseForeignPost(request)
  const parameters = readForm(request)
  const browser = await browserOf(server, request)
  const visit = await resumeVisit(server, parameters.get('state_token') ?? '', browser.hash)
  if (visit === null) return withCookies(seeOther(server.issuer + accountPath), browser.setCookies)
  const post = { visit, browser, parameters, request, requestId }
  switch (parameters.get('decision') ?? '') {
    case 'switch_account':
      return goOn(server, await startVisit(server, true), browser, null)
    case 'check':
      return triedCode(server, post)
    case 'passkey':
      return triedPasskey(server, post)
    case 'upstream':
      return leaving(server, post)
    default:
      return triedPassword(server, post)
  }
}

async function triedPassword(server: AuthorizationServer, post: Posted): Promise<HttpResponse> {
  const { browser, parameters, request, requestId } = post
  const username = parameters.get('username') ?? ''
  const password = parameters.get('password') ?? ''
  const caller = callerOf(request, requestId)
  const outcome = await signInWithPassword(server, { username, password, browser: browser.secrets, caller })
  const visit = { ...post.visit, loginHint: username.slice(0, typedCharactersMax) }
  switch (outcome.kind) {
    case 'signed_in':
      return arrived(server, outcome)
    case 'half':
      return goOn(server, { ...visit, firstFactor: outcome.firstFactor }, browser, null)
    case 'refused':
      return goOn(server, visit, browser, 'refused')
    case 'throttled':
    case 'busy':
      return heldBack(server, visit, browser, outcome)
  }
}

function leaving(server: AuthorizationServer, post: Posted): Promise<HttpResponse> {
  const { visit, parameters, browser, request, requestId } = post
  const errand = { kind: 'account', stateToken: parameters.get('state_token') ?? '' } as const
  const upstreamId = parameters.get('upstream') ?? ''
  const { loginHint } = visit
  const maxAgeSeconds = accountSeconds
  return departure(server, { upstreamId, errand, loginHint, maxAgeSeconds, browser, request, requestId })
}

async function triedCode(server: AuthorizationServer, post: Posted): Promise<HttpResponse> {
  const { visit, browser, parameters, request, requestId } = post
  const next = await nextOfVisit(server, visit, browser.session)
  if (next.kind !== 'second_factor') return goOn(server, visit, browser, null)
  const isAfterPassword = visit.firstFactor?.subject === next.user.subject
  const outcome = await signInWithCode(server, {
    firstFactor: isAfterPassword ? visit.firstFactor : null,
    session: browser.session,
    code: parameters.get('code') ?? '',
    browser: browser.secrets,
    caller: callerOf(request, requestId),
  })
  if (outcome.kind === 'signed_in') return arrived(server, outcome)
  if (outcome.kind === 'refused') return goOn(server, visit, browser, 'refused')
  return heldBack(server, visit, browser, outcome)
}

async function triedPasskey(server: AuthorizationServer, post: Posted): Promise<HttpResponse> {
  const { visit, browser, parameters, request, requestId } = post
  const outcome = await signInWithPasskey(server, {
    stateToken: parameters.get('state_token') ?? '',
    stateEndsAtMs: visitEndsAtMs(visit),
    answer: parameters.get('credential') ?? '',
    browser: browser.secrets,
    caller: callerOf(request, requestId),
  })
  if (outcome.kind === 'signed_in') return arrived(server, outcome)
  if (outcome.kind === 'refused') return goOn(server, visit, browser, 'passkey_refused')
  return heldBack(server, visit, browser, outcome)
}

/** What somebody types as their name may be anything; an address has at most this. */
const typedCharactersMax = 254

export function arrived(server: AuthorizationServer, { session, secrets }: SignedIn): HttpResponse {
  return withCookies(seeOther(server.issuer + accountPath), signedInCookies(secrets, session))
}

export function goOn(
  server: AuthorizationServer,
  visit: Visit,
  browser: Browser,
  problem: VisitProblem | null,
): HttpResponse {
  const query = new URLSearchParams({ state_token: sealVisit(server, visit, browser.hash) })
  if (problem !== null) query.set('problem', problem)
  return seeOther(`${server.issuer}${accountSignInPath}?${query.toString()}`)
}

async function heldBack(
  server: AuthorizationServer,
  visit: Visit,
  browser: Browser,
  problem: SignInProblem & { readonly retryAfterSeconds: number },
): Promise<HttpResponse> {
  const response = await visitResponse(server, visit, { browser, problem })
  return { ...response, headers: { ...response.headers, 'Retry-After': String(problem.retryAfterSeconds) } }
}
