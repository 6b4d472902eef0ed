/** The way in: to the server, and back with a code that only this browser's transaction redeems. */

import { beginSignIn, finishSignIn } from '@pawl/client/sign-in'
import { answerError, hopTo, redirectTo } from './answers.ts'
import type { Inside } from './inside.ts'
import { beginSession, endSessionOf } from './session-life.ts'
import {
  clearSignInCookie,
  readCookie,
  sessionCookie,
  setSessionCookie,
  setSignInCookie,
  signInCookieOf,
} from './cookies.ts'
import { partsOf } from './browser-session.ts'
import { checkedReturnTo } from './return-to.ts'

/** As long as the transaction itself. */
const signInSeconds = 600

/** `GET …/sign-in?return_to=/path`: a navigation, from wherever it was begun. */
export async function beginAt({ settings, custody }: Inside, request: Request, url: URL): Promise<Response> {
  const returnTo = checkedReturnTo(url.searchParams.get('return_to'), settings.origin)
  if (returnTo === null) return answerError(400, 'invalid_request')
  const { callbackUrl, scope, useDpop } = settings
  const resources = resourcesOf(settings.routes)
  try {
    const begun = await beginSignIn(custody, {
      redirectUri: callbackUrl,
      scope,
      useDpop,
      carried: JSON.stringify({ returnTo, before: readCookie(request, sessionCookie) } satisfies Carried),
      ...(resources.length === 0 ? {} : { resource: resources }),
      ...(url.searchParams.get('prompt') === 'none' ? { prompt: 'none' } : {}),
      ...(settings.claims.length === 0 ? {} : { additional: { claims: claimsRequest(settings.claims) } }),
    })
    return redirectTo(begun.url, [['set-cookie', setSignInCookie(begun.state, begun.transaction, signInSeconds)]])
  } catch (error) {
    settings.tell({ kind: 'sign-in-failed', error })
    return redirectTo(failureAddress(settings.failurePath, settings.origin, error))
  }
}

/** Asks for them in the ID token, where many servers put none of their own accord (OpenID Connect Core §5.5). */
function claimsRequest(claims: readonly string[]): string {
  return JSON.stringify({ id_token: Object.fromEntries(claims.map(name => [name, null])) })
}

/**
 * What the transaction keeps, sealed: the callback is a navigation that the server's site began, and the browser keeps the
 * `Strict` cookie of the session before back from it.
 */
interface Carried {
  readonly returnTo: string
  readonly before: string | null
}

function resourcesOf(routes: Inside['settings']['routes']): readonly string[] {
  return [...new Set(Object.values(routes).flatMap(({ resource }) => (resource === undefined ? [] : [resource])))]
}

/** `GET …/callback`: the browser comes back. A new session each time; the one before is ended. */
export async function finishAt(inside: Inside, request: Request, url: URL): Promise<Response> {
  const { settings, custody } = inside
  const state = url.searchParams.get('state') ?? ''
  const transaction = readCookie(request, signInCookieOf(state))
  const used = ['set-cookie', clearSignInCookie(state)] as const
  if (transaction === null) return redirectTo(failureAddress(settings.failurePath, settings.origin, null), [used])
  try {
    const fresh = await finishSignIn(custody, transaction, `${settings.callbackUrl}${url.search}`)
    // It was sealed by us, and is what we wrote.
    const carried = JSON.parse(fresh.carried ?? '{}') as Carried
    const before = await partsOf(carried.before)
    if (before !== null) await endSessionOf(inside, before, 'replaced')
    const cookie = await beginSession(inside, fresh, request.headers.get('user-agent'))
    const returnTo = checkedReturnTo(carried.returnTo, settings.origin) ?? '/'
    return hopTo(returnTo, [used, ['set-cookie', setSessionCookie(cookie, settings.absoluteSeconds)]])
  } catch (error) {
    settings.tell({ kind: 'sign-in-failed', error })
    return redirectTo(failureAddress(settings.failurePath, settings.origin, error), [used])
  }
}

/** The code of the refusal where there is one; the rest is for the operator's log. */
function failureAddress(path: string, origin: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'failed'
  const url = new URL(path, origin)
  url.searchParams.set('sign_in_error', /^[a-z_]{1,64}$/.test(code) ? code : 'failed')
  return `${url.pathname}${url.search}`
}
