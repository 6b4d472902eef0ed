/** `POST …/back-channel-logout`: the server says that a session is over (OpenID Connect Back-Channel Logout 1.0 §2.5). */

import { answerError, made } from './answers.ts'
import type { Inside } from './inside.ts'
import { logoutTokenCharactersMax } from './logout-token.ts'
import { endListed } from './session-life.ts'

/** Comes from the server, without a browser: neither cookie nor header; the token is the proof. */
export async function obeyLogout(inside: Inside, request: Request): Promise<Response> {
  const token = await logoutTokenIn(request)
  if (token === null) return answerError(400, 'invalid_request')
  try {
    const { subject, sessionId } = await inside.logoutTokens.check(token)
    // With both, one session is meant; without `sid`, every one of the person.
    if (sessionId !== null) await endListed(inside, 'sid', sessionId, 'server')
    else if (subject !== null) await endListed(inside, 'subject', subject, 'server')
    return made(200, null, [])
  } catch (error) {
    inside.settings.tell({ kind: 'trouble', error })
    return answerError(400, 'invalid_request')
  }
}

async function logoutTokenIn(request: Request): Promise<string | null> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') return null
  const text = await readText(request, logoutTokenCharactersMax * 2)
  const tokens = text === null ? [] : new URLSearchParams(text).getAll('logout_token')
  return tokens.length === 1 ? (tokens[0] ?? null) : null
}

/** The body as text, or null when it is longer. */
async function readText(request: Request, bytesMax: number): Promise<string | null> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > bytesMax) return null
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
