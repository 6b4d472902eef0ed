/** The account page and what its forms do. Whoever posts here has signed in a moment ago, in this browser. */

import encodeQR from 'qr'
import { parseClientId, parseFamilyId, parseSessionId, type RequestId } from '../../domain/identifiers.ts'
import { type AccountState, openAccountState, sealAccountState } from '../../oauth/account/account-state.ts'
import { endHolding, signOutElsewhere, signOutEverywhere, withdrawConsent } from '../../oauth/account/endings.ts'
import {
  addPasskey,
  changePassword,
  disconnectUpstream,
  describeTotp,
  makeRecoveryCodes,
  offerTotp,
  type Owner,
  passkeyCreation,
  removePasskey,
  removeTotp,
  setTotp,
  type TotpOffer,
} from '../../oauth/account/means-to-sign-in.ts'
import { isStillSignedIn, overviewOf } from '../../oauth/account/overview.ts'
import { accountSeconds, nextOfVisit, startVisit } from '../../oauth/account/visit.ts'
import type { AuthorizationServer, Parameters } from '../../oauth/authorization-server.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readForm } from '../form.ts'
import { type AccountNotice, accountPage, recoveryCodesPage, totpPage } from '../pages/account-page.ts'
import { passwordSentence } from '../pages/password-sentence.ts'
import { signedOutPage } from '../pages/sign-out-pages.ts'
import type { Endpoint } from '../router.ts'
import { accountPath, visitResponse } from './account-sign-in.ts'
import { shownApplications, shownPasskeys, shownSessions, shownUpstreams } from './account-words.ts'
import { type Browser, browserOf, signedOutCookies, withCookies } from './browser-cookies.ts'
import { departure } from './departure.ts'
import { issuerHostOf, pageResponse, refuseForeignPost, seeOther } from './page-answers.ts'
import { callerOf } from './protocol-request.ts'

export function accountEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const browser = await browserOf(server, request)
    const visit = await startVisit(server)
    const next = await nextOfVisit(server, visit, browser.session)
    if (next.kind !== 'account') return visitResponse(server, visit, { browser, problem: null })
    const owner = { user: next.user, session: next.session, caller: callerOf(request, requestId) }
    if (request.method !== 'POST') return accountResponse(server, { owner, browser }, null)
    refuseForeignPost(request)
    const parameters = readForm(request)
    const stateToken = parameters.get('state_token') ?? ''
    const state = await openAccountState(server, next.session, browser.hash, stateToken)
    if (state === null) return seeOther(server.issuer + accountPath)
    return decided(server, { owner, browser, parameters, stateToken, state, request, requestId })
  }
}

interface Decided {
  readonly owner: Owner
  readonly browser: Browser
  readonly parameters: Parameters
  readonly stateToken: string
  readonly state: AccountState
  readonly request: HttpRequest
  readonly requestId: RequestId
}

async function decided(server: AuthorizationServer, post: Decided): Promise<HttpResponse> {
  const { owner } = post
  switch (post.parameters.get('decision') ?? '') {
    case 'change_password':
      return passwordChanged(server, post)
    case 'passkey':
      return passkeyAdded(server, post)
    case 'passkey_remove':
      await removePasskey(server, owner, post.parameters.get('target') ?? '')
      return accountResponse(server, post, done('The passkey is removed here. Remove it from your device too.'))
    case 'totp_start':
      return totpResponse(server, post, offerTotp(server, owner.user, issuerHostOf(server)), false)
    case 'totp_confirm':
      return totpConfirmed(server, post)
    case 'totp_remove':
      await removeTotp(server, owner)
      return accountResponse(server, post, done('Codes are off. Your password alone signs you in.'))
    case 'upstream_link':
      return connecting(server, post)
    case 'upstream_unlink':
      await disconnectUpstream(server, owner, post.parameters.get('target') ?? '')
      return accountResponse(server, post, done('The two accounts are not connected any more.'))
    case 'recovery_codes':
      return recoveryCodesMade(server, post)
    default:
      return ended(server, post)
  }
}

async function ended(server: AuthorizationServer, post: Decided): Promise<HttpResponse> {
  const { owner, parameters } = post
  const target = parameters.get('target') ?? ''
  switch (parameters.get('decision') ?? '') {
    case 'session_end': {
      const id = parseSessionId(target)
      if (id !== null) await signOutElsewhere(server, owner, id)
      return accountResponse(server, post, done('That browser is signed out.'))
    }
    case 'consent_withdraw': {
      const id = parseClientId(target)
      if (id !== null) await withdrawConsent(server, owner, id)
      return accountResponse(server, post, done('What the application held is over. It has to ask you again.'))
    }
    case 'holding_end': {
      const id = parseFamilyId(target)
      if (id !== null) await endHolding(server, owner, id)
      return accountResponse(server, post, done('That place is ended. Nothing there acts for you any more.'))
    }
    case 'sign_out_everywhere': {
      const frames = await signOutEverywhere(server, owner)
      const page = signedOutPage({ issuerHost: issuerHostOf(server), frames, way: null })
      return withCookies(pageResponse(page), signedOutCookies())
    }
    default:
      return seeOther(server.issuer + accountPath)
  }
}

