/** The routes. Each one is small: what it decides is in `sign-in.ts` and `session-keeper.ts`, what it shows in `pages.ts`. */

import { randomBytes } from 'node:crypto'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import * as client from 'openid-client'
import { attemptSeconds, beginSignIn, finishSignIn, sealAttempts, unsealAttempts } from './sign-in.ts'
import { homePage, isNotice, type Notice, problemPage } from './pages.ts'
import { readProfile } from './profile.ts'
import type { Keys } from './seal.ts'
import { type SessionKeeper, sessionKeeper } from './session-keeper.ts'
import type { SessionStore } from './session-store.ts'
import { redirectUriOf, type Settings } from './settings.ts'

export interface AppParts {
  readonly config: client.Configuration
  readonly settings: Settings
  readonly keys: Keys
  readonly store: SessionStore
  readonly nowMs: () => number
}

const sessionCookie = '__Host-web_session'
const attemptCookie = '__Host-web_attempt'
const sessionIdBytes = 32

export function webApp(parts: AppParts): Express {
  const keeper = sessionKeeper({ ...parts, refreshAheadSeconds: parts.settings.refreshAheadSeconds })
  const app = express().disable('x-powered-by').disable('etag')
  app.use(withHeaders)
  app.get('/style.css', (_request, response) => response.sendFile('style.css', { root: import.meta.dirname }))
  app.use(refuseForeignPosts)
  app.get('/', (request, response) => {
    if (sessionIdOf(request) !== null) return response.redirect(303, '/profile')
    const { notice } = request.query
    response.send(homePage(parts.settings.issuer.host, isNotice(notice) ? notice : null))
  })
  addSignIn(app, parts)
  addSession(app, parts, keeper)
  app.use((_request, response) => {
    response.status(404).send(problemPage('Nothing here', 'This address does not lead anywhere.'))
  })
  app.use(onFailure)
  return app
}

function addSignIn(app: Express, parts: AppParts): void {
  const { config, settings, keys, store, nowMs } = parts
  app.get('/sign-in', async (request, response) => {
    const { url, attempt } = await beginSignIn(config, settings)
    const before = unsealAttempts(keys, cookieOf(request, attemptCookie))
    setCookie(response, attemptCookie, { value: sealAttempts(keys, [...before, attempt]), lifeSeconds: attemptSeconds })
    response.redirect(303, url.href)
  })
  app.get('/callback', async (request, response) => {
    const callbackUrl = redirectUriOf(settings)
    callbackUrl.search = new URL(request.originalUrl, settings.appUrl).search
    const attempts = unsealAttempts(keys, cookieOf(request, attemptCookie))
    const askedAtMs = nowMs()
    const outcome = await finishSignIn(config, callbackUrl, attempts, askedAtMs)
    if (outcome.kind !== 'signed_in') return goHome(response, outcome.kind)
    // Always a new id, so that one planted in this browser before is worth nothing.
    const id = randomBytes(sessionIdBytes).toString('base64url')
    store.sweep(askedAtMs)
    store.add(id, outcome.session)
    setCookie(response, attemptCookie, { value: '', lifeSeconds: 0 })
    keepSessionCookie(response, id, outcome.session.endsAtMs - askedAtMs)
    response.redirect(303, '/profile')
  })
}

function addSession(app: Express, parts: AppParts, keeper: SessionKeeper): void {
  const { config, settings, nowMs } = parts
  app.get('/profile', async (request, response) => {
    const id = sessionIdOf(request)
    const reading = id === null ? ({ kind: 'signed_out' } as const) : await readProfile(parts, keeper, id)
    if (reading.kind === 'page' && id !== null) {
      keepSessionCookie(response, id, reading.session.endsAtMs - nowMs())
      return response.send(reading.page)
    }
    if (reading.kind === 'unreachable') return sendUnreachable(response)
    setCookie(response, sessionCookie, { value: '', lifeSeconds: 0 })
    goHome(response, reading.kind === 'ended' || id !== null ? 'ended' : null)
  })
  app.post('/refresh', async (request, response) => {
    const id = sessionIdOf(request)
    const state = id === null ? null : await keeper.renew(id)
    if (state?.kind === 'ended')
      return goHome(setCookie(response, sessionCookie, { value: '', lifeSeconds: 0 }), 'ended')
    if (state?.kind === 'unreachable') return sendUnreachable(response)
    response.redirect(303, '/profile')
  })
  app.post('/sign-out', async (request, response) => {
    const id = sessionIdOf(request)
    const idToken = id === null ? null : await keeper.end(id)
    setCookie(response, sessionCookie, { value: '', lifeSeconds: 0 })
    if (idToken === null) return goHome(response, null)
    const returnTo = new URL('/signed-out', settings.appUrl).href
    const parameters = { id_token_hint: idToken, post_logout_redirect_uri: returnTo }
    response.redirect(303, client.buildEndSessionUrl(config, parameters).href)
  })
  app.get('/signed-out', (_request, response) => goHome(response, 'signed-out'))
}

function withHeaders(_request: Request, response: Response, next: NextFunction): void {
  response.set({
    'Cache-Control': 'no-store',
    // No form-action: Chromium holds it against the redirect to the authorization server that follows the sign-out form.
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  })
  next()
}

/** `SameSite` counts every port of localhost, and every sibling host, as the same site: a post has to be of this origin. */
function refuseForeignPosts(request: Request, response: Response, next: NextFunction): void {
  if (request.method === 'GET' || request.get('sec-fetch-site') === 'same-origin') return next()
  response.status(403).send(problemPage('That came from elsewhere', 'This form was sent from another site.'))
}

function onFailure(cause: unknown, _request: Request, response: Response, next: NextFunction): void {
  // No body and no URL of a failed exchange is printed: codes and tokens are in them.
  console.error(`a request failed: ${cause instanceof Error ? cause.message : 'unknown'}`)
  if (response.headersSent) return next(cause)
  response.status(500).send(problemPage('Something went wrong', 'Please try again in a moment.'))
}

function sendUnreachable(response: Response): void {
  const sentence = 'The server that signed you in does not answer. You are still signed in here.'
  response.status(503).set('Retry-After', '5').send(problemPage('Please try again', sentence))
}

function goHome(response: Response, notice: Notice | null): void {
  response.redirect(303, notice === null ? '/' : `/?notice=${notice}`)
}

function sessionIdOf(request: Request): string | null {
  const value = cookieOf(request, sessionCookie)
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : null
}

function cookieOf(request: Request, name: string): string | undefined {
  const pairs = (request.get('cookie') ?? '').split('; ')
  return pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** The cookie lasts as long as the session, which a renewal may have moved. */
function keepSessionCookie(response: Response, id: string, lifeMs: number): void {
  setCookie(response, sessionCookie, { value: id, lifeSeconds: Math.floor(lifeMs / 1000) })
}

function setCookie(
  response: Response,
  name: string,
  { value, lifeSeconds }: { readonly value: string; readonly lifeSeconds: number },
): Response {
  return response.append(
    'Set-Cookie',
    `${name}=${value}; Path=/; Max-Age=${lifeSeconds}; Secure; HttpOnly; SameSite=Lax`,
  )
}
