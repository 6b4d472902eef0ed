/** Who am I, and the way out: for scripts of the application. */

import { serverOf } from '@pawl/client/server'
import { answerJson } from './answers.ts'
import { expiresAtMs, type KeptSession, partsOf } from './browser-session.ts'
import { clearSessionCookie, readCookie, sessionCookie } from './cookies.ts'
import type { Inside } from './inside.ts'
import { endSessionOf, sessionOf } from './session-life.ts'

/** `GET …/session`: never a token. Times are seconds since 1970. */
export async function tellSession(inside: Inside, request: Request): Promise<Response> {
  const session = await sessionOf(inside, request)
  if (session === null) {
    const isStale = readCookie(request, sessionCookie) !== null
    return answerJson(200, { signed_in: false }, isStale ? [['set-cookie', clearSessionCookie()]] : [])
  }
  const { subject, claims, createdAtMs } = session.kept
  return answerJson(200, {
    signed_in: true,
    sub: subject,
    claims,
    created_at: Math.floor(createdAtMs / 1000),
    expires_at: Math.floor(expiresAtMs(inside.settings, session.kept) / 1000),
  })
}

/** `POST …/sign-out`: ends the session here, and says where the browser ends the server's own; null where that has none. */
export async function signOut(inside: Inside, request: Request): Promise<Response> {
  const parts = await partsOf(readCookie(request, sessionCookie))
  const ended = parts === null ? null : await endSessionOf(inside, parts, 'person')
  const location = await logoutAddress(inside, ended)
  return answerJson(200, { location }, [['set-cookie', clearSessionCookie()]])
}

/** OpenID Connect RP-Initiated Logout 1.0 §2. A server that cannot be reached has no say in whether we sign out. */
async function logoutAddress({ settings, custody }: Inside, ended: KeptSession | null): Promise<string | null> {
  const server = await serverOf(custody)().catch((error: unknown) => {
    settings.tell({ kind: 'trouble', error })
    return null
  })
  const { end_session_endpoint: endpoint } = server ?? {}
  if (typeof endpoint !== 'string') return null
  const url = new URL(endpoint)
  url.searchParams.set('client_id', settings.client.client_id)
  url.searchParams.set('post_logout_redirect_uri', `${settings.origin}${settings.signedOutPath}`)
  const idToken = ended?.idToken ?? null
  if (idToken !== null) url.searchParams.set('id_token_hint', idToken)
  return url.href
}
