/** A call to an API for the person behind the browser: the token is added here and goes to that API alone. */

import { CustodyFailed, RefreshPostponed, SignInNeeded } from '@pawl/client'
import { cookie, grantOf, sessionCookie } from './cookies.ts'
import type { Parts } from './parts.ts'

/** The claims of the person, out of the userinfo endpoint. */
export async function me({ config, holder }: Parts, request: Request): Promise<Response> {
  const grant = await grantOf(request)
  const endpoint = config.serverMetadata().userinfo_endpoint
  if (grant === null || endpoint === undefined) return told(401, 'sign_in_needed')
  try {
    const answer = await holder.fetchAs(grant, { origins: [new URL(endpoint).origin] })(endpoint)
    return answer.ok ? Response.json(await answer.json(), uncached) : told(502, 'the API refused')
  } catch (cause) {
    if (cause instanceof SignInNeeded) return told(401, 'sign_in_needed', { 'set-cookie': cookie(sessionCookie, null) })
    // No answer means "unknown", never "over": the person stays signed in, and the next call may succeed.
    if (cause instanceof RefreshPostponed) return told(503, 'try_again', { 'retry-after': seconds(cause.retryAfterMs) })
    if (cause instanceof CustodyFailed) return told(503, 'try_again')
    throw cause
  }
}

const uncached = { headers: { 'cache-control': 'no-store' } }

function told(status: number, error: string, headers: { readonly [name: string]: string } = {}): Response {
  return Response.json({ error }, { status, headers: { ...uncached.headers, ...headers } })
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)))
}
