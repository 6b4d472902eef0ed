/** Answers of our own: never stored, never framed, never taken for something else. */

const ownHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
} as const

export function answerJson(
  status: number,
  body: object,
  headers: readonly (readonly [string, string])[] = [],
): Response {
  return made(status, JSON.stringify(body), [['content-type', 'application/json'], ...headers])
}

/** What a script of ours reads when its request was not taken; `error` is for programs. */
export function answerError(
  status: number,
  error: BffError,
  headers: readonly (readonly [string, string])[] = [],
): Response {
  return answerJson(status, { error }, headers)
}

/** For scripts: the session is over. It is told from a 401 of an API by the header. */
export function answerSignedOut(clearCookie: string): Response {
  return answerError(401, 'signed_out', [
    ['bff-session', 'none'],
    ['set-cookie', clearCookie],
  ])
}

export type BffError =
  | 'signed_out'
  | 'cross_site'
  | 'missing_header'
  | 'not_found'
  | 'bad_path'
  | 'method_not_allowed'
  | 'unavailable'
  | 'upstream_failed'
  | 'invalid_request'

export function redirectTo(location: string, headers: readonly (readonly [string, string])[] = []): Response {
  return made(303, null, [['location', location], ...headers])
}

/**
 * Goes on to a path of the application by way of a page. A redirect would not do: the navigation was begun by another site,
 * and the browser would keep our Strict cookie back from it.
 */
export function hopTo(path: string, headers: readonly (readonly [string, string])[]): Response {
  const address = path.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  const page = `<!doctype html><html lang="en"><title>Signed in</title><meta http-equiv="refresh" content="0;url=${address}"><p><a href="${address}">Go on</a></html>`
  return made(200, page, [['content-type', 'text/html; charset=utf-8'], ...headers])
}

export function made(status: number, body: string | null, headers: readonly (readonly [string, string])[]): Response {
  const all = new Headers(ownHeaders)
  for (const [name, value] of headers) {
    if (name === 'set-cookie') all.append(name, value)
    else all.set(name, value)
  }
  return new Response(body, { status, headers: all })
}
