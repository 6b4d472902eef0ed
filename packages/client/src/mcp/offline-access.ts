/**
 * Agents work while nobody looks: a grant that ends with the session of somebody's browser is of little use to them. An MCP
 * server names the scopes of its own resource, and `offline_access` is none of these, so it is added where the
 * authorization server knows it (OpenID Connect Core §11).
 */

import type { AuthorizationServer } from 'oauth4webapi'

const offlineAccess = 'offline_access'

/** The scope to ask for; null where nothing is to be changed. Where no scope is named the server's own choice stands. */
export function offlineScope(scope: string | null, server: AuthorizationServer): string | null {
  const isKnown = server.scopes_supported?.includes(offlineAccess) === true
  if (scope === null || scope === '' || !isKnown || scope.split(' ').includes(offlineAccess)) return null
  return `${scope} ${offlineAccess}`
}

/** The registration as it is to be sent: a client may only ask for what it is registered for (RFC 7591 §2). */
export function offlineRegistration(body: string, server: AuthorizationServer): string {
  const metadata: unknown = JSON.parse(body)
  if (typeof metadata !== 'object' || metadata === null || !('scope' in metadata)) return body
  const scope = offlineScope(typeof metadata.scope === 'string' ? metadata.scope : null, server)
  return scope === null ? body : JSON.stringify({ ...metadata, scope })
}

/** Asks for it in an address that somebody is sent to; OpenID Connect wants the person asked. */
export function askOffline(url: URL, server: AuthorizationServer, registered: string | undefined): void {
  const isRegistered = registered === undefined || registered.split(' ').includes(offlineAccess)
  const scope = isRegistered ? offlineScope(url.searchParams.get('scope'), server) : null
  if (scope === null) return
  url.searchParams.set('scope', scope)
  url.searchParams.set('prompt', 'consent')
}