async function passwordChanged(server: AuthorizationServer, post: Decided): Promise<HttpResponse> {
  const { owner, browser, parameters } = post
  const current = parameters.get('current_password') ?? ''
  const wanted = parameters.get('new_password') ?? ''
  const outcome = await changePassword(server, owner, { current, wanted, deviceSecret: browser.secrets.device })
  switch (outcome.kind) {
    case 'changed':
      // The rule may have ended this very session.
      if (!(await isStillSignedIn(server, owner.session))) return seeOther(server.issuer + accountPath)
      return accountResponse(server, post, done('Your password is changed.'))
    case 'refused':
      return accountResponse(server, post, problem('The password you have now is another one.'))
    case 'password_refused':
      return accountResponse(server, post, problem(passwordSentence(outcome.fault)))
    case 'throttled':
    case 'busy': {
      const text = 'There were too many attempts. Please try again later.'
      const response = await accountResponse(server, post, problem(text), outcome.kind === 'busy' ? 503 : 429)
      return { ...response, headers: { ...response.headers, 'Retry-After': String(outcome.retryAfterSeconds) } }
    }
  }
}

async function passkeyAdded(server: AuthorizationServer, post: Decided): Promise<HttpResponse> {
  const { owner, parameters, stateToken, state } = post
  const answer = parameters.get('credential') ?? ''
  const name = parameters.get('name') ?? ''
  const isAdded = await addPasskey(server, owner, { stateToken, state, answer, name })
  const text = isAdded ? done('The passkey is added.') : problem('This passkey could not be added. Please try again.')
  return accountResponse(server, post, text)
}

async function totpConfirmed(server: AuthorizationServer, post: Decided): Promise<HttpResponse> {
  const { owner, parameters, state } = post
  if (state.totpKey === null) return seeOther(server.issuer + accountPath)
  const key = Buffer.from(state.totpKey, 'base64url')
  const codes = await setTotp(server, owner, key, parameters.get('code') ?? '')
  if (codes !== null) return codesResponse(server, codes)
  return totpResponse(server, post, describeTotp(key, owner.user, issuerHostOf(server)), true)
}

async function recoveryCodesMade(server: AuthorizationServer, post: Decided): Promise<HttpResponse> {
  const codes = await makeRecoveryCodes(server, post.owner)
  if (codes !== null) return codesResponse(server, codes)
  return accountResponse(server, post, problem('There are no codes to recover from: no authenticator app is set up.'))
}

/** Off to the provider; whoever comes back from there becomes one with whoever is signed in here. */
function connecting(server: AuthorizationServer, post: Decided): Promise<HttpResponse> {
  const { owner, browser, parameters, request, requestId } = post
  const { session, user } = owner
  const errand = { kind: 'link', sessionId: session.id, subject: user.subject } as const
  const upstreamId = parameters.get('target') ?? ''
  const maxAgeSeconds = accountSeconds
  return departure(server, { upstreamId, errand, loginHint: null, maxAgeSeconds, browser, request, requestId })
}

async function totpResponse(
  server: AuthorizationServer,
  { owner, browser }: Decided,
  offer: TotpOffer,
  isRefused: boolean,
): Promise<HttpResponse> {
  const stateToken = await sealAccountState(server, owner.session, browser.hash, offer.key)
  const { keyText } = offer
  const pictureHref = `data:image/svg+xml,${encodeURIComponent(encodeQR(offer.uri, 'svg'))}`
  const frame = { issuerHost: issuerHostOf(server), stateToken, userEmail: owner.user.email }
  return pageResponse(totpPage({ ...frame, keyText, pictureHref, isRefused }))
}

function codesResponse(server: AuthorizationServer, codes: readonly string[]): HttpResponse {
  return pageResponse(recoveryCodesPage({ issuerHost: issuerHostOf(server), codes }))
}

async function accountResponse(
  server: AuthorizationServer,
  { owner, browser }: { readonly owner: Owner; readonly browser: Browser },
  notice: AccountNotice | null,
  status = 200,
): Promise<HttpResponse> {
  const { user, session } = owner
  const overview = await overviewOf(server, user, session)
  const stateToken = await sealAccountState(server, session, browser.hash)
  const page = accountPage({
    issuerHost: issuerHostOf(server),
    stateToken,
    userEmail: user.email,
    notice,
    hasTotp: overview.hasTotp,
    recoveryCodesLeft: overview.recoveryCodesLeft,
    passkeys: shownPasskeys(overview),
    passkeyOptions: passkeyCreation(server, stateToken, user, overview.passkeys),
    sessions: shownSessions(overview),
    applications: shownApplications(overview),
    upstreams: shownUpstreams(overview),
  })
  return withCookies(pageResponse(page, status), browser.setCookies)
}

function done(text: string): AccountNotice {
  return { isProblem: false, text }
}

function problem(text: string): AccountNotice {
  return { isProblem: true, text }
}
