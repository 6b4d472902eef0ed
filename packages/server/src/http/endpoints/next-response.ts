/** What comes next for an interaction, as a response: the way back to the application, or the page that asks. */

import { isPublicClient } from '../../domain/client/client.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import type { WaitingDevice } from '../../oauth/authorize/authorization-response.ts'
import { type Interaction, sealInteraction } from '../../oauth/authorize/interaction.ts'
import { type Next, scopesToAllow } from '../../oauth/authorize/proceed.ts'
import { isNearby } from '../../oauth/authorize/waiting-device.ts'
import { upstreamsOnPage } from '../../oauth/upstream/upstreams-on-page.ts'
import { passkeyRequest } from '../../oauth/passkey-sign-in.ts'
import type { HttpResponse } from '../exchange.ts'
import { consentPage, type Lasting } from '../pages/consent-page.ts'
import { deviceConsentPage, type DeviceOnPage } from '../pages/device-pages.ts'
import { alreadyUsedPage } from '../pages/error-page.ts'
import { forgottenPath } from '../pages/password-pages.ts'
import { secondFactorPage, type SecondFactorProblem } from '../pages/second-factor-page.ts'
import { signInPage, type SignInProblem } from '../pages/sign-in-page.ts'
import { signUpPage } from '../pages/sign-up-page.ts'
import type { Browser } from './browser-cookies.ts'
import { authorizationResponse, clientOnPage, issuerHostOf, pageResponse, seeOther } from './page-answers.ts'

export interface Showing {
  readonly browser: Browser
  readonly requestId: RequestId
  readonly problem: SignInProblem | null
}

export async function nextResponse(server: AuthorizationServer, next: Next, showing: Showing): Promise<HttpResponse> {
  switch (next.kind) {
    case 'respond':
      return authorizationResponse(server, next.response)
    case 'sign_in':
      return signInResponse(server, next, showing)
    case 'consent':
      return consentResponse(server, next, showing)
    case 'second_factor':
      return secondFactorResponse(server, next, { ...showing, problem: null })
    case 'already_used': {
      const { requestId } = showing
      return pageResponse(
        alreadyUsedPage({
          issuerHost: issuerHostOf(server),
          client: { name: next.client.name, host: null },
          requestId,
        }),
        409,
      )
    }
  }
}

/** After a post: straight back to the application, or to the page that asks next, by 303 either way. */
export async function nextAfterPost(server: AuthorizationServer, next: Next, showing: Showing): Promise<HttpResponse> {
  if (next.kind === 'respond' || next.kind === 'already_used') return nextResponse(server, next, showing)
  return continueWith(server, next.interaction, showing.browser, null)
}

export function continueWith(
  server: AuthorizationServer,
  interaction: Interaction,
  browser: Browser,
  problem: SignInProblem['kind'] | null,
): HttpResponse {
  const query = new URLSearchParams({ state_token: sealInteraction(server, interaction, browser.hash) })
  if (problem !== null) query.set('problem', problem)
  return seeOther(`${server.issuer}/continue?${query.toString()}`)
}

export async function signInResponse(
  server: AuthorizationServer,
  next: Next & { readonly kind: 'sign_in' },
  showing: Showing,
): Promise<HttpResponse> {
  const { interaction, client } = next
  const { request } = interaction
  const stateToken = sealInteraction(server, interaction, showing.browser.hash)
  if (request.prompts.includes('create')) {
    const { loginHint } = request
    const frame = { issuerHost: issuerHostOf(server), client: clientOnPage(client, request.redirectUri) }
    return pageResponse(signUpPage({ ...frame, stateToken, loginHint, isSent: false }))
  }
  const page = signInPage({
    issuerHost: issuerHostOf(server),
    stateToken,
    forgottenHref: server.mailer === null ? null : forgottenPath,
    offersAccount: server.rules.signUp,
    upstreams: await upstreamsOnPage(server),
    passkeyOptions: await passkeyRequest(server, stateToken, null),
    client: clientOnPage(client, request.redirectUri),
    loginHint: request.loginHint,
    problem: showing.problem,
    signedInAs: next.signedInAs,
  })
  return pageResponse(page, statusOf(showing.problem))
}

export async function secondFactorResponse(
  server: AuthorizationServer,
  next: Next & { readonly kind: 'second_factor' },
  showing: Omit<Showing, 'problem'> & { readonly problem: SecondFactorProblem | null },
): Promise<HttpResponse> {
  const { interaction, client, user, offers } = next
  const { problem, browser } = showing
  const stateToken = sealInteraction(server, interaction, browser.hash)
  const page = secondFactorPage({
    issuerHost: issuerHostOf(server),
    action: '/second-factor',
    stateToken,
    client: clientOnPage(client, interaction.request.redirectUri),
    userEmail: user.email,
    takesCode: offers.code,
    passkeyOptions: offers.passkey ? await passkeyRequest(server, stateToken, user.subject) : null,
    problem,
  })
  return pageResponse(page, problem?.kind === 'throttled' ? 429 : 200)
}

function statusOf(problem: SignInProblem | null): number {
  if (problem?.kind === 'throttled') return 429
  return problem?.kind === 'busy' ? 503 : 200
}

function consentResponse(
  server: AuthorizationServer,
  next: Next & { readonly kind: 'consent' },
  showing: Showing,
): HttpResponse {
  const { interaction, client, user } = next
  const { request } = interaction
  const props = {
    issuerHost: issuerHostOf(server),
    stateToken: sealInteraction(server, interaction, showing.browser.hash),
    client: clientOnPage(client, request.redirectUri),
    userEmail: user.email,
    scopes: scopesToAllow(request),
    resources: request.resources,
    details: next.details,
    lasting: lastingOf(next),
  }
  if (request.device !== null) {
    const device = deviceOnPage(request.device, interaction)
    return pageResponse(deviceConsentPage({ ...props, clientIsCertain: !isPublicClient(client), device }))
  }
  const clientIsCertain = !isPublicClient(client) || request.redirectUri.startsWith('https:')
  return pageResponse(consentPage({ ...props, clientIsCertain }))
}

function deviceOnPage(device: WaitingDevice, { startedAtMs }: Interaction): DeviceOnPage {
  const { userCode, address, userAgent, askedAtMs } = device
  return {
    userCode,
    address,
    userAgent,
    askedSecondsAgo: Math.max(0, Math.floor((startedAtMs - askedAtMs) / 1000)),
    isNearby: isNearby(device),
  }
}

function lastingOf(next: Next & { readonly kind: 'consent' }): Lasting {
  const { client, session, interaction } = next
  if (!client.grantTypes.includes('refresh_token')) return { kind: 'once', accessSeconds: client.accessTokenSeconds }
  const { idleSeconds, absoluteSeconds } = client
  if (interaction.request.scopes.includes('offline_access')) return { kind: 'offline', idleSeconds, absoluteSeconds }
  const sessionSeconds = Math.floor((session.expiresAtMs - session.authTimeMs) / 1000)
  return { kind: 'session', idleSeconds, absoluteSeconds: Math.min(absoluteSeconds, sessionSeconds) }
}
